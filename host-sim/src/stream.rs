//! The way of a request through the proxy and of its response back.

use std::fmt;

use crate::codec::{self, Refusal};
use crate::context::{Context, LocalReply, Stream};
use crate::headers::{HeaderMap, Kind};
use crate::host::Usage;
use crate::passage::{Direction, Outcome, Pieces, Place};
use crate::reply::{Response, local_reply, reply, status_of};
use crate::scenario::{Observed, Request, UpstreamRequest};
use crate::simulator::{SimulationError, Simulator};

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

/// How a request goes on after the module has seen it.
#[derive(Debug)]
enum Way {
    /// On, as soon as the module lets its headers go, if it holds them back.
    Begun { pauses: bool },
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
        let stream = self.open(request)?;
        self.proceed(stream)?;
        Ok(stream)
    }

    /// Shows the module a request's headers, and waits for nothing. Where the module holds them
    /// back, others can come in between; [`Simulator::finish`] and [`Simulator::proceed`] go on.
    ///
    /// # Errors
    ///
    /// When the module never comes to rest.
    pub fn open(&mut self, request: &Request) -> Result<StreamId, SimulationError> {
        self.fire_due_ticks()?;
        let request_id = self.world.lock().random.uuid();
        let headers = codec::request_headers(request, &request_id);
        let number = self.next_stream;
        self.next_stream += 1;
        let serving = self
            .current
            .as_ref()
            .map(|current| (current.vm, current.root))
            .filter(|(vm, _)| self.vm_failed(*vm).is_none());
        let (place, way) = match (serving, codec::refusal(request)) {
            (Some((vm, root)), None) => {
                let mut stream = Stream::new(root, self.now(), number);
                stream.request = codec::half_of(request, headers);
                self.open_in(vm, root, stream)?
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

    /// Has a request that was opened go on as far as to the upstream, or to the point where its
    /// response is known. Time passes as long as the module holds it back.
    ///
    /// # Errors
    ///
    /// When the stream is not open, the module pauses it for good, or never comes to rest.
    pub fn proceed(&mut self, stream: StreamId) -> Result<(), SimulationError> {
        let open = self
            .streams
            .get(&stream.0)
            .ok_or(SimulationError::NoSuchStream)?;
        let (Way::Begun { pauses }, Some(place)) = (&open.way, open.place) else {
            return Ok(());
        };
        match self.pass_on(place, Direction::Request, Pieces::OfCodec, *pauses) {
            Ok(outcome) => {
                let way = self.way_of(place, outcome);
                if let Some(open) = self.streams.get_mut(&stream.0) {
                    open.way = way;
                }
                Ok(())
            }
            Err(error) => {
                self.streams.remove(&stream.0);
                self.end(place, &mut Observed::default());
                Err(error)
            }
        }
    }

    /// Has the client of a stream go away: Envoy resets the stream.
    ///
    /// # Errors
    ///
    /// When the stream is not open, or the module never comes to rest.
    pub fn disconnect(&mut self, stream: StreamId) -> Result<(), SimulationError> {
        let open = self
            .streams
            .remove(&stream.0)
            .ok_or(SimulationError::NoSuchStream)?;
        if let Some(place) = open.place {
            self.end(place, &mut Observed::default());
        }
        self.deliver_all()?;
        self.retire();
        Ok(())
    }

    /// Lets the response come back and ends the stream.
    ///
    /// # Errors
    ///
    /// When the stream is not open, the module pauses it for good, or never comes to rest.
    pub fn finish(&mut self, stream: StreamId) -> Result<Observed, SimulationError> {
        self.proceed(stream)?;
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
            observed.headers = codec::to_client(&response, open.is_head);
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

    fn open_in(
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
        let pauses = self.show_headers(place, Direction::Request);
        Ok((Some(place), Way::Begun { pauses }))
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
                trailers: request.trailers.regular(),
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
            Way::Begun { .. } | Way::Reset => return Ok(None),
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
        let Usage {
            callbacks,
            calls,
            fuel,
        } = usage.unwrap_or_default();
        observed.callbacks = Some(callbacks);
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
}
