//! The module's side of a host call: its memory and its allocator.

use wasmtime::Caller;

use crate::Status;
use crate::host::Host;

/// Why a host call does not answer Ok.
pub(crate) enum Failure {
    /// It answers another status.
    Status(Status),
    /// The module trapped in its own allocator, or wants to end.
    Trap(wasmtime::Error),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// How a host call ends.
pub(crate) type Answer = Result<(), Failure>;

/// The module that makes a host call.
pub(crate) struct Guest<'a>(Caller<'a, Host>);

impl<'a> Guest<'a> {
    pub(crate) fn new(caller: Caller<'a, Host>) -> Self {
        Self(caller)
    }

    /// Runs a host call of the proxy-wasm ABI and turns its end into the status code.
    pub(crate) fn answer(
        caller: Caller<'a, Host>,
        name: &str,
        call: impl FnOnce(&mut Self) -> Answer,
    ) -> wasmtime::Result<u32> {
        let mut guest = Self(caller);
        guest.host().count(name);
        match call(&mut guest) {
            Ok(()) => Ok(Status::Ok.code()),
            Err(Failure::Status(status)) => Ok(status.code()),
            Err(Failure::Trap(error)) => Err(error),
        }
    }

    pub(crate) fn host(&mut self) -> &mut Host {
        self.0.data_mut()
    }

    /// Bytes of the module's memory.
    pub(crate) fn read(&self, address: u32, length: u32) -> Result<Vec<u8>, Status> {
        let range = range(address, length).ok_or(Status::InvalidMemoryAccess)?;
        let memory = self.0.data().memory.ok_or(Status::InternalFailure)?;
        memory
            .data(&self.0)
            .get(range)
            .map(<[u8]>::to_vec)
            .ok_or(Status::InvalidMemoryAccess)
    }

    /// Bytes of the module's memory as text; what is no UTF-8 is replaced.
    pub(crate) fn read_text(&self, address: u32, length: u32) -> Result<String, Status> {
        let bytes = self.read(address, length)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes into the module's memory.
    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Status> {
        let length = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let range = range(address, length).ok_or(Status::InvalidMemoryAccess)?;
        let memory = self.0.data().memory.ok_or(Status::InternalFailure)?;
        memory
            .data_mut(&mut self.0)
            .get_mut(range)
            .ok_or(Status::InvalidMemoryAccess)?
            .copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Status> {
        self.write(address, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Status> {
        self.write(address, &value.to_le_bytes())
    }

    /// Hands data to the module: in memory that its allocator gives, with address and length
    /// where it asked for them. As in Envoy, no data is a null address and no allocation.
    pub(crate) fn give(&mut self, data: &[u8], address_at: u32, length_at: u32) -> Answer {
        let address = self.allocate(data)?;
        let length = u32::try_from(data.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        self.write_u32(address_at, address)?;
        self.write_u32(length_at, length)?;
        Ok(())
    }

    /// The address of a copy of `data` in the module's memory; null for no data.
    pub(crate) fn allocate(&mut self, data: &[u8]) -> Result<u32, Failure> {
        self.host().count_data();
        if data.is_empty() {
            return Ok(0);
        }
        let length = u32::try_from(data.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let allocate = self.0.data().allocate.clone();
        let allocate = allocate.ok_or(Status::InternalFailure)?;
        let address = allocate.call(&mut self.0, length).map_err(Failure::Trap)?;
        if address == 0 {
            return Err(Status::InvalidMemoryAccess.into());
        }
        self.write(address, data)?;
        Ok(address)
    }
}

fn range(address: u32, length: u32) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(address).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}
