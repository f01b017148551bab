//! A client that sends exactly the bytes it is told to, over HTTP/1.1.
//!
//! Other clients refuse what a hostile one sends: paths with raw bytes,
//! repeated headers, header values that are not text.

use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// After this long without an answer a request counts as hung.
const LIMIT: Duration = Duration::from_secs(20);

/// The most headers that a response may have.
const MOST_HEADERS: usize = 128;

/// A response.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers as they came, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of the header, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// A request, bytes where bytes may be.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with the query, as it goes on the wire.
    pub path: &'a str,
    /// The Host header.
    pub authority: &'a str,
    /// The other headers, in this order.
    pub headers: &'a [(String, Vec<u8>)],
    /// The body; none when absent.
    pub body: Option<&'a [u8]>,
    /// Trailers; the body goes in chunks when there are some.
    pub trailers: &'a [(String, Vec<u8>)],
}

impl Request<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n",
            self.method, self.path, self.authority
        )
        .into_bytes();
        push_headers(&mut bytes, self.headers);
        let body = self.body.unwrap_or_default();
        if !self.trailers.is_empty() {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            if !body.is_empty() {
                bytes.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
                bytes.extend_from_slice(body);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n");
            push_headers(&mut bytes, self.trailers);
            bytes.extend_from_slice(b"\r\n");
            return bytes;
        }
        if self.body.is_some() {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }
}

fn push_headers(bytes: &mut Vec<u8>, headers: &[(String, Vec<u8>)]) {
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
}

/// A connection that is kept alive.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("nobody answers at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends the request and reads the response.
    ///
    /// # Errors
    ///
    /// When the connection breaks, times out, or what comes is not HTTP/1.1.
    pub fn send(&mut self, request: &Request<'_>) -> Result<Response> {
        self.begin(request)?;
        self.answer(request.method)
    }

    /// Sends the request and waits for nothing.
    ///
    /// # Errors
    ///
    /// When the connection breaks or times out.
    pub fn begin(&mut self, request: &Request<'_>) -> Result<()> {
        self.stream
            .get_mut()
            .write_all(&request.bytes())
            .context("the request cannot be sent")
    }

    /// Reads the response to a request of this method.
    ///
    /// # Errors
    ///
    /// When the connection breaks, times out, or what comes is not HTTP/1.1.
    pub fn answer(&mut self, method: &str) -> Result<Response> {
        loop {
            let (response, framing) = self.head()?;
            // Interim responses come before the one that counts (RFC 9110, 15.2).
            if response.status >= 200 {
                return self.with_body(response, method, &framing);
            }
        }
    }

    fn head(&mut self) -> Result<(Response, Framing)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = self
                .stream
                .read_until(b'\n', &mut head)
                .context("no response came")?;
            ensure!(read > 0, "the connection closed before a response came");
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        parsed
            .parse(&head)
            .context("the response is not HTTP/1.1")?;
        let response = Response {
            status: parsed.code.context("the response has no status")?,
            headers: parsed
                .headers
                .iter()
                .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
                .collect(),
            body: Vec::new(),
        };
        let framing = Framing::of(&response)?;
        Ok((response, framing))
    }

    fn with_body(
        &mut self,
        mut response: Response,
        method: &str,
        framing: &Framing,
    ) -> Result<Response> {
        if method == "HEAD" || matches!(response.status, 204 | 304) {
            return Ok(response);
        }
        match framing {
            Framing::Length(length) => {
                response.body = vec![0; *length];
                self.stream
                    .read_exact(&mut response.body)
                    .context("the body is cut short")?;
            }
            Framing::Chunked => response.body = self.chunks()?,
            Framing::UntilClosed => {
                self.stream
                    .read_to_end(&mut response.body)
                    .context("the body is cut short")?;
            }
        }
        Ok(response)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.line()?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)
                .with_context(|| format!("{size:?} is no chunk size"))?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            let start = body.len();
            body.resize(start + size, 0);
            self.stream
                .read_exact(body.get_mut(start..).unwrap_or_default())
                .context("a chunk is cut short")?;
            ensure!(
                self.line()?.is_empty(),
                "a chunk does not end where it says"
            );
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .context("the body is cut short")?;
        let Some(line) = line.strip_suffix("\r\n") else {
            bail!("the body is cut short");
        };
        Ok(line.to_owned())
    }
}

/// How a response's body ends.
enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Framing {
    fn of(response: &Response) -> Result<Self> {
        if response.header("transfer-encoding") == Some("chunked") {
            return Ok(Self::Chunked);
        }
        response
            .header("content-length")
            .map_or(Ok(Self::UntilClosed), |length| {
                let length = length
                    .parse()
                    .with_context(|| format!("content-length {length:?} is not a number"))?;
                Ok(Self::Length(length))
            })
    }
}

/// Sends one request on a connection of its own.
///
/// # Errors
///
/// As [`Connection::open`] and [`Connection::send`].
pub fn send(address: SocketAddr, request: &Request<'_>) -> Result<Response> {
    Connection::open(address)?.send(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// The response to a request when the peer answers with these bytes, and
    /// the bytes that the peer got.
    fn exchange(request: &Request<'_>, answer: &'static [u8]) -> (Result<Response>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let length = request.bytes().len();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut got = vec![0; length];
            stream.read_exact(&mut got).expect("the request");
            stream.write_all(answer).expect("answered");
            got
        });
        let response = send(address, request);
        (response, peer.join().expect("the peer"))
    }

    #[test]
    fn bytes_go_out_as_they_are() {
        let headers = [
            ("x-bytes".to_owned(), vec![0xff, b'a']),
            ("x-bytes".to_owned(), b"again".to_vec()),
        ];
        let request = Request {
            method: "GET",
            path: "/a/../%zz?q",
            authority: "orders.example",
            headers: &headers,
            ..Request::default()
        };
        let (response, got) = exchange(&request, b"HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(response.expect("a response").status, 204);
        assert_eq!(
            got,
            b"GET /a/../%zz?q HTTP/1.1\r\nhost: orders.example\r\nx-bytes: \xffa\r\nx-bytes: again\r\n\r\n"
        );
    }

    #[test]
    fn trailers_go_in_chunks() {
        let trailers = [("x-end".to_owned(), b"yes".to_vec())];
        let request = Request {
            method: "POST",
            path: "/",
            authority: "a",
            body: Some(b"hello"),
            trailers: &trailers,
            ..Request::default()
        };
        let (_, got) = exchange(&request, b"HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(
            got,
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-end: yes\r\n\r\n"
        );
    }

    #[test]
    fn bodies_end_by_length_by_chunks_and_by_closing() {
        let request = Request {
            method: "GET",
            path: "/",
            authority: "a",
            ..Request::default()
        };
        for answer in [
            &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nx: y\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nhello",
        ] {
            let (response, _) = exchange(&request, answer);
            assert_eq!(response.expect("a response").body, b"hello");
        }
        let (cut, _) = exchange(
            &request,
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        );
        assert_eq!(
            cut.err().map(|error| error.to_string()).as_deref(),
            Some("the body is cut short")
        );
    }
}
