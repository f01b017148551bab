//! The host's cryptography: what it is asked, what its answers mean, and what
//! is done without it.

use std::cell::{Cell, RefCell};

use doorward_token::{
    Algorithm, HostCallError, HostVerifier, SignatureHost, SignaturePath, SignatureState,
    SignatureVerifier, TokenError,
};

use crate::mint::{NOW, all_keys, decode, good, parts, provider_with};

const YES: Result<&[u8], HostCallError> = Ok(b"\x08\x01");

/// Every algorithm with a key, and the hash by which a host is asked.
const ALGORITHMS: [(&str, Algorithm, Option<&str>); 9] = [
    ("rsa-a", Algorithm::RS256, Some("sha256")),
    ("rsa-b", Algorithm::RS384, Some("sha384")),
    ("rsa-a", Algorithm::RS512, Some("sha512")),
    ("p256-a", Algorithm::ES256, Some("sha256")),
    ("p384-a", Algorithm::ES384, Some("sha384")),
    ("rsa-a", Algorithm::PS256, None),
    ("rsa-b", Algorithm::PS384, None),
    ("rsa-a", Algorithm::PS512, None),
    ("ed25519-a", Algorithm::EdDSA, None),
];

/// A host that answers as told, and notes what it is asked.
struct Scripted {
    answer: Cell<Result<&'static [u8], HostCallError>>,
    asked: RefCell<Vec<Vec<u8>>>,
    time: Cell<Option<u64>>,
    /// What the clock goes on by with each look at it.
    tick: u64,
    paths: RefCell<Vec<SignaturePath>>,
}

impl Scripted {
    fn new(answer: Result<&'static [u8], HostCallError>) -> Self {
        Self {
            answer: Cell::new(answer),
            asked: RefCell::default(),
            time: Cell::new(Some(1)),
            tick: 0,
            paths: RefCell::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.borrow().len()
    }
}

impl SignatureHost for Scripted {
    fn verify_signature(&self, arguments: &[u8]) -> Result<Vec<u8>, HostCallError> {
        self.asked.borrow_mut().push(arguments.to_vec());
        self.answer.get().map(<[u8]>::to_vec)
    }

    fn monotonic_nanoseconds(&self) -> Option<u64> {
        let time = self.time.get()?;
        self.time.set(Some(time + self.tick));
        Some(time)
    }

    fn in_use(&self, path: SignaturePath) {
        self.paths.borrow_mut().push(path);
    }
}

fn verify(
    host: &Scripted,
    state: &SignatureState,
    percent: u8,
    token: &str,
) -> Result<(), TokenError> {
    let provider =
        provider_with(|settings| settings.algorithms = Algorithm::ALL.map(Into::into).to_vec());
    let verifier = HostVerifier::new(host, state, percent);
    provider
        .verify(token.as_bytes(), NOW, &verifier)
        .map(|_| ())
}

/// A length-delimited field of a protocol buffer.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let low = u8::try_from(bytes.len() % 128).unwrap();
    let mut field = vec![number * 8 + 2];
    match u8::try_from(bytes.len() / 128).unwrap() {
        0 => field.push(low),
        high => field.extend([low + 128, high]),
    }
    field.extend(bytes);
    field
}

#[test]
fn a_host_is_asked_with_hash_key_signature_and_signed_text() {
    let state = SignatureState::default();
    let info = |key| match key {
        "rsa-a" => &include_bytes!("../data/rsa-a.spki.der")[..],
        "rsa-b" => include_bytes!("../data/rsa-b.spki.der"),
        "p256-a" => include_bytes!("../data/p256-a.spki.der"),
        "p384-a" => include_bytes!("../data/p384-a.spki.der"),
        _ => panic!("{key}"),
    };
    for (key, algorithm, hash) in ALGORITHMS {
        let host = Scripted::new(YES);
        let token = good(key, algorithm);
        assert_eq!(verify(&host, &state, 50, &token), Ok(()), "{algorithm}");
        let Some(hash) = hash else {
            assert_eq!(host.asked(), 0, "{algorithm}");
            continue;
        };
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let asked = host.asked.take().concat();
        let before = [field(1, hash.as_bytes()), field(2, info(key))].concat();
        let behind = field(4, signed.as_bytes());
        assert!(asked.starts_with(&before), "{algorithm}");
        assert!(asked.ends_with(&behind), "{algorithm}");
        let sent = &asked[before.len()..asked.len() - behind.len()];
        if algorithm.name().starts_with("RS") {
            assert_eq!(sent, field(3, &decode(signature)), "{algorithm}");
        } else {
            // Tag, length, then an Ecdsa-Sig-Value: a SEQUENCE of that length.
            assert_eq!((sent[0], sent[2], sent[1]), (0x1a, 0x30, sent[3] + 2));
        }
    }
}

#[test]
fn keys_of_a_set_have_the_form_that_openssl_makes() {
    let forms: [(&str, &[u8]); 5] = [
        ("rsa-a", include_bytes!("../data/rsa-a.spki.der")),
        ("rsa-b", include_bytes!("../data/rsa-b.spki.der")),
        ("p256-a", include_bytes!("../data/p256-a.spki.der")),
        ("p256-b", include_bytes!("../data/p256-b.spki.der")),
        ("p384-a", include_bytes!("../data/p384-a.spki.der")),
    ];
    let set = all_keys();
    for key in set.keys() {
        let name = key.key_id().unwrap();
        let form = forms.iter().find(|(known, _)| *known == name);
        assert_eq!(
            key.subject_public_key_info(),
            form.map(|(_, bytes)| *bytes),
            "{name}"
        );
    }
}

#[test]
fn only_a_clear_yes_accepts_and_a_failed_call_asks_nobody_else() {
    for (answer, expected) in [
        (Ok(&b""[..]), TokenError::SignatureInvalid),
        (Ok(b"\x08\x00"), TokenError::SignatureInvalid),
        (Ok(b"\x12\x01x"), TokenError::AlgorithmUnsupported),
        (Ok(b"\x08\x01\x12\x01x"), TokenError::AlgorithmUnsupported),
        (Ok(b"\x08"), TokenError::VerificationFailed),
        (Err(HostCallError::Failed), TokenError::VerificationFailed),
    ] {
        for (key, algorithm, hash) in ALGORITHMS {
            if hash.is_some() {
                let host = Scripted::new(answer);
                let verdict = verify(&host, &SignatureState::default(), 50, &good(key, algorithm));
                assert_eq!(verdict, Err(expected), "{algorithm}: {answer:?}");
            }
        }
    }
}

#[test]
fn signatures_out_of_form_are_refused_before_the_host_is_asked() {
    let state = SignatureState::default();
    for (key, algorithm, hash) in ALGORITHMS {
        if hash.is_none() {
            continue;
        }
        let token = good(key, algorithm);
        let [header, payload, signature] = parts(&token);
        let size = decode(&signature).len();
        let half = size / 2;
        let all = |byte| vec![byte; size];
        let mut first_zero = all(1);
        first_zero[..half].fill(0);
        let mut second_zero = all(1);
        second_zero[half..].fill(0);
        let mut forged = vec![all(0xff), vec![1; size - 1], vec![1; size + 1], Vec::new()];
        if algorithm.name().starts_with("ES") {
            forged.extend([all(0), first_zero, second_zero]);
        }
        for signature in forged {
            let host = Scripted::new(YES);
            let signature = crate::mint::encode(&signature);
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(
                verify(&host, &state, 50, &token),
                Err(TokenError::SignatureInvalid),
                "{algorithm} {signature}"
            );
            assert_eq!(host.asked(), 0, "{algorithm} {signature}");
        }
    }
}

#[test]
fn a_host_without_the_function_is_asked_once_and_software_decides() {
    let host = Scripted::new(Err(HostCallError::Absent));
    let state = SignatureState::default();
    let forged = good("rsa-b", Algorithm::RS256).replace("rsa-b", "rsa-a");
    let [header, payload, _] = parts(&good("rsa-a", Algorithm::RS256));
    let [_, _, signature] = parts(&forged);
    let forged = format!("{header}.{payload}.{signature}");
    for _ in 0..2 {
        for (key, algorithm, _) in ALGORITHMS {
            assert_eq!(verify(&host, &state, 50, &good(key, algorithm)), Ok(()));
        }
        assert_eq!(
            verify(&host, &state, 50, &forged),
            Err(TokenError::SignatureInvalid)
        );
    }
    assert_eq!(host.asked(), 1);
    assert_eq!(*host.paths.borrow(), [SignaturePath::Software]);
    assert_eq!(state.take_counts().software, 20);
}

#[test]
fn which_cryptography_is_in_use_is_said_once_and_counted() {
    let host = Scripted::new(YES);
    let state = SignatureState::default();
    for (key, algorithm, _) in ALGORITHMS {
        assert_eq!(verify(&host, &state, 50, &good(key, algorithm)), Ok(()));
    }
    assert_eq!(*host.paths.borrow(), [SignaturePath::Host]);
    let counts = state.take_counts();
    assert_eq!((counts.host, counts.software), (5, 4));
    assert_eq!(state.take_counts().host, 0);

    // Where the operator says so, a host is not asked at all.
    state.set_software_only(true);
    let asked = host.asked();
    let token = good("rsa-a", Algorithm::RS256);
    assert_eq!(verify(&host, &state, 50, &token), Ok(()));
    assert_eq!(host.asked(), asked);
    assert_eq!(
        *host.paths.borrow(),
        [SignaturePath::Host, SignaturePath::Software]
    );
}

#[test]
fn what_software_checks_is_under_the_budget_and_what_the_host_checks_is_not() {
    let state = SignatureState::default();
    let mut host = Scripted::new(YES);
    let slow = good("ed25519-a", Algorithm::EdDSA);
    let fast = good("rsa-a", Algorithm::RS256);
    assert_eq!(
        verify(&host, &state, 0, &slow),
        Err(TokenError::VerificationBudget)
    );
    assert_eq!(verify(&host, &state, 0, &fast), Ok(()));
    // At 10 %, checks of 50 ms: each books half a second, and the clock goes on
    // by a tenth, so the third one books beyond the second ahead.
    host.tick = 50_000_000;
    for _ in 0..3 {
        assert_eq!(verify(&host, &state, 10, &slow), Ok(()));
    }
    host.tick = 0;
    assert_eq!(
        verify(&host, &state, 10, &slow),
        Err(TokenError::VerificationBudget)
    );
    assert_eq!(verify(&host, &state, 10, &fast), Ok(()));
    host.time
        .set(host.time.get().map(|time| time + 1_000_000_000));
    assert_eq!(verify(&host, &state, 10, &slow), Ok(()));
    host.time.set(None);
    assert_eq!(
        verify(&host, &state, 10, &slow),
        Err(TokenError::VerificationFailed)
    );
}

#[test]
fn a_raw_key_and_one_of_a_set_are_asked_about_alike() {
    let set = all_keys();
    let state = SignatureState::default();
    for key in set.keys() {
        let algorithm = match key.key_id().unwrap() {
            "rsa-a" | "rsa-b" => Algorithm::RS256,
            "p256-a" | "p256-b" => Algorithm::ES256,
            "p384-a" => Algorithm::ES384,
            _ => Algorithm::EdDSA,
        };
        let size = match algorithm {
            Algorithm::RS256 => 256,
            Algorithm::ES384 => 96,
            _ => 64,
        };
        let (signature, raw, by_set) = (vec![1; size], Scripted::new(YES), Scripted::new(YES));
        let one = HostVerifier::new(&raw, &state, 50);
        let other = HostVerifier::new(&by_set, &state, 50);
        assert_eq!(
            one.verify(algorithm, key.public_key(), b"x", &signature),
            other.verify_by(algorithm, key, b"x", &signature)
        );
        assert_eq!(raw.asked, by_set.asked);
    }
}
