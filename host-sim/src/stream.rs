//! The way of a request through the proxy and of its response back.

use std::fmt;

use crate::context::{Context, Half, LocalReply, Stream};
use crate::headers::{HeaderMap, Kind};
use crate::host::Usage;
use crate::reply::{Response, local_reply};
use crate::scenario::{Bytes, Observed, Request, UpstreamRequest};
use crate::simulator::{SimulationError, Simulator, size};
use crate::vm::Called;

/// A stream that was begun and not finished.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamId(u64);

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "stream {}", self.0)
    }
}

/// What the proxy keeps of an open stream.
#[derive(Debug)]
pub(crate) struct OpenStream {
    /// Its context; none when the request never came to the module.
    place: Option<Place>,
    way: Way,
}

/// Where a stream's context is.
#[derive(Clone, Copy, Debug)]
struct Place {
    vm: u64,
    root: u32,
    context: u32,
}

/// How a request goes on after the module has seen it.
#[derive(Debug)]
enum Way {
    /// To the upstream.
    Upstream(UpstreamRequest),
    /// Back, with an answer of the proxy that the module sees on its way.
    Reply(Response),
    /// Back, with an answer of the proxy that no module sees.
    Direct(Response, String),
    /// Nowhere: the stream was reset.
    Reset,
}

impl OpenStream {
    pub(crate) fn is_of(&self, vm: u64, root: u32) -> bool {
        self.place
            .is_some_and(|place| (place.vm, place.root) == (vm, root))
    }

    pub(crate) fn is_in(&self, vm: u64) -> bool {
        self.place.is_some_and(|place| place.vm == vm)
    }
}

/// The two directions of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Direction {
    Request,
    Response,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// What a callback, or the wait after it, leads to.
enum Outcome {
    GoOn,
    Reply(LocalReply),
    Reset,
    Failed,
}

/// The response code details of a stream whose VM failed.
const FAILED: &str = "wasm_fail_stream";

impl Simulator {
    /// Sends a request through the proxy and waits for the response.
    ///
    /// # Errors
    ///
    /// When the module pauses the stream for good, or never comes to rest.
    pub fn request(&mut self, request: &Request) -> Result<Observed, SimulationError> {
        let stream = self.begin(request)?;
        self.finish(stream)
    }

    /// Sends a request as far as to the upstream, or to the point where its response is known.
    /// The stream stays open, so that others, or a configuration, can come in between.
    ///
    /// # Errors
    ///
    /// When the module pauses the stream for good, or never comes to rest.
    pub fn begin(&mut self, request: &Request) -> Result<StreamId, SimulationError> {
        self.fire_due_ticks()?;
        let headers = self.request_headers(request);
        let number = self.next_stream;
        self.next_stream += 1;
        let stream = match (&self.current, is_malformed(request)) {
            (_, true) => direct(400, "http1.codec_error", &headers),
            // A listener whose plugin has no configuration yet.
            (None, _) => direct(500, "", &headers),
            (Some(current), _) if self.vm_failed(current.vm).is_some() => {
                direct(503, FAILED, &headers)
            }
            (Some(current), _) => {
                let (vm, root) = (current.vm, current.root);
                let mut stream = Stream::new(root, self.now(), number);
                stream.request = half_of(request, headers);
                self.begin_in(vm, root, stream)?
            }
        };
        self.streams.insert(number, stream);
        Ok(StreamId(number))
    }

    /// Lets the response come back and ends the stream.
    ///
    /// # Errors
    ///
    /// When the stream is not open, the module pauses it for good, or never comes to rest.
    pub fn finish(&mut self, stream: StreamId) -> Result<Observed, SimulationError> {
        let open = self
            .streams
            .remove(&stream.0)
            .ok_or(SimulationError::NoSuchStream)?;
        let mut observed = Observed::default();
        let ended = match (open.place, open.way) {
            (None, Way::Direct(response, details)) => {
                observed.details = details;
                Some(response)
            }
            (None, _) => None,
            (Some(place), way) => self.respond(place, way, &mut observed)?,
        };
        if let Some(response) = ended {
            observed.status = status_of(&response.headers);
            observed.headers = response.headers.regular();
            observed.body = response.body;
        }
        match open.place {
            Some(place) => self.end(place, &mut observed),
            None => observed.trapped = self.trapped(),
        }
        self.deliver_all()?;
        self.retire();
        observed.log = self.take_log();
        Ok(observed)
    }

    /// The headers as they come to the first filter: pseudo headers in the order of Envoy's
    /// HTTP/1 codec, the client's own, and those that the connection manager adds.
    fn request_headers(&mut self, request: &Request) -> HeaderMap {
        let mut map = HeaderMap::new(Kind::Request);
        map.add(":authority", request.authority.as_bytes());
        map.add(":path", request.path.as_bytes());
        map.add(":method", request.method.as_bytes());
        map.add(":scheme", request.scheme.as_bytes());
        for (name, value) in &request.headers {
            map.add(name, value.as_slice().trim_ascii());
        }
        if let Some(body) = &request.body
            && map.get("content-length").is_none()
            && map.get("transfer-encoding").is_none()
        {
            let length = body.as_slice().len().to_string();
            map.add("content-length", length.as_bytes());
        }
        map.set("x-forwarded-proto", request.scheme.as_bytes());
        if map.get("x-request-id").is_none() {
            let id = self.world.lock().random.uuid();
            map.add("x-request-id", id.as_bytes());
        }
        map
    }

    fn begin_in(
        &mut self,
        vm: u64,
        root: u32,
        stream: Stream,
    ) -> Result<OpenStream, SimulationError> {
        let Some(machine) = self.vms.get_mut(&vm) else {
            return Err(SimulationError::NoSuchStream);
        };
        let context = machine
            .host_mut()
            .add_context(Context::Stream(Box::new(stream)));
        let place = Place { vm, root, context };
        self.call(vm, context, "proxy_on_context_create", &[context, root]);
        let way = match self.pass(place, Direction::Request) {
            Ok(outcome) => self.way_of(place, outcome),
            Err(error) => {
                self.end(place, &mut Observed::default());
                return Err(error);
            }
        };
        Ok(OpenStream {
            place: Some(place),
            way,
        })
    }

    /// Where a request goes after the module has seen it.
    fn way_of(&self, place: Place, outcome: Outcome) -> Way {
        let Some(stream) = self.stream(place) else {
            return Way::Reset;
        };
        let request = &stream.request;
        match outcome {
            Outcome::GoOn => Way::Upstream(UpstreamRequest {
                method: request.headers.text(":method").unwrap_or_default(),
                path: request.headers.text(":path").unwrap_or_default(),
                authority: request.headers.text(":authority").unwrap_or_default(),
                headers: request.headers.regular(),
                body: request.body.clone(),
            }),
            Outcome::Reply(reply) => Way::Reply(local_reply(&reply, &request.headers)),
            Outcome::Reset => Way::Reset,
            Outcome::Failed => {
                let reply = failure_reply();
                let response = local_reply(&reply, &request.headers);
                Way::Direct(response, reply.details)
            }
        }
    }

    /// The response that comes back to the client; none when the stream was reset.
    fn respond(
        &mut self,
        place: Place,
        way: Way,
        observed: &mut Observed,
    ) -> Result<Option<Response>, SimulationError> {
        let is_head = self
            .stream(place)
            .is_some_and(|stream| stream.request.headers.get(":method") == Some(b"HEAD"));
        let response = match way {
            Way::Reset => return Ok(None),
            Way::Direct(response, details) => {
                self.sent(place, &response, details);
                return Ok(Some(response));
            }
            Way::Reply(response) => response,
            Way::Upstream(request) => {
                observed.upstream = Some(request);
                if let Some(stream) = self.stream_mut(place) {
                    "via_upstream".clone_into(&mut stream.details);
                }
                self.upstream_response(is_head)
            }
        };
        if let Some(stream) = self.stream_mut(place) {
            stream.response.headers = response.headers;
            stream.response.body = response.body;
        }
        let outcome = match self.pass(place, Direction::Response) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.end(place, observed);
                return Err(error);
            }
        };
        let Some(stream) = self.stream(place) else {
            return Ok(None);
        };
        let (response, details) = match outcome {
            Outcome::GoOn => (
                Response {
                    headers: stream.response.headers.clone(),
                    body: stream.response.body.clone(),
                },
                stream.details.clone(),
            ),
            Outcome::Reply(reply) => (local_reply(&reply, &stream.request.headers), reply.details),
            Outcome::Failed => {
                let reply = failure_reply();
                (local_reply(&reply, &stream.request.headers), reply.details)
            }
            Outcome::Reset => return Ok(None),
        };
        self.sent(place, &response, details);
        Ok(Some(response))
    }

    fn upstream_response(&self, is_head: bool) -> Response {
        let upstream = &self.options.upstream;
        let mut headers = HeaderMap::new(Kind::Response);
        headers.add(":status", upstream.status.to_string().as_bytes());
        for (name, value) in &upstream.headers {
            headers.add(name, value);
        }
        if headers.get("content-length").is_none() {
            headers.add("content-length", upstream.body.len().to_string().as_bytes());
        }
        Response {
            headers,
            body: if is_head {
                Vec::new()
            } else {
                upstream.body.clone()
            },
        }
    }

    /// Notes what was sent, for the log callback.
    fn sent(&mut self, place: Place, response: &Response, details: String) {
        if let Some(stream) = self.stream_mut(place) {
            stream.response_code = Some(status_of(&response.headers));
            stream.response.headers = response.headers.clone();
            stream.details = details;
        }
    }

    /// Shows one direction of a stream to the module: headers, body, trailers.
    fn pass(&mut self, place: Place, direction: Direction) -> Result<Outcome, SimulationError> {
        let Some(half) = self.half(place, direction) else {
            return Ok(Outcome::Reset);
        };
        let (headers, body, trailers) = (half.headers.len(), half.body.len(), half.trailers.len());
        half.headers_open = true;
        let name = direction.name();
        let ends = body == 0 && trailers == 0;
        let arguments = [place.context, size(headers), u32::from(ends)];
        let called = self.call_stream(place, &format!("proxy_on_{name}_headers"), &arguments);
        // A pause holds body and trailers back too.
        let outcome = self.settle(place, direction, called != Called::Returned(0))?;
        if !matches!(outcome, Outcome::GoOn) {
            return Ok(outcome);
        }
        if body > 0 {
            let ends = trailers == 0;
            if let Some(half) = self.half(place, direction) {
                half.body_open = true;
            }
            let arguments = [place.context, size(body), u32::from(ends)];
            let called = self.call_stream(place, &format!("proxy_on_{name}_body"), &arguments);
            // A body that is kept back until its end does not keep the trailers from coming.
            let pauses = called != Called::Returned(0) && (ends || called != Called::Returned(1));
            let outcome = self.settle(place, direction, pauses)?;
            if !matches!(outcome, Outcome::GoOn) {
                return Ok(outcome);
            }
        }
        if trailers > 0 {
            if let Some(half) = self.half(place, direction) {
                half.trailers_open = true;
            }
            let arguments = [place.context, size(trailers)];
            let called = self.call_stream(place, &format!("proxy_on_{name}_trailers"), &arguments);
            return self.settle(place, direction, called != Called::Returned(0));
        }
        Ok(Outcome::GoOn)
    }

    /// Calls a stream's callback; one that the module does not export lets everything go on.
    fn call_stream(&mut self, place: Place, name: &str, arguments: &[u32]) -> Called {
        match self.call(place.vm, place.context, name, arguments) {
            Called::Not if self.vm_failed(place.vm).is_none() => Called::Returned(0),
            called => called,
        }
    }

    /// What a callback leads to; after a pause, when the module goes on.
    fn settle(
        &mut self,
        place: Place,
        direction: Direction,
        pauses: bool,
    ) -> Result<Outcome, SimulationError> {
        loop {
            if self.vm_failed(place.vm).is_some() {
                return Ok(Outcome::Failed);
            }
            let Some(stream) = self.stream_mut(place) else {
                return Ok(Outcome::Reset);
            };
            if stream.closed {
                return Ok(Outcome::Reset);
            }
            if let Some(reply) = stream.local_reply.take() {
                stream.details.clone_from(&reply.details);
                return Ok(Outcome::Reply(reply));
            }
            let half = match direction {
                Direction::Request => &mut stream.request,
                Direction::Response => &mut stream.response,
            };
            if !pauses || std::mem::take(&mut half.resumed) {
                half.close();
                half.resumed = false;
                return Ok(Outcome::GoOn);
            }
            if !self.deliver_one() {
                return Err(SimulationError::Stalled(direction.name()));
            }
        }
    }

    /// Logs the stream, ends it, and notes what the module left behind. Envoy logs a stream
    /// before it destroys its filters.
    fn end(&mut self, place: Place, observed: &mut Observed) {
        let Place { vm, context, .. } = place;
        if let Some(stream) = self.stream_mut(place) {
            stream.request.close();
            stream.response.close();
            stream.logging = true;
        }
        self.call(vm, context, "proxy_on_log", &[context]);
        if let Some(stream) = self.stream_mut(place) {
            stream.logging = false;
        }
        self.call(vm, context, "proxy_on_done", &[context]);
        self.call(vm, context, "proxy_on_delete", &[context]);
        observed.trapped = self.vm_failed(vm);
        let key = self.options.decision_property.clone().into_bytes();
        let Some(machine) = self.vms.get_mut(&vm) else {
            return;
        };
        let usage = machine.host().usage.get(&context).cloned();
        let Usage { calls, fuel } = usage.unwrap_or_default();
        observed.host_calls = Some(calls);
        observed.fuel = Some(fuel);
        if let Some(Context::Stream(mut stream)) = machine.host_mut().remove_context(context) {
            observed.decision = stream
                .filter_state
                .remove(&key)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            observed.details = stream.details;
        }
    }

    fn stream(&self, place: Place) -> Option<&Stream> {
        self.vms.get(&place.vm)?.host().stream(place.context)
    }

    fn stream_mut(&mut self, place: Place) -> Option<&mut Stream> {
        let vm = self.vms.get_mut(&place.vm)?;
        vm.host_mut().stream_mut(place.context)
    }

    fn half(&mut self, place: Place, direction: Direction) -> Option<&mut Half> {
        let stream = self.stream_mut(place)?;
        Some(match direction {
            Direction::Request => &mut stream.request,
            Direction::Response => &mut stream.response,
        })
    }
}

fn half_of(request: &Request, headers: HeaderMap) -> Half {
    let mut half = Half::new(Kind::Request);
    half.headers = headers;
    half.body = request
        .body
        .as_ref()
        .map(|body| body.as_slice().to_vec())
        .unwrap_or_default();
    for (name, value) in &request.trailers {
        half.trailers.add(name, value.as_slice());
    }
    half
}

/// Whether Envoy's HTTP/1 codec refuses the request before any filter sees it: control bytes
/// that would end a header, a name that is no token.
fn is_malformed(request: &Request) -> bool {
    let bad_value = |value: &[u8]| value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
    let bad_name = |name: &str| {
        name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let bad = |(name, value): &(String, Bytes)| bad_name(name) || bad_value(value.as_slice());
    bad_name(&request.method)
        || request
            .path
            .bytes()
            .any(|byte| byte <= b' ' || byte == 0x7f)
        || bad_value(request.authority.as_bytes())
        || request.headers.iter().any(bad)
        || request.trailers.iter().any(bad)
}

/// The answer that Envoy gives when a module failed and the failure policy is to fail closed.
fn failure_reply() -> LocalReply {
    LocalReply {
        status: 503,
        details: FAILED.to_owned(),
        grpc_status: Some(14),
        ..LocalReply::default()
    }
}

fn direct(status: u32, details: &str, request: &HeaderMap) -> OpenStream {
    let reply = LocalReply {
        status,
        details: details.to_owned(),
        ..LocalReply::default()
    };
    OpenStream {
        place: None,
        way: Way::Direct(local_reply(&reply, request), reply.details),
    }
}

fn status_of(headers: &HeaderMap) -> u16 {
    headers
        .text(":status")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
