//! An upstream that keeps the bytes of each request's target. A server's
//! library would have an opinion on them.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The header that says which request it is.
pub(super) const CASE: &str = "x-case";

/// A request as it arrived.
pub(super) struct Arrived {
    /// Its number, from the header [`CASE`].
    pub(super) case: String,
    /// What stands between the method and the version.
    pub(super) target: Vec<u8>,
}

/// The running upstream; it runs as long as the process.
pub(super) struct Upstream {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Upstream {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let kept = Arc::clone(&arrived);
        thread::Builder::new()
            .name("upstream".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    let kept = Arc::clone(&kept);
                    // A connection that breaks is the proxy's own affair.
                    thread::spawn(move || serve(&stream, &kept).is_ok());
                }
            })
            .context("the upstream's thread cannot be started")?;
        Ok(Self { address, arrived })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests since the last call.
    pub(super) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(stream: &TcpStream, arrived: &Mutex<Vec<Arrived>>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let end = line.strip_suffix(b"\r\n").context("a line does not end")?;
            if end.is_empty() {
                break;
            }
            lines.push(end.to_vec());
        }
        let mut lines = lines.into_iter();
        let first = lines.next().unwrap_or_default();
        // What is odd about the line shows as a target that nobody expects.
        let start = first.iter().position(|byte| *byte == b' ');
        let target = first.get(start.map_or(0, |space| space + 1)..);
        let target = target.unwrap_or_default();
        let target = target.strip_suffix(b" HTTP/1.1").unwrap_or(target).to_vec();
        let case = lines.find_map(|line| {
            let line = String::from_utf8_lossy(&line).into_owned();
            let (name, value) = line.split_once(':')?;
            (name == CASE).then(|| value.trim().to_owned())
        });
        let case = case.unwrap_or_default();
        let mut all = arrived.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arrived { case, target });
        drop(all);
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}
