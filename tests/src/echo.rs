//! The upstream behind the proxy: it answers with what it got.

use anyhow::{Context, Result};
use host_sim::scenario::UpstreamRequest;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::net::{TcpListener, TcpStream};

/// A running echo upstream on a free loopback port. It runs as long as the
/// process.
pub struct Echo {
    address: SocketAddr,
    seen: Seen,
    count: Arc<AtomicU64>,
}

/// The requests that arrived, where they are kept.
type Seen = Option<Arc<Mutex<Vec<UpstreamRequest>>>>;

/// What all connections share.
#[derive(Clone)]
struct State {
    seen: Seen,
    count: Arc<AtomicU64>,
}

impl Echo {
    /// Starts an upstream that keeps what it got for [`Echo::take`].
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub fn keeping() -> Result<Self> {
        Self::start(Some(Arc::default()))
    }

    /// Starts an upstream that keeps nothing, for a load of any length.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub fn forgetting() -> Result<Self> {
        Self::start(None)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that arrived since the last call, in order.
    #[must_use]
    pub fn take(&self) -> Vec<UpstreamRequest> {
        self.seen.as_ref().map_or_else(Vec::new, |seen| {
            std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// How many requests have arrived.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn start(seen: Seen) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let count = Arc::new(AtomicU64::new(0));
        let state = State {
            seen: seen.clone(),
            count: Arc::clone(&count),
        };
        thread::Builder::new()
            .name("echo".to_owned())
            .spawn(move || run(state, &sender))
            .context("the echo upstream's thread cannot be started")?;
        let address = receiver
            .recv()
            .context("the echo upstream ended before it listened")??;
        Ok(Self {
            address,
            seen,
            count,
        })
    }
}

fn run(state: State, listening: &mpsc::Sender<Result<SocketAddr>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let listener = runtime.and_then(|runtime| {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        Ok((runtime, listener, address))
    });
    match listener {
        Ok((runtime, listener, address)) => {
            if listening.send(Ok(address)).is_ok() {
                runtime.block_on(accept(listener, state));
            }
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context("the echo upstream cannot listen");
            // The receiver is gone only when the process ends.
            let _ = listening.send(Err(error));
        }
    }
}

async fn accept(listener: TcpListener, state: State) {
    loop {
        // A connection that breaks while it is accepted is the peer's loss.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, state.clone()));
        }
    }
}

async fn serve(stream: TcpStream, state: State) {
    let service = service_fn(move |request| answer(request, state.clone()));
    // The proxy may close a connection at any time; that is no error here.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    state: State,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let (body, trailers) = match body.collect().await {
        Ok(body) => {
            let trailers = body.trailers().map(headers).unwrap_or_default();
            (body.to_bytes().to_vec(), trailers)
        }
        Err(_) => Default::default(),
    };
    let got = UpstreamRequest {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        authority: text(head.headers.get("host")),
        headers: headers(&head.headers),
        body,
        trailers,
    };
    let mut response = Response::new(Full::new(Bytes::from(shown(&got))));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    state.count.fetch_add(1, Ordering::Relaxed);
    if let Some(seen) = state.seen {
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(got);
    }
    Ok(response)
}

fn text(value: Option<&HeaderValue>) -> String {
    value.map_or_else(String::new, |value| {
        value.as_bytes().escape_ascii().to_string()
    })
}

fn headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .filter(|(name, _)| *name != "host")
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// The request as one JSON object; bytes that are not ASCII are escaped.
fn shown(request: &UpstreamRequest) -> String {
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| json!([name, value.escape_ascii().to_string()]))
        .collect();
    let shown = json!({
        "method": request.method,
        "path": request.path,
        "authority": request.authority,
        "headers": headers,
        "body": request.body.escape_ascii().to_string(),
    });
    format!("{shown}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client;

    #[test]
    fn what_arrived_is_answered_and_kept() {
        let echo = Echo::keeping().expect("listens");
        let headers = [("x-bytes".to_owned(), vec![0xff, b'a'])];
        let request = client::Request {
            method: "POST",
            path: "/orders/1?x=y",
            authority: "orders.example",
            headers: &headers,
            body: Some(b"hello"),
            ..client::Request::default()
        };
        let response = client::send(echo.address(), &request).expect("a response");
        assert_eq!(response.status, 200);
        let answer: serde_json::Value =
            serde_json::from_slice(&response.body).expect("a JSON answer");
        assert_eq!(answer["path"], "/orders/1?x=y");
        assert_eq!(answer["headers"][0], json!(["x-bytes", "\\xffa"]));
        let kept = echo.take();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].method, "POST");
        assert_eq!(kept[0].authority, "orders.example");
        assert_eq!(kept[0].headers[0], ("x-bytes".to_owned(), vec![0xff, b'a']));
        assert_eq!(kept[0].body, b"hello");
        assert!(echo.take().is_empty());
    }
}
