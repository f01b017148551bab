//! One VM: an instance of the module with its store.

use std::collections::BTreeSet;

use wasmtime::{Instance, Store, StoreLimitsBuilder, Trap, Val};

use crate::host::Host;
use crate::module::ProxyModule;
use crate::world::{LogLevel, SharedWorld, World};

/// What a VM may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Fuel of one callback.
    pub(crate) fuel: u64,
    /// Memory in bytes.
    pub(crate) memory: usize,
}

/// How a callback ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Called {
    /// The module does not export it, or the VM has failed before.
    Not,
    /// It returned this (0 where it returns nothing).
    Returned(u32),
    /// It trapped; the VM has failed.
    Trapped,
}

/// An instance of the module. Once it has failed it is never called again.
pub(crate) struct Vm {
    store: Store<Host>,
    instance: Option<Instance>,
    failed: Option<String>,
    budget: Budget,
}

impl Vm {
    /// Instantiates the module and runs its start function: `_initialize`, else `_start`, else
    /// `__wasm_call_ctors`. A failure is the VM's state.
    pub(crate) fn start(
        module: &ProxyModule,
        world: SharedWorld,
        number: u64,
        budget: Budget,
    ) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(budget.memory).build();
        let host = Host::new(world, number, limits);
        let mut store = Store::new(module.module.engine(), host);
        store.limiter(|host| &mut host.limits);
        let mut vm = Self {
            store,
            instance: None,
            failed: None,
            budget,
        };
        if let Err(error) = vm.instantiate(module) {
            vm.fail("instantiation", &error);
            return vm;
        }
        for name in ["_initialize", "_start", "__wasm_call_ctors"] {
            if vm.call(0, name, &[]) != Called::Not {
                break;
            }
        }
        vm
    }

    fn instantiate(&mut self, module: &ProxyModule) -> wasmtime::Result<()> {
        self.store.set_fuel(self.budget.fuel)?;
        let instance = module.linker.instantiate(&mut self.store, &module.module)?;
        let memory = instance.get_memory(&mut self.store, "memory");
        let allocate = ["malloc", "proxy_on_memory_allocate"]
            .iter()
            .find_map(|name| instance.get_typed_func(&mut self.store, name).ok());
        let host = self.store.data_mut();
        host.memory = memory;
        host.allocate = allocate;
        self.instance = Some(instance);
        Ok(())
    }

    pub(crate) fn host(&self) -> &Host {
        self.store.data()
    }

    pub(crate) fn host_mut(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    /// What the VM failed with, if it did.
    pub(crate) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Takes the VM out of service, as Envoy does when a start fails without a trap.
    pub(crate) fn give_up(&mut self, message: &str) {
        self.store
            .data()
            .world
            .lock()
            .log(LogLevel::Critical, message.to_owned());
        self.failed.get_or_insert_with(|| message.to_owned());
    }

    /// Calls an export on behalf of a context.
    pub(crate) fn call(&mut self, context: u32, name: &str, arguments: &[u32]) -> Called {
        if self.failed.is_some() {
            return Called::Not;
        }
        let Some(function) = self
            .instance
            .and_then(|instance| instance.get_func(&mut self.store, name))
        else {
            return Called::Not;
        };
        let host = self.store.data_mut();
        host.current = context;
        host.effective = 0;
        match self.run(function, arguments) {
            Ok(returned) => {
                self.count(context, name);
                Called::Returned(returned)
            }
            Err(error) => {
                self.count(context, name);
                self.fail(name, &error);
                Called::Trapped
            }
        }
    }

    fn run(&mut self, function: wasmtime::Func, arguments: &[u32]) -> wasmtime::Result<u32> {
        self.store.set_fuel(self.budget.fuel)?;
        // The ABI's arguments are i32; their bits count, not their sign.
        let arguments: Vec<Val> = arguments
            .iter()
            .map(|argument| Val::I32(argument.cast_signed()))
            .collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results)?;
        Ok(match results.first() {
            Some(Val::I32(value)) => value.cast_unsigned(),
            _ => 0,
        })
    }

    /// Notes a callback and the fuel that it used.
    fn count(&mut self, context: u32, name: &str) {
        let left = self.store.get_fuel().unwrap_or(0);
        let used = self.budget.fuel.saturating_sub(left);
        let usage = self.store.data_mut().usage.entry(context).or_default();
        usage.fuel += used;
        match usage.callbacks.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                usage.callbacks.insert(name.to_owned(), 1);
            }
        }
    }

    /// Logs the failure as Envoy does, and remembers it.
    fn fail(&mut self, name: &str, error: &wasmtime::Error) {
        let reason = match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => {
                format!("the module did not return within {} fuel", self.budget.fuel)
            }
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        self.give_up(&format!("Function: {name} failed: {reason}"));
    }
}

/// The host's functions as module and name.
pub(crate) fn known_imports(module: &ProxyModule) -> BTreeSet<(String, String)> {
    let world = SharedWorld::new(World::default());
    let host = Host::new(world, 0, StoreLimitsBuilder::new().build());
    let mut store = Store::new(module.module.engine(), host);
    module
        .linker
        .iter(&mut store)
        .map(|(module, name, _)| (module.to_owned(), name.to_owned()))
        .collect()
}
