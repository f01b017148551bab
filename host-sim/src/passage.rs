//! The way of one direction of a stream through the module.

use std::time::Duration;

use crate::context::{Half, LocalReply, Stream};
use crate::simulator::{SimulationError, Simulator, size};
use crate::vm::Called;

/// Where a stream's context is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) vm: u64,
    pub(crate) root: u32,
    pub(crate) context: u32,
}

/// The two directions of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
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
pub(crate) enum Pieces {
    /// In one piece, as that of a local reply.
    Whole,
    /// As Envoy's HTTP/1 codec gives it: the body, then an empty piece that is the end.
    OfCodec,
}

/// Envoy's default for the time that a stream may be idle (`stream_idle_timeout`); then it
/// answers itself.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// What a callback, or the wait after it, leads to.
pub(crate) enum Outcome {
    GoOn,
    Reply(LocalReply),
    Reset,
    Failed,
}

impl Simulator {
    /// Shows one direction of a stream to the module: headers, body, trailers.
    pub(crate) fn pass(
        &mut self,
        place: Place,
        direction: Direction,
        pieces: Pieces,
    ) -> Result<Outcome, SimulationError> {
        let pauses = self.show_headers(place, direction);
        self.pass_on(place, direction, pieces, pauses)
    }

    /// Shows the headers of one direction; whether the module holds them back.
    pub(crate) fn show_headers(&mut self, place: Place, direction: Direction) -> bool {
        let Some(half) = self.half(place, direction) else {
            return false;
        };
        half.headers_open = true;
        let ends = half.body.is_empty() && half.trailers.len() == 0;
        let arguments = [place.context, size(half.headers.len()), u32::from(ends)];
        self.call_stream(place, direction, "headers", &arguments) != Called::Returned(0)
    }

    /// What follows when the headers have been shown: body and trailers, once the headers may
    /// go on. A pause holds body and trailers back too.
    pub(crate) fn pass_on(
        &mut self,
        place: Place,
        direction: Direction,
        pieces: Pieces,
        pauses: bool,
    ) -> Result<Outcome, SimulationError> {
        let Some(half) = self.half(place, direction) else {
            return Ok(Outcome::Reset);
        };
        let (body, trailers) = (half.body.len(), half.trailers.len());
        let outcome = self.settle(place, direction, pauses)?;
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
        let mut end = None;
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
            if self.deliver_one() {
                continue;
            }
            let end = *end.get_or_insert_with(|| self.now() + IDLE_TIMEOUT);
            if !self.pass_time(end)? {
                return Err(SimulationError::Stalled(direction.name()));
            }
        }
    }

    pub(crate) fn stream(&self, place: Place) -> Option<&Stream> {
        self.vms.get(&place.vm)?.host().stream(place.context)
    }

    pub(crate) fn stream_mut(&mut self, place: Place) -> Option<&mut Stream> {
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
