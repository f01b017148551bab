//! The way of a request through the proxy and of its response back.

use std::fmt;

use crate::context::{Context, Half, LocalReply, Stream};
use crate::headers::{HeaderMap, Kind};
use crate::host::Usage;
use crate::reply::{Response, local_reply};
use crate::scenario::{Observed, Request, UpstreamRequest};
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
    is_head: bool,
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

impl Way {
    fn direct(reply: &LocalReply, request: &HeaderMap) -> Self {
        Self::Direct(local_reply(reply, request), reply.details.clone())
    }
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

/// How a body comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pieces {
    /// In one piece, as that of a local reply.
    Whole,
    /// As Envoy's HTTP/1 codec gives it: the body, then an empty piece that is the end.
    OfCodec,
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
        let serving = self
            .current
            .as_ref()
            .map(|current| (current.vm, current.root))
            .filter(|(vm, _)| self.vm_failed(*vm).is_none());
        let (place, way) = match (serving, refusal(request)) {
            (Some((vm, root)), None) => {
                let mut stream = Stream::new(root, self.now(), number);
                stream.request = half_of(request, headers);
                self.begin_in(vm, root, stream)?
            }
            (Some((vm, root)), Some(refusal)) => {
                let stream = Stream::new(root, self.now(), number);
                self.refuse_in(vm, root, stream, headers, refusal)
            }
            (None, Some(refusal)) => (None, Way::direct(&refusal.reply, &headers)),
            // A listener whose plugin has no configuration yet.
            (None, None) if self.current.is_none() => {
                (None, Way::direct(&reply(500, "", ""), &headers))
            }
            (None, None) => (None, Way::direct(&reply(503, FAILED, ""), &headers)),
        };
        let stream = OpenStream {
            place,
            is_head: request.method == "HEAD",
            way,
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
            (Some(place), way) => self.respond(place, way, open.is_head, &mut observed)?,
        };
        if let Some(response) = ended {
            observed.status = status_of(&response.headers);
            observed.headers = to_client(&response, open.is_head);
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
    ) -> Result<(Option<Place>, Way), SimulationError> {
        let Some(machine) = self.vms.get_mut(&vm) else {
            return Err(SimulationError::NoSuchStream);
        };
        let context = machine
            .host_mut()
            .add_context(Context::Stream(Box::new(stream)));
        let place = Place { vm, root, context };
        self.create(place);
        let way = match self.pass(place, Direction::Request, Pieces::OfCodec) {
            Ok(outcome) => self.way_of(place, outcome),
            Err(error) => {
                self.end(place, &mut Observed::default());
                return Err(error);
            }
        };
        Ok((Some(place), way))
    }

    /// A request that the proxy refuses itself. The module is told of it when it is logged.
    fn refuse_in(
        &mut self,
        vm: u64,
        root: u32,
        mut stream: Stream,
        headers: HeaderMap,
        refusal: Refusal,
    ) -> (Option<Place>, Way) {
        let way = Way::direct(&refusal.reply, &headers);
        if refusal.has_headers {
            stream.request.headers = headers;
        }
        let place = self.vms.get_mut(&vm).map(|machine| Place {
            vm,
            root,
            context: machine
                .host_mut()
                .add_context(Context::Stream(Box::new(stream))),
        });
        (place, way)
    }

    /// Tells the module of a stream, once.
    fn create(&mut self, place: Place) {
        if let Some(stream) = self.stream_mut(place)
            && !std::mem::replace(&mut stream.created, true)
        {
            let arguments = [place.context, place.root];
            self.call(
                place.vm,
                place.context,
                "proxy_on_context_create",
                &arguments,
            );
        }
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
            Outcome::Failed => Way::direct(&reply(503, FAILED, ""), &request.headers),
        }
    }

    /// The response that comes back to the client; none when the stream was reset.
    fn respond(
        &mut self,
        place: Place,
        way: Way,
        is_head: bool,
        observed: &mut Observed,
    ) -> Result<Option<Response>, SimulationError> {
        let (response, pieces) = match way {
            Way::Reset => return Ok(None),
            Way::Direct(response, details) => {
                self.sent(place, &response, details);
                return Ok(Some(response));
            }
            Way::Reply(response) => (response, Pieces::Whole),
            Way::Upstream(request) => {
                observed.upstream = Some(request);
                if let Some(stream) = self.stream_mut(place) {
                    stream.details = Some("via_upstream".to_owned());
                }
                (self.upstream_response(is_head), Pieces::OfCodec)
            }
        };
        if let Some(stream) = self.stream_mut(place) {
            stream.response_code = Some(status_of(&response.headers));
            stream.response.headers = response.headers;
            stream.response.body = response.body;
        }
        let outcome = match self.pass(place, Direction::Response, pieces) {
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
                stream.details.clone().unwrap_or_default(),
            ),
            Outcome::Reply(reply) => (local_reply(&reply, &stream.request.headers), reply.details),
            Outcome::Failed => {
                let reply = reply(503, FAILED, "");
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
        // The router adds how many milliseconds the upstream took.
        headers.set("x-envoy-upstream-service-time", b"0");
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
            stream.details = Some(details);
        }
    }

    /// Shows one direction of a stream to the module: headers, body, trailers.
    fn pass(
        &mut self,
        place: Place,
        direction: Direction,
        pieces: Pieces,
    ) -> Result<Outcome, SimulationError> {
        let Some(half) = self.half(place, direction) else {
            return Ok(Outcome::Reset);
        };
        let (headers, body, trailers) = (half.headers.len(), half.body.len(), half.trailers.len());
        half.headers_open = true;
        let ends = body == 0 && trailers == 0;
        let arguments = [place.context, size(headers), u32::from(ends)];
        let called = self.call_stream(place, direction, "headers", &arguments);
        // A pause holds body and trailers back too.
        let outcome = self.settle(place, direction, called != Called::Returned(0))?;
        if !matches!(outcome, Outcome::GoOn) {
            return Ok(outcome);
        }
        if body > 0 {
            let outcome = self.pass_body(place, direction, pieces, trailers > 0)?;
            if !matches!(outcome, Outcome::GoOn) {
                return Ok(outcome);
            }
        }
        if trailers > 0 {
            if let Some(half) = self.half(place, direction) {
                half.trailers_open = true;
            }
            let arguments = [place.context, size(trailers)];
            let called = self.call_stream(place, direction, "trailers", &arguments);
            return self.settle(place, direction, called != Called::Returned(0));
        }
        Ok(Outcome::GoOn)
    }

    /// Shows a body: a piece that the module lets go is gone, one that it buffers (1) comes again
    /// with the next, one that it does not want buffered (3) is lost.
    fn pass_body(
        &mut self,
        place: Place,
        direction: Direction,
        pieces: Pieces,
        has_trailers: bool,
    ) -> Result<Outcome, SimulationError> {
        let ends: &[bool] = match pieces {
            Pieces::Whole => &[true],
            Pieces::OfCodec if has_trailers => &[false],
            Pieces::OfCodec => &[false, true],
        };
        let mut gone = Vec::new();
        if let Some(half) = self.half(place, direction) {
            half.received = half.body.len();
        }
        for end in ends {
            let Some(half) = self.half(place, direction) else {
                return Ok(Outcome::Reset);
            };
            half.body_open = true;
            let arguments = [place.context, size(half.body.len()), u32::from(*end)];
            let called = self.call_stream(place, direction, "body", &arguments);
            let keeps = !end && matches!(called, Called::Returned(1 | 3));
            let pauses = called != Called::Returned(0) && !keeps;
            let outcome = self.settle(place, direction, pauses)?;
            if !matches!(outcome, Outcome::GoOn) {
                return Ok(outcome);
            }
            if let Some(half) = self.half(place, direction) {
                match called {
                    Called::Returned(3) if keeps => half.body.clear(),
                    _ if keeps => {}
                    _ => gone.append(&mut half.body),
                }
            }
        }
        if let Some(half) = self.half(place, direction) {
            gone.append(&mut half.body);
            half.body = gone;
        }
        Ok(Outcome::GoOn)
    }

    /// Calls a stream's callback; one that the module does not export lets everything go on.
    fn call_stream(
        &mut self,
        place: Place,
        direction: Direction,
        part: &str,
        arguments: &[u32],
    ) -> Called {
        let name = format!("proxy_on_{}_{part}", direction.name());
        match self.call(place.vm, place.context, &name, arguments) {
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
                stream.details = Some(reply.details.clone());
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
        self.create(place);
        if let Some(stream) = self.stream_mut(place) {
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
            observed.details = stream.details.unwrap_or_default();
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

/// Why the proxy refuses a request before any filter sees it.
struct Refusal {
    reply: LocalReply,
    /// Whether the headers were read, so that they can be logged.
    has_headers: bool,
}

/// What Envoy's HTTP/1 codec and connection manager have against a request.
fn refusal(request: &Request) -> Option<Refusal> {
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let ends_line = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    let has_control = |bytes: &[u8]| {
        let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        bytes.iter().any(control)
    };
    let fields = || request.headers.iter().chain(&request.trailers);
    let path = request.path.as_bytes();
    let details = if !is_token(&request.method)
        || path.is_empty()
        || path.contains(&b' ')
        || ends_line(path)
        || ends_line(request.authority.as_bytes())
        || fields().any(|(name, value)| !is_token(name) || ends_line(value.as_slice()))
    {
        "http1.codec_error"
    } else if has_control(path)
        || has_control(request.authority.as_bytes())
        || fields().any(|(_, value)| has_control(value.as_slice()))
    {
        "http1.invalid_characters"
    } else if path.contains(&b'#') {
        return Some(Refusal {
            reply: reply(400, "path_normalization_failed", ""),
            has_headers: true,
        });
    } else {
        return None;
    };
    Some(Refusal {
        reply: reply(400, details, "Bad Request"),
        has_headers: false,
    })
}

fn reply(status: u32, details: &str, body: &str) -> LocalReply {
    LocalReply {
        status,
        details: details.to_owned(),
        body: body.as_bytes().to_vec(),
        ..LocalReply::default()
    }
}

/// What the codec adds for the client: whose answer it is, and how long a body that is not
/// there is.
fn to_client(response: &Response, is_head: bool) -> Vec<(String, Vec<u8>)> {
    let mut headers = response.headers.clone();
    headers.set("server", b"envoy");
    let status = status_of(&headers);
    let may_have_body = !is_head && !matches!(status, 100..200 | 204 | 304);
    if may_have_body && response.body.is_empty() && headers.get("content-length").is_none() {
        headers.add("content-length", b"0");
    }
    headers.regular()
}

fn status_of(headers: &HeaderMap) -> u16 {
    headers
        .text(":status")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
