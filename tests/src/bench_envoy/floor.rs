//! Modules that do nothing but make host calls: those that every filter in
//! WebAssembly has to make, or those of Doorward. What they cost, no engine and
//! no token code that makes these calls can get below.

use super::mint::{self, Algorithm};
use super::variant::Calls;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_token::Jwks;
use std::fmt::Write as _;
use std::path::Path;

const TEXT: &str = include_str!("floor.wat");

/// The module whose callback returns at once.
pub(super) fn empty() -> Result<Vec<u8>> {
    wat::parse_str(include_str!("empty.wat")).context("the empty module is not well-formed")
}

/// Asks, and traps where the answer is another than "result: true".
const VERIFY: &str = "
    (if (call $call (i32.const 256) (i32.const 16) (i32.const 1024) (i32.const LENGTH)
          (i32.const 8) (i32.const 12)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 12)) (i32.const 2)) (then unreachable))
    (if (i32.ne (i32.load16_u (i32.load (i32.const 8))) (i32.const 0x0108)) (then unreachable))";

/// Doorward's other host calls for a request that is allowed: the time, the
/// token taken out, the decision record.
const CALLS: &str = "
    (if (call $time (i32.const 16)) (then unreachable))
    (if (call $remove_header (i32.const 0) (i32.const 288) (i32.const 13)) (then unreachable))
    (if (call $set_property (i32.const 320) (i32.const 17) (i32.const 352) (i32.const LENGTH))
      (then unreachable))";

/// A callback of Doorward's that the other floors lack.
const DELETE: &str = "(func (export \"proxy_on_delete\") (param i32))";

/// A record such as Doorward writes.
const RECORD: &str = r#"{"decision":"allow","reason":"allow_rule","rule":"p, scope:orders:read, /service-0/*, GET","revision":"bench@2026-11-21.1"}"#;

/// The module that makes these calls; with `verifies` it also has the host
/// check an RS256 signature, the same each time.
pub(super) fn module(calls: Calls, verifies: bool, keys: &Path) -> Result<Vec<u8>> {
    let (verify, arguments) = if verifies {
        let arguments = arguments(keys)?;
        let verify = VERIFY.replace("LENGTH", &arguments.len().to_string());
        (verify, arguments)
    } else {
        (String::new(), Vec::new())
    };
    let (calls, delete) = match calls {
        Calls::Headers => (String::new(), ""),
        Calls::Doorward => (CALLS.replace("LENGTH", &RECORD.len().to_string()), DELETE),
    };
    let text = TEXT
        .replace("RECORD", &escaped(RECORD.as_bytes())?)
        .replace("ARGUMENTS", &escaped(&arguments)?)
        .replace("    VERIFY\n", &format!("{verify}\n"))
        .replace("    CALLS\n", &format!("{calls}\n"))
        .replace("DELETE", delete);
    wat::parse_str(&text).context("the module is not well-formed")
}

/// Bytes as a text of the module's.
fn escaped(bytes: &[u8]) -> Result<String> {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "\\{byte:02x}")?;
    }
    Ok(text)
}

/// VerifySignatureArguments of Envoy: hash, key, signature, text.
fn arguments(keys: &Path) -> Result<Vec<u8>> {
    let tokens = mint::tokens(Algorithm::Rs256, 1, keys)?;
    let (text, signature) = tokens
        .first()
        .and_then(|token| token.rsplit_once('.'))
        .context("no token")?;
    let set = Jwks::parse(&std::fs::read(keys.join("jwks.json"))?)?;
    let key = set
        .keys()
        .iter()
        .find(|key| key.key_id() == Some("orders-rs256"))
        .and_then(|key| key.subject_public_key_info())
        .context("no key orders-rs256")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    let fields: [(u8, &[u8]); 4] = [
        (1, b"sha256"),
        (2, key),
        (3, &signature),
        (4, text.as_bytes()),
    ];
    let mut message = Vec::new();
    for (number, bytes) in fields {
        message.push(number << 3 | 2);
        let mut length = bytes.len();
        while length > 0x7f {
            message.push(u8::try_from(length & 0x7f)? | 0x80);
            length >>= 7;
        }
        message.push(u8::try_from(length)?);
        message.extend_from_slice(bytes);
    }
    Ok(message)
}
