//! The state that one VM's host calls work on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::SystemTime;

use wasmtime::{Memory, StoreLimits, TypedFunc};

use crate::context::{Context, Root, Stream};
use crate::headers::HeaderMap;
use crate::scenario::{ClusterAnswer, HostCalls};
use crate::shared::Reader;
use crate::world::SharedWorld;

/// An HTTP call that was not answered yet.
#[derive(Debug)]
pub(crate) struct PendingCall {
    pub(crate) token: u32,
    /// The root context that gets the answer.
    pub(crate) root: u32,
    /// The context whose callback made the call, whichever it acted for: the call ends with it.
    pub(crate) owner: u32,
    /// When the answer is there.
    pub(crate) due: SystemTime,
    /// The answer; the connection breaks where there is none.
    pub(crate) answer: Option<ClusterAnswer>,
}

/// The answer of an HTTP call while the module is told of it.
#[derive(Debug)]
pub(crate) struct CallResponse {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

/// Callbacks of one context, their host calls and their fuel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) callbacks: BTreeMap<String, u64>,
    pub(crate) calls: HostCalls,
    pub(crate) fuel: u64,
}

/// The data of a VM's store.
pub(crate) struct Host {
    pub(crate) world: SharedWorld,
    /// The VM's number.
    pub(crate) vm: u64,
    pub(crate) limits: StoreLimits,
    pub(crate) memory: Option<Memory>,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
    pub(crate) contexts: BTreeMap<u32, Context>,
    next_context: u32,
    /// The context whose callback runs.
    pub(crate) current: u32,
    /// The context that the module asked to act for; 0 for none.
    pub(crate) effective: u32,
    /// The plugin configuration while the module may read it.
    pub(crate) configuring: Option<String>,
    pub(crate) calls: VecDeque<PendingCall>,
    next_call: u32,
    pub(crate) call_response: Option<CallResponse>,
    /// Status code and message of the last call that ended.
    pub(crate) status: (u32, String),
    /// Roots that said in `proxy_on_done` that they are not done yet.
    pub(crate) awaiting_done: BTreeSet<u32>,
    /// Roots that said so with `proxy_done` later.
    pub(crate) done: Vec<u32>,
    pub(crate) metric_ids: BTreeMap<u32, usize>,
    /// How many counters, gauges and histograms were defined.
    pub(crate) next_metric: [u32; 3],
    /// Readers to tell of an entry, with the queue's token.
    pub(crate) queue_ready: Vec<(Reader, u32)>,
    pub(crate) usage: BTreeMap<u32, Usage>,
}

impl Host {
    pub(crate) fn new(world: SharedWorld, vm: u64, limits: StoreLimits) -> Self {
        Self {
            world,
            vm,
            limits,
            memory: None,
            allocate: None,
            contexts: BTreeMap::new(),
            next_context: 1,
            current: 0,
            effective: 0,
            configuring: None,
            calls: VecDeque::new(),
            next_call: 1,
            call_response: None,
            status: (0, String::new()),
            awaiting_done: BTreeSet::new(),
            done: Vec::new(),
            metric_ids: BTreeMap::new(),
            next_metric: [0; 3],
            queue_ready: Vec::new(),
            usage: BTreeMap::new(),
        }
    }

    /// Adds a context and answers its id.
    pub(crate) fn add_context(&mut self, context: Context) -> u32 {
        let id = self.next_context;
        self.next_context += 1;
        self.contexts.insert(id, context);
        id
    }

    /// Takes the first call whose answer is there.
    pub(crate) fn answered_call(&mut self, now: SystemTime) -> Option<PendingCall> {
        let due = self.calls.iter().enumerate();
        let due = due.filter(|(_, call)| call.due <= now);
        let (position, _) = due.min_by_key(|(_, call)| call.due)?;
        self.calls.remove(position)
    }

    /// Forgets a context with all that belongs to it.
    pub(crate) fn remove_context(&mut self, id: u32) -> Option<Context> {
        self.calls
            .retain(|call| call.root != id && call.owner != id);
        self.awaiting_done.remove(&id);
        self.usage.remove(&id);
        self.contexts.remove(&id)
    }

    /// The context that a host call acts for.
    pub(crate) fn acting(&self) -> u32 {
        if self.contexts.contains_key(&self.effective) {
            self.effective
        } else {
            self.current
        }
    }

    /// The root context of the context that a host call acts for.
    pub(crate) fn acting_root(&self) -> u32 {
        let acting = self.acting();
        self.stream(acting).map_or(acting, |stream| stream.root)
    }

    pub(crate) fn stream(&self, id: u32) -> Option<&Stream> {
        match self.contexts.get(&id) {
            Some(Context::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn stream_mut(&mut self, id: u32) -> Option<&mut Stream> {
        match self.contexts.get_mut(&id) {
            Some(Context::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn root_mut(&mut self, id: u32) -> Option<&mut Root> {
        match self.contexts.get_mut(&id) {
            Some(Context::Root(root)) => Some(root),
            _ => None,
        }
    }

    /// The root context that was made for a configuration.
    pub(crate) fn root_of(&self, configuration: &str) -> Option<u32> {
        self.contexts
            .iter()
            .find_map(|(id, context)| match context {
                Context::Root(root) if root.configuration == configuration => Some(*id),
                _ => None,
            })
    }

    /// A token for an HTTP call; as in Envoy its low two bits are zero.
    pub(crate) fn next_call_token(&mut self) -> u32 {
        let token = self.next_call.wrapping_mul(4);
        self.next_call = self.next_call.wrapping_add(1);
        token
    }

    /// Counts a call of the running callback.
    pub(crate) fn count(&mut self, name: &str) {
        let calls = &mut self.usage.entry(self.current).or_default().calls;
        match calls.by_name.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                calls.by_name.insert(name.to_owned(), 1);
            }
        }
    }

    /// Counts that data was handed back to the running callback.
    pub(crate) fn count_data(&mut self) {
        self.usage
            .entry(self.current)
            .or_default()
            .calls
            .returning_data += 1;
    }
}
