//! The proxy around the VMs: time, log, shared state, scripted clusters, facts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::Status;
use crate::property::Property;
use crate::scenario::Script;
use crate::shared::{Metrics, Shared};

/// The simulator's time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The machine's time.
    Real,
    /// A time that only moves when it is told to.
    Set(SystemTime),
}

impl Clock {
    pub(crate) fn now(self) -> SystemTime {
        match self {
            Self::Real => SystemTime::now(),
            Self::Set(time) => time,
        }
    }
}

/// A log level, in the ABI's order and with its numbers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// 0
    Trace,
    /// 1
    Debug,
    /// 2
    Info,
    /// 3
    Warn,
    /// 4
    Error,
    /// 5
    Critical,
}

impl LogLevel {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Trace,
            1 => Self::Debug,
            2 => Self::Info,
            3 => Self::Warn,
            4 => Self::Error,
            5 => Self::Critical,
            _ => return None,
        })
    }
}

/// A foreign function: from its arguments to its results, or to the status it fails with.
pub type ForeignFunction = Arc<dyn Fn(&[u8]) -> Result<Vec<u8>, Status> + Send + Sync>;

/// What all VMs of the simulated proxy see.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) log: Vec<String>,
    pub(crate) log_level: LogLevel,
    pub(crate) shared: Shared,
    pub(crate) metrics: Metrics,
    pub(crate) clusters: BTreeMap<String, Script>,
    /// How often each cluster was called.
    pub(crate) called: BTreeMap<String, u64>,
    pub(crate) foreign: BTreeMap<String, ForeignFunction>,
    /// Facts that were given, which go before those that the simulator makes up.
    pub(crate) properties: Property,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) vm_configuration: String,
    pub(crate) plugin_name: String,
    pub(crate) root_id: String,
    pub(crate) vm_id: String,
    pub(crate) random: Random,
}

impl Default for World {
    /// A proxy with nothing around it.
    fn default() -> Self {
        Self {
            clock: Clock::Real,
            log: Vec::new(),
            log_level: LogLevel::Info,
            shared: Shared::default(),
            metrics: Metrics::default(),
            clusters: BTreeMap::new(),
            called: BTreeMap::new(),
            foreign: BTreeMap::new(),
            properties: Property::Map(BTreeMap::new()),
            environment: BTreeMap::new(),
            vm_configuration: String::new(),
            plugin_name: String::new(),
            root_id: String::new(),
            vm_id: String::new(),
            random: Random(0),
        }
    }
}

impl World {
    pub(crate) fn log(&mut self, level: LogLevel, message: String) {
        if level >= self.log_level {
            self.log.push(message);
        }
    }

    /// Nanoseconds since 1970.
    pub(crate) fn nanoseconds(&self) -> u64 {
        let since = self
            .clock
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The world as its VMs hold it.
#[derive(Clone)]
pub(crate) struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedWorld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedWorld")
    }
}

/// Numbers that look random but repeat from run to run (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let missing = length - bytes.len();
            bytes.extend(self.next().to_le_bytes().into_iter().take(missing));
        }
        bytes
    }

    /// A UUID of version 4, as Envoy makes request ids.
    pub(crate) fn uuid(&mut self) -> String {
        let high = self.next();
        let low = self.next();
        let high = (high & !0xf000) | 0x4000;
        let low = (low & !(0b11 << 62)) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}
