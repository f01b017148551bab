//! Contexts: the roots and the streams that a module is told of.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::headers::{HeaderMap, Kind};
use crate::pairs::Pair;

/// A context of a VM.
#[derive(Debug)]
pub(crate) enum Context {
    /// A plugin with one configuration.
    Root(Root),
    /// A request with its response.
    Stream(Box<Stream>),
}

/// A root context.
#[derive(Debug)]
pub(crate) struct Root {
    /// The plugin configuration that it was made for.
    pub(crate) configuration: String,
    /// When the next tick is due, and the time between two.
    pub(crate) tick: Option<Tick>,
}

/// A timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) period: Duration,
    pub(crate) due: SystemTime,
}

/// One direction of a stream. A part is open to the module from the callback that shows it until
/// the module lets it go on.
#[derive(Debug)]
pub(crate) struct Half {
    pub(crate) headers: HeaderMap,
    pub(crate) headers_open: bool,
    pub(crate) body: Vec<u8>,
    pub(crate) body_open: bool,
    /// Bytes of the body that have come, also those that went on.
    pub(crate) received: usize,
    pub(crate) trailers: HeaderMap,
    pub(crate) trailers_open: bool,
    /// The module asked to go on.
    pub(crate) resumed: bool,
}

impl Half {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            headers: HeaderMap::new(kind),
            headers_open: false,
            body: Vec::new(),
            body_open: false,
            received: 0,
            trailers: HeaderMap::new(Kind::Trailers),
            trailers_open: false,
            resumed: false,
        }
    }

    pub(crate) fn close(&mut self) {
        self.headers_open = false;
        self.body_open = false;
        self.trailers_open = false;
    }
}

/// A stream context.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) root: u32,
    /// The module was told of it.
    pub(crate) created: bool,
    pub(crate) started: SystemTime,
    pub(crate) connection_id: u64,
    pub(crate) request: Half,
    pub(crate) response: Half,
    pub(crate) filter_state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The answer that the module wants to be given instead of going on.
    pub(crate) local_reply: Option<LocalReply>,
    /// The module reset the stream.
    pub(crate) closed: bool,
    /// The stream is being logged: its headers can be read again, but no more changed.
    pub(crate) logging: bool,
    /// Status of the response, once it is sent.
    pub(crate) response_code: Option<u16>,
    /// The response code details, once they are known.
    pub(crate) details: Option<String>,
}

impl Stream {
    pub(crate) fn new(root: u32, started: SystemTime, connection_id: u64) -> Self {
        Self {
            root,
            created: false,
            started,
            connection_id,
            request: Half::new(Kind::Request),
            response: Half::new(Kind::Response),
            filter_state: BTreeMap::new(),
            local_reply: None,
            closed: false,
            logging: false,
            response_code: None,
            details: None,
        }
    }
}

/// An answer that the proxy gives by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalReply {
    pub(crate) status: u32,
    pub(crate) details: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<Pair>,
    /// The gRPC status to give to a gRPC request; derived from `status` when absent.
    pub(crate) grpc_status: Option<u32>,
}
