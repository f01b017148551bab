//! One request through the proxy without a module: what decides runs in this process, as plain
//! code, and the proxy does around it what it does around a module.

use std::time::SystemTime;

use wasmtime::StoreLimits;

use crate::codec;
use crate::context::{Context, LocalReply, Stream};
use crate::facts;
use crate::headers::{HeaderMap, Kind};
use crate::host::Host;
use crate::options::{Options, PropertyError};
use crate::reply::{Response, local_reply, status_of};
use crate::scenario::{Observed, Request, UpstreamRequest};
use crate::status::Status;
use crate::world::SharedWorld;

/// A request that has come to the proxy and was not answered yet.
///
/// It has the headers, the facts and the local replies that a module in the [`crate::Simulator`]
/// would meet, so that the same scenario can be judged in both ways. It has no callouts, no timers,
/// no metrics and no log: those belong to a VM.
pub struct Exchange {
    host: Host,
    context: u32,
    is_head: bool,
    refusal: Option<LocalReply>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Exchange")
    }
}

/// An answer that is given in the upstream's place.
#[derive(Clone, Debug, Default)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The response code details.
    pub details: &'a str,
    /// Header names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: &'a [u8],
    /// The gRPC status for a gRPC request; follows from `status` when absent.
    pub grpc_status: Option<u32>,
}

impl Exchange {
    /// A request that comes to a proxy of these options.
    ///
    /// # Errors
    ///
    /// When a property of the options has no usable path.
    pub fn new(request: &Request, options: &Options) -> Result<Self, PropertyError> {
        let world = SharedWorld::new(options.world()?);
        let (now, id) = {
            let mut world = world.lock();
            (world.clock.now(), world.random.uuid())
        };
        let headers = codec::request_headers(request, &id);
        let mut stream = Stream::new(0, now, 1);
        stream.request = codec::half_of(request, headers);
        stream.request.headers_open = true;
        let mut host = Host::new(world, 0, StoreLimits::default());
        let context = host.add_context(Context::Stream(Box::new(stream)));
        host.current = context;
        Ok(Self {
            host,
            context,
            is_head: request.method == "HEAD",
            refusal: codec::refusal(request).map(|refusal| refusal.reply),
        })
    }

    /// The proxy's time.
    pub fn now(&self) -> SystemTime {
        self.host.world.lock().clock.now()
    }

    /// Whether the proxy refuses the request itself, so that nobody is asked;
    /// [`Exchange::refused`] has its answer.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// The answer of a proxy that refuses the request itself.
    pub fn refused(mut self) -> Observed {
        let reply = self.refusal.take().unwrap_or_default();
        self.replied(&reply)
    }

    /// The request's headers, pseudo headers first.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        self.stream()
            .map_or(&[], |stream| stream.request.headers.entries())
    }

    /// Whether the request ends with its headers, with neither body nor trailers.
    pub fn ends_with_headers(&self) -> bool {
        self.stream().is_none_or(|stream| {
            let request = &stream.request;
            request.body.is_empty() && request.trailers.len() == 0
        })
    }

    /// The request's trailers.
    pub fn trailers(&self) -> &[(String, Vec<u8>)] {
        self.stream()
            .map_or(&[], |stream| stream.request.trailers.entries())
    }

    /// The bytes of the property at `path`.
    ///
    /// # Errors
    ///
    /// The status that a module would get.
    pub fn property(&self, path: &[&str]) -> Result<Vec<u8>, Status> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        facts::property(&self.host, &path)
    }

    /// Removes all values of a request header.
    pub fn remove_header(&mut self, name: &str) {
        if let Some(stream) = self.host.stream_mut(self.context) {
            stream.request.headers.remove(name);
        }
    }

    /// Makes `value` the only value of a request header.
    pub fn replace_header(&mut self, name: &str, value: &[u8]) {
        if let Some(stream) = self.host.stream_mut(self.context) {
            stream.request.headers.set(name, value);
        }
    }

    /// Removes all values of a request trailer.
    pub fn remove_trailer(&mut self, name: &str) {
        if let Some(stream) = self.host.stream_mut(self.context) {
            stream.request.trailers.remove(name);
        }
    }

    /// Lets the request go to the upstream, which answers with 200.
    pub fn permit(self) -> Observed {
        let upstream = self.stream().map(|stream| {
            let headers = &stream.request.headers;
            UpstreamRequest {
                method: headers.text(":method").unwrap_or_default(),
                path: headers.text(":path").unwrap_or_default(),
                authority: headers.text(":authority").unwrap_or_default(),
                headers: headers.regular(),
                body: stream.request.body.clone(),
                trailers: stream.request.trailers.regular(),
            }
        });
        let mut headers = HeaderMap::new(Kind::Response);
        headers.add(":status", b"200");
        headers.add("content-length", b"0");
        let response = Response {
            headers,
            body: Vec::new(),
        };
        Observed {
            upstream,
            ..self.observed(response, "via_upstream")
        }
    }

    /// Answers the request in the upstream's place.
    pub fn answer(self, answer: &Answer<'_>) -> Observed {
        let headers = answer.headers.iter();
        let reply = LocalReply {
            status: answer.status.into(),
            // As Envoy writes them.
            details: answer.details.replace(' ', "_"),
            body: answer.body.to_vec(),
            headers: headers
                .map(|(name, value)| (name.as_bytes().to_vec(), value.clone()))
                .collect(),
            grpc_status: answer.grpc_status,
        };
        self.replied(&reply)
    }

    fn replied(&self, reply: &LocalReply) -> Observed {
        let none = HeaderMap::new(Kind::Request);
        let request = self
            .stream()
            .map_or(&none, |stream| &stream.request.headers);
        self.observed(local_reply(reply, request), &reply.details)
    }

    fn observed(&self, response: Response, details: &str) -> Observed {
        Observed {
            status: status_of(&response.headers),
            headers: codec::to_client(&response, self.is_head),
            body: response.body,
            details: details.to_owned(),
            ..Observed::default()
        }
    }

    fn stream(&self) -> Option<&Stream> {
        self.host.stream(self.context)
    }
}
