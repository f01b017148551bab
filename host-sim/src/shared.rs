//! What the VMs of one proxy share: data by key, queues, and metrics.

use std::collections::{BTreeMap, VecDeque};

use crate::Status;

/// Shared data and queues. They outlive VMs, and the canary sees them as every other VM does.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    data: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
    queues: Vec<Queue>,
}

/// A queue; its token is its position, counted from 1.
#[derive(Debug)]
struct Queue {
    vm_id: Vec<u8>,
    name: Vec<u8>,
    entries: VecDeque<Vec<u8>>,
    reader: Reader,
}

/// The root context that is told when a queue has an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reader {
    /// The VM's number.
    pub(crate) vm: u64,
    /// The root context in it.
    pub(crate) context: u32,
}

impl Shared {
    /// The value of a key and its compare-and-swap number.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&(Vec<u8>, u32)> {
        self.data.get(key)
    }

    /// Sets a key. A `cas` other than 0 must be the key's current number.
    pub(crate) fn set(&mut self, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        if let Some((_, current)) = self.data.get(key)
            && cas != 0
            && cas != *current
        {
            return Err(Status::CasMismatch);
        }
        self.last_cas = self.last_cas.wrapping_add(1).max(1);
        self.data
            .insert(key.to_vec(), (value.to_vec(), self.last_cas));
        Ok(())
    }

    /// The token of a queue, which is made if it is not there; entries in it stay.
    pub(crate) fn register_queue(&mut self, vm_id: &[u8], name: &[u8], reader: Reader) -> u32 {
        if let Some(token) = self.resolve_queue(vm_id, name) {
            if let Some(queue) = self.queue(token) {
                queue.reader = reader;
            }
            return token;
        }
        self.queues.push(Queue {
            vm_id: vm_id.to_vec(),
            name: name.to_vec(),
            entries: VecDeque::new(),
            reader,
        });
        u32::try_from(self.queues.len()).unwrap_or(u32::MAX)
    }

    /// The token of a queue.
    pub(crate) fn resolve_queue(&self, vm_id: &[u8], name: &[u8]) -> Option<u32> {
        self.queues
            .iter()
            .position(|queue| queue.vm_id == vm_id && queue.name == name)
            .and_then(|position| u32::try_from(position + 1).ok())
    }

    /// Adds an entry and answers whom to tell.
    pub(crate) fn enqueue(&mut self, token: u32, entry: &[u8]) -> Result<Reader, Status> {
        let queue = self.queue(token).ok_or(Status::NotFound)?;
        queue.entries.push_back(entry.to_vec());
        Ok(queue.reader)
    }

    /// Takes the oldest entry.
    pub(crate) fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        let queue = self.queue(token).ok_or(Status::NotFound)?;
        queue.entries.pop_front().ok_or(Status::Empty)
    }

    fn queue(&mut self, token: u32) -> Option<&mut Queue> {
        let position = usize::try_from(token).ok()?.checked_sub(1)?;
        self.queues.get_mut(position)
    }
}

/// A metric's kind; the numbers are the ABI's and the low two bits of a metric's id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricKind {
    /// Only grows.
    Counter = 0,
    /// Goes up and down.
    Gauge = 1,
    /// Keeps every recorded value.
    Histogram = 2,
}

impl MetricKind {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Counter),
            1 => Some(Self::Gauge),
            2 => Some(Self::Histogram),
            _ => None,
        }
    }
}

/// A metric of the proxy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metric {
    /// Its kind.
    pub kind: MetricKind,
    /// The value of a counter or a gauge; 0 for a histogram.
    pub value: u64,
    /// The values that a histogram has recorded, oldest first.
    pub recorded: Vec<u64>,
}

/// All metrics by kind and name: one value for the whole proxy, whichever VM writes.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    metrics: Vec<(String, Metric)>,
}

impl Metrics {
    /// The metric's position, which is made if it is not there.
    pub(crate) fn define(&mut self, kind: MetricKind, name: String) -> usize {
        let known = self
            .metrics
            .iter()
            .position(|(known, metric)| *known == name && metric.kind == kind);
        known.unwrap_or_else(|| {
            self.metrics.push((
                name,
                Metric {
                    kind,
                    value: 0,
                    recorded: Vec::new(),
                },
            ));
            self.metrics.len() - 1
        })
    }

    pub(crate) fn at(&mut self, position: usize) -> Option<&mut Metric> {
        self.metrics.get_mut(position).map(|(_, metric)| metric)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Metric> {
        self.metrics
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, metric)| metric)
    }
}
