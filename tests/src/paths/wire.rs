//! Requests as bytes, over HTTP/1.1 and over HTTP/2. Libraries refuse to send
//! most of what is sent here.

use super::corpus::Case;
use super::upstream::CASE;
use anyhow::Result;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// After this long without an answer a request counts as hung.
const LIMIT: Duration = Duration::from_secs(20);

/// Types of HTTP/2 frames (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// Their flags.
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends the request on a connection of its own and waits for an answer,
/// whatever it is.
pub(super) fn send(proxy: SocketAddr, case: &Case, number: &str, http: u8) -> Result<()> {
    let stream = TcpStream::connect(proxy)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let answered = match http {
        1 => over_http1(stream, case, number),
        _ => over_http2(stream, case, number),
    };
    match answered {
        // A proxy may close at once on what it does not like.
        Err(error) if is_closed(&error) => Ok(()),
        answered => answered,
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        )
    })
}

fn over_http1(mut stream: TcpStream, case: &Case, number: &str) -> Result<()> {
    let mut bytes = case.method().as_bytes().to_vec();
    bytes.push(b' ');
    bytes.extend(case.target()?);
    let authority = case.authority();
    let head =
        format!(" HTTP/1.1\r\nhost: {authority}\r\n{CASE}: {number}\r\nconnection: close\r\n\r\n");
    bytes.extend_from_slice(head.as_bytes());
    stream.write_all(&bytes)?;
    // The head is enough: a proxy that dislikes a request closes late.
    let mut head = Vec::new();
    let mut part = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => break,
            read => head.extend_from_slice(part.get(..read).unwrap_or_default()),
        }
    }
    Ok(())
}

fn over_http2(mut stream: TcpStream, case: &Case, number: &str) -> Result<()> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut bytes, SETTINGS, 0, 0, &[]);
    let target = case.target()?;
    let mut fields = vec![(":method", case.method().as_bytes())];
    if case.path()?.is_some() {
        fields.extend([(":scheme", &b"http"[..]), (":path", &target)]);
    }
    if let Some(protocol) = case.protocol() {
        fields.push((":protocol", protocol.as_bytes()));
    }
    fields.push((":authority", case.authority().as_bytes()));
    fields.push((CASE, number.as_bytes()));
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal field without indexing, with a new name (RFC 7541, 6.2.2).
        block.push(0);
        for text in [name.as_bytes(), value] {
            length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    frame(&mut bytes, HEADERS, END_STREAM | END_HEADERS, 1, &block);
    stream.write_all(&bytes)?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        stream.read_exact(&mut vec![0; usize::try_from(length)?])?;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let mut ack = Vec::new();
                frame(&mut ack, SETTINGS, ACK, 0, &[]);
                stream.write_all(&ack)?;
            }
            HEADERS | DATA if flags & END_STREAM != 0 => return Ok(()),
            RST_STREAM | GOAWAY => return Ok(()),
            _ => {}
        }
    }
}

fn frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or_default();
    bytes.extend(length.to_be_bytes().into_iter().skip(1));
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
}

/// A length with a prefix of seven bits (RFC 7541 section 5.1).
fn length(bytes: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        bytes.extend(u8::try_from(length));
        return;
    };
    bytes.push(127);
    while rest >= 128 {
        bytes.extend(u8::try_from(rest % 128 + 128));
        rest /= 128;
    }
    bytes.extend(u8::try_from(rest));
}
