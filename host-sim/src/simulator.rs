//! The simulated proxy: VMs, configurations, time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::context::{Context, Root};
use crate::headers::{HeaderMap, Kind};
use crate::host::{CallResponse, PendingCall};
use crate::module::ProxyModule;
use crate::options::{Options, PropertyError};
use crate::scenario::{ClusterAnswer, ObservedPush, Script};
use crate::shared::Metric;
use crate::stream::OpenStream;
use crate::vm::{Called, Vm};
use crate::world::{Clock, SharedWorld};

/// How many events (call answers, queue entries) are delivered before it is said that the module
/// never comes to rest.
const MAX_EVENTS: usize = 10_000;

/// Why the simulation cannot go on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SimulationError {
    /// The module paused a stream, and nothing is under way that could make it go on. Envoy
    /// would let the client wait until a timeout.
    #[error("the module paused the {0} and nothing is pending that could resume it")]
    Stalled(&'static str),
    /// Each event that the module is told of brings another one.
    #[error("the module was told of {MAX_EVENTS} call answers and queue entries in one step")]
    Restless,
    /// The stream was finished before, or never begun.
    #[error("there is no open stream of that number")]
    NoSuchStream,
}

/// A simulated proxy with one plugin.
///
/// Everything happens when it is asked for: a call to a method returns when the module has come
/// to rest. Answers to HTTP calls come when their time has come; answers that take no time, at
/// the end of the step in which the calls were made. A request that the module holds back lets
/// time pass up to the next timer or answer, until it goes on.
pub struct Simulator {
    pub(crate) module: ProxyModule,
    pub(crate) options: Options,
    pub(crate) world: SharedWorld,
    pub(crate) vms: BTreeMap<u64, Vm>,
    next_vm: u64,
    /// The configuration that serves.
    pub(crate) current: Option<Plugin>,
    /// What the canary said of a configuration; it is not asked twice.
    verdicts: BTreeMap<String, bool>,
    pub(crate) streams: BTreeMap<u64, OpenStream>,
    pub(crate) next_stream: u64,
}

/// A configuration in its VM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Plugin {
    pub(crate) vm: u64,
    pub(crate) root: u32,
    pub(crate) configuration: String,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Simulator")
    }
}

impl Simulator {
    /// A proxy without a configuration.
    ///
    /// # Errors
    ///
    /// When a property of the options has no usable path.
    pub fn new(module: &ProxyModule, options: Options) -> Result<Self, PropertyError> {
        let world = SharedWorld::new(options.world()?);
        Ok(Self {
            module: module.clone(),
            options,
            world,
            vms: BTreeMap::new(),
            next_vm: 1,
            current: None,
            verdicts: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_stream: 1,
        })
    }

    /// Gives the plugin a configuration, first in a canary VM, then in the VM that serves. A
    /// refused one leaves the previous one in service.
    ///
    /// As in Envoy: the configuration in service is not given again, also after a trap; the
    /// canary is not asked twice about the same bytes; after a trap another configuration comes
    /// to a fresh VM.
    ///
    /// # Errors
    ///
    /// When the module never comes to rest.
    pub fn configure(&mut self, configuration: &str) -> Result<ObservedPush, SimulationError> {
        if let Some(current) = &self.current
            && current.configuration == configuration
        {
            return Ok(ObservedPush {
                accepted: true,
                trapped: self.trapped(),
                log: self.take_log(),
                fuel: None,
            });
        }
        let (accepted, trapped) = match self.verdicts.get(configuration) {
            Some(accepted) => (*accepted, None),
            None => self.ask_canary(configuration),
        };
        self.verdicts.insert(configuration.to_owned(), accepted);
        if !accepted {
            return Ok(ObservedPush {
                accepted,
                log: self.take_log(),
                trapped,
                fuel: None,
            });
        }
        let vm = match &self.current {
            Some(current) if self.vm_failed(current.vm).is_none() => current.vm,
            _ => self.start_vm(),
        };
        let root = self.take_root(vm, configuration);
        let machine = self.vms.get(&vm).map(Vm::host);
        let fuel = machine.and_then(|host| Some(host.usage.get(&root)?.fuel));
        self.current = Some(Plugin {
            vm,
            root,
            configuration: configuration.to_owned(),
        });
        self.deliver_all()?;
        self.retire();
        Ok(ObservedPush {
            accepted,
            trapped: self.trapped(),
            log: self.take_log(),
            fuel,
        })
    }

    /// Moves the time on and fires the timers that come due on the way, each at its own time.
    /// A real clock becomes one that stands where it was.
    ///
    /// # Errors
    ///
    /// When the module never comes to rest.
    pub fn advance(&mut self, by: Duration) -> Result<(), SimulationError> {
        let end = self.now() + by;
        self.deliver_all()?;
        while self.pass_time(end)? {}
        self.set_clock(end);
        Ok(())
    }

    /// Moves the time on to the next timer or answer that is due by `end`, and tells the module
    /// of it. False when there is none.
    pub(crate) fn pass_time(&mut self, end: SystemTime) -> Result<bool, SimulationError> {
        let tick = self.next_tick(end);
        let answer = self.next_answer().filter(|due| *due <= end);
        let now = self.now();
        match (tick, answer) {
            (Some((vm, root, due)), answer) if answer.is_none_or(|answer| due < answer) => {
                let due = due.max(now);
                self.set_clock(due);
                self.tick(vm, root, due)?;
            }
            (_, Some(due)) => {
                self.set_clock(due.max(now));
                self.deliver_all()?;
            }
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    /// When the next answer to a call is there.
    fn next_answer(&self) -> Option<SystemTime> {
        let calls = self.vms.values().flat_map(|vm| &vm.host().calls);
        calls.map(|call| call.due).min()
    }

    /// Has a cluster answer otherwise from now on; without answers there is no such cluster.
    pub fn set_cluster(&mut self, name: &str, answers: Option<Vec<ClusterAnswer>>) {
        let clusters = &mut self.world.lock().clusters;
        match answers {
            Some(answers) => clusters.insert(name.to_owned(), Script::new(answers)),
            None => clusters.remove(name),
        };
    }

    /// How often a cluster was called.
    pub fn calls(&self, cluster: &str) -> u64 {
        let world = self.world.lock();
        world.called.get(cluster).copied().unwrap_or_default()
    }

    /// Sets the time without firing timers.
    pub fn set_clock(&mut self, time: SystemTime) {
        self.world.lock().clock = Clock::Set(time);
    }

    /// The simulator's time.
    pub fn now(&self) -> SystemTime {
        self.world.lock().clock.now()
    }

    /// A metric that the module defined, by the name that it gave.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        self.world.lock().metrics.named(name).cloned()
    }

    /// Lines that were logged since the last step ended.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().log)
    }

    /// What the VM in service failed with.
    pub(crate) fn trapped(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        self.vm_failed(current.vm)
    }

    pub(crate) fn vm_failed(&self, vm: u64) -> Option<String> {
        let failed = self.vms.get(&vm)?.failed()?;
        Some(failed.to_owned())
    }

    pub(crate) fn call(&mut self, vm: u64, context: u32, name: &str, arguments: &[u32]) -> Called {
        match self.vms.get_mut(&vm) {
            Some(vm) => vm.call(context, name, arguments),
            None => Called::Not,
        }
    }

    fn start_vm(&mut self) -> u64 {
        let number = self.next_vm;
        self.next_vm += 1;
        let world = self.world.clone();
        let vm = Vm::start(&self.module, world, number, self.options.budget());
        self.vms.insert(number, vm);
        number
    }

    /// Whether a fresh VM accepts the configuration, and what it trapped with.
    fn ask_canary(&mut self, configuration: &str) -> (bool, Option<String>) {
        let vm = self.start_vm();
        self.take_root(vm, configuration);
        let failed = self.vm_failed(vm);
        // Envoy drops the canary without any further callback.
        self.vms.remove(&vm);
        let refused = failed.as_deref() == Some(REFUSED);
        (failed.is_none(), failed.filter(|_| !refused))
    }

    /// The root context for a configuration in a VM: the one that is there, else a new one that
    /// is started and configured. A VM whose root is not accepted has failed.
    fn take_root(&mut self, vm: u64, configuration: &str) -> u32 {
        let Some(machine) = self.vms.get_mut(&vm) else {
            return 0;
        };
        if let Some(root) = machine.host().root_of(configuration) {
            return root;
        }
        let vm_configuration = self.options.vm_configuration.len();
        let id = machine.host_mut().add_context(Context::Root(Root {
            configuration: configuration.to_owned(),
            tick: None,
        }));
        machine.host_mut().configuring = Some(configuration.to_owned());
        machine.call(id, "proxy_on_context_create", &[id, 0]);
        machine.host_mut().configuring = None;
        if machine.call(id, "proxy_on_vm_start", &[id, size(vm_configuration)])
            == Called::Returned(0)
        {
            machine.give_up(NOT_STARTED);
            return id;
        }
        machine.host_mut().configuring = Some(configuration.to_owned());
        let accepted = machine.call(id, "proxy_on_configure", &[id, size(configuration.len())]);
        machine.host_mut().configuring = None;
        if accepted == Called::Returned(0) {
            machine.give_up(REFUSED);
        }
        id
    }

    /// Ends the root contexts that serve no more, and drops the VMs that have none left.
    pub(crate) fn retire(&mut self) {
        let numbers: Vec<u64> = self.vms.keys().copied().collect();
        for vm in numbers {
            let roots: Vec<u32> = self.vms.get(&vm).map(Vm::host).map_or(Vec::new(), |host| {
                let roots = host.contexts.iter();
                roots
                    .filter(|(_, context)| matches!(context, Context::Root(_)))
                    .map(|(id, _)| *id)
                    .collect()
            });
            for root in roots {
                if !self.serves(vm, root) {
                    self.end_root(vm, root);
                }
            }
            let empty = self
                .vms
                .get(&vm)
                .is_some_and(|vm| vm.host().contexts.is_empty() || vm.failed().is_some());
            if empty && !self.in_use(vm) {
                self.vms.remove(&vm);
            }
        }
    }

    /// Whether a root is the current one or has an open stream.
    fn serves(&self, vm: u64, root: u32) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| (current.vm, current.root) == (vm, root))
            || self.streams.values().any(|stream| stream.is_of(vm, root))
    }

    fn in_use(&self, vm: u64) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.vm == vm)
            || self.streams.values().any(|stream| stream.is_in(vm))
    }

    /// Asks a root to end; it is gone when it says that it is done.
    fn end_root(&mut self, vm: u64, root: u32) {
        let Some(machine) = self.vms.get_mut(&vm) else {
            return;
        };
        if machine.host().awaiting_done.contains(&root) {
            return;
        }
        if machine.call(root, "proxy_on_done", &[root]) == Called::Returned(0) {
            machine.host_mut().awaiting_done.insert(root);
            return;
        }
        machine.call(root, "proxy_on_delete", &[root]);
        machine.host_mut().remove_context(root);
    }

    /// Delivers all that is under way.
    pub(crate) fn deliver_all(&mut self) -> Result<(), SimulationError> {
        for _ in 0..MAX_EVENTS {
            if !self.deliver_one() {
                return Ok(());
            }
        }
        Err(SimulationError::Restless)
    }

    /// Tells the module of one event: a root's end, an entry in a queue, the answer to a call.
    /// False when nothing is under way.
    pub(crate) fn deliver_one(&mut self) -> bool {
        let now = self.now();
        let numbers: Vec<u64> = self.vms.keys().copied().collect();
        for number in numbers {
            let Some(machine) = self.vms.get_mut(&number) else {
                continue;
            };
            if let Some(root) = machine.host_mut().done.pop() {
                machine.call(root, "proxy_on_delete", &[root]);
                machine.host_mut().remove_context(root);
                return true;
            }
            let ready = &mut machine.host_mut().queue_ready;
            if !ready.is_empty() {
                let (reader, token) = ready.remove(0);
                let context = reader.context;
                self.call(
                    reader.vm,
                    context,
                    "proxy_on_queue_ready",
                    &[context, token],
                );
                return true;
            }
            if let Some(call) = machine.host_mut().answered_call(now) {
                answer_call(machine, call);
                return true;
            }
        }
        false
    }

    /// Fires the timers that are due.
    pub(crate) fn fire_due_ticks(&mut self) -> Result<(), SimulationError> {
        let now = self.now();
        while let Some((vm, root, _)) = self.next_tick(now) {
            self.tick(vm, root, now)?;
        }
        Ok(())
    }

    /// The first timer that is due by `end`.
    fn next_tick(&self, end: SystemTime) -> Option<(u64, u32, SystemTime)> {
        self.vms
            .iter()
            .filter(|(_, vm)| vm.failed().is_none())
            .flat_map(|(number, vm)| {
                vm.host()
                    .contexts
                    .iter()
                    .filter_map(|(id, context)| match context {
                        Context::Root(root) => Some((*number, *id, root.tick?.due)),
                        Context::Stream(_) => None,
                    })
            })
            .filter(|(_, _, due)| *due <= end)
            .min_by_key(|(_, _, due)| *due)
    }

    /// One tick of a root; the next one is due a period from `now`, as Envoy's timer does it.
    fn tick(&mut self, vm: u64, root: u32, now: SystemTime) -> Result<(), SimulationError> {
        let machine = self.vms.get_mut(&vm);
        if let Some(tick) = machine
            .and_then(|vm| vm.host_mut().root_mut(root))
            .and_then(|root| root.tick.as_mut())
        {
            tick.due = now + tick.period;
        }
        self.call(vm, root, "proxy_on_tick", &[root]);
        self.deliver_all()
    }
}

/// What Envoy logs when a plugin's configuration is not accepted.
const REFUSED: &str = "Failed to configure base Wasm plugin";

/// What Envoy logs when a VM does not accept its own configuration.
const NOT_STARTED: &str = "Failed to start base Wasm";

/// Tells the module of a call's answer.
fn answer_call(vm: &mut Vm, call: PendingCall) {
    let PendingCall {
        token,
        root,
        answer,
        ..
    } = call;
    let Some(answer) = answer else {
        vm.host_mut().status = (crate::Status::BrokenConnection.code(), "reset".to_owned());
        vm.call(root, "proxy_on_http_call_response", &[root, token, 0, 0, 0]);
        vm.host_mut().status.1.clear();
        return;
    };
    let mut headers = HeaderMap::new(Kind::Response);
    headers.add(":status", answer.status.to_string().as_bytes());
    for (name, value) in &answer.headers {
        headers.add(name, value.as_slice());
    }
    let body = answer.body.as_slice().to_vec();
    let arguments = [root, token, size(headers.len()), size(body.len()), 0];
    vm.host_mut().call_response = Some(CallResponse {
        headers,
        body,
        trailers: HeaderMap::new(Kind::Trailers),
    });
    vm.call(root, "proxy_on_http_call_response", &arguments);
    vm.host_mut().call_response = None;
}

/// A length as the ABI passes it.
pub(crate) fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
