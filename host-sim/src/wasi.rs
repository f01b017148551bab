//! The calls of WASI preview 1 that a Rust or C++ module imports, answered as Envoy's host does:
//! there are no files and no arguments; stdout and stderr go to the log.

use wasmtime::{Caller, Linker};

use crate::guest::Guest;
use crate::host::Host;
use crate::world::LogLevel;

/// Error numbers of WASI preview 1.
mod errno {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const BADF: u32 = 8;
    pub(super) const FAULT: u32 = 21;
    pub(super) const NOENT: u32 = 44;
    pub(super) const NOSYS: u32 = 52;
    pub(super) const NOTSUP: u32 = 58;
}

/// The names under which modules import these calls.
const MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// Makes a WASI call known to the linker: its name, its arguments, its error number.
macro_rules! wasi_call {
    ($linker:ident, $module:ident, $name:literal, |$guest:ident $(, $argument:ident: $type:ty)* $(,)?| $body:expr) => {
        $linker.func_wrap(
            $module,
            $name,
            |caller: Caller<'_, Host> $(, $argument: $type)*| -> u32 {
                let mut guest = Guest::new(caller);
                guest.host().count($name);
                let run = |$guest: &mut Guest<'_>| -> Result<(), u32> { $body };
                match run(&mut guest) {
                    Ok(()) => errno::SUCCESS,
                    Err(error) => error,
                }
            },
        )?;
    };
}

/// Makes the calls known to the linker.
pub(crate) fn register(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    for module in MODULES {
        register_environment(linker, module)?;
        register_files(linker, module)?;
        register_process(linker, module)?;
    }
    Ok(())
}

fn register_environment(linker: &mut Linker<Host>, module: &str) -> wasmtime::Result<()> {
    wasi_call!(
        linker,
        module,
        "environ_sizes_get",
        |guest, count_at: u32, size_at: u32| {
            let entries = environment(guest);
            let size: usize = entries.iter().map(Vec::len).sum();
            put_u32(guest, count_at, entries.len())?;
            put_u32(guest, size_at, size)
        }
    );
    wasi_call!(
        linker,
        module,
        "environ_get",
        |guest, addresses_at: u32, texts_at: u32| {
            let mut address_at = addresses_at;
            let mut text_at = texts_at;
            for entry in environment(guest) {
                guest
                    .write_u32(address_at, text_at)
                    .map_err(|_| errno::FAULT)?;
                guest.write(text_at, &entry).map_err(|_| errno::FAULT)?;
                let length = u32::try_from(entry.len()).map_err(|_| errno::FAULT)?;
                address_at = address_at.checked_add(4).ok_or(errno::FAULT)?;
                text_at = text_at.checked_add(length).ok_or(errno::FAULT)?;
            }
            Ok(())
        }
    );
    wasi_call!(
        linker,
        module,
        "args_sizes_get",
        |guest, count_at: u32, size_at: u32| {
            put_u32(guest, count_at, 0)?;
            put_u32(guest, size_at, 0)
        }
    );
    wasi_call!(
        linker,
        module,
        "args_get",
        |_guest, _addresses: u32, _texts: u32| Ok(())
    );
    Ok(())
}

/// The environment's entries, each `NAME=value` with a zero byte behind it.
fn environment(guest: &mut Guest<'_>) -> Vec<Vec<u8>> {
    let world = guest.host().world.lock();
    let entries = world.environment.iter();
    entries
        .map(|(name, value)| format!("{name}={value}\0").into_bytes())
        .collect()
}

fn put_u32(guest: &mut Guest<'_>, address: u32, value: usize) -> Result<(), u32> {
    let value = u32::try_from(value).map_err(|_| errno::FAULT)?;
    guest.write_u32(address, value).map_err(|_| errno::FAULT)
}

fn register_files(linker: &mut Linker<Host>, module: &str) -> wasmtime::Result<()> {
    wasi_call!(
        linker,
        module,
        "fd_write",
        |guest, fd: u32, pieces: u32, count: u32, written_at: u32| {
            write(guest, fd, pieces, count, written_at)
        }
    );
    wasi_call!(
        linker,
        module,
        "fd_read",
        |_guest, _fd: u32, _pieces: u32, _count: u32, _read_at: u32| Err(errno::NOSYS)
    );
    wasi_call!(
        linker,
        module,
        "fd_seek",
        |_guest, _fd: u32, _offset: i64, _whence: u32, _position_at: u32| Ok(())
    );
    wasi_call!(linker, module, "fd_close", |_guest, _fd: u32| Ok(()));
    wasi_call!(
        linker,
        module,
        "fd_fdstat_get",
        |guest, fd: u32, status_at: u32| {
            if !matches!(fd, 1 | 2) {
                return Err(errno::BADF);
            }
            // Of the 24 bytes only the right to write is set.
            let mut status = [0; 24];
            status[8] = 64;
            guest.write(status_at, &status).map_err(|_| errno::FAULT)
        }
    );
    wasi_call!(
        linker,
        module,
        "fd_fdstat_set_flags",
        |_guest, _fd: u32, _flags: u32| Err(errno::NOSYS)
    );
    wasi_call!(
        linker,
        module,
        "fd_prestat_get",
        |_guest, _fd: u32, _at: u32| Err(errno::BADF)
    );
    wasi_call!(
        linker,
        module,
        "fd_prestat_dir_name",
        |_guest, _fd: u32, _at: u32, _length: u32| Err(errno::NOSYS)
    );
    wasi_call!(
        linker,
        module,
        "fd_filestat_get",
        |_guest, _fd: u32, _at: u32| Err(errno::NOTSUP)
    );
    wasi_call!(
        linker,
        module,
        "path_open",
        |_guest,
         _fd: u32,
         _lookup: u32,
         _path: u32,
         _length: u32,
         _open: u32,
         _rights: u64,
         _inherited: u64,
         _flags: u32,
         _fd_at: u32| Err(errno::NOENT)
    );
    wasi_call!(
        linker,
        module,
        "path_filestat_get",
        |_guest, _fd: u32, _flags: u32, _path: u32, _length: u32, _at: u32| Err(errno::NOTSUP)
    );
    Ok(())
}

/// A list of pieces (address and length) becomes one log line without its last newline.
fn write(
    guest: &mut Guest<'_>,
    fd: u32,
    pieces: u32,
    count: u32,
    written_at: u32,
) -> Result<(), u32> {
    let level = match fd {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return Err(errno::BADF),
    };
    let mut bytes = Vec::new();
    let list = guest
        .read(pieces, count.checked_mul(8).ok_or(errno::FAULT)?)
        .map_err(|_| errno::FAULT)?;
    let numbers: Vec<u32> = list
        .chunks_exact(4)
        .filter_map(|chunk| Some(u32::from_le_bytes(chunk.try_into().ok()?)))
        .collect();
    for piece in numbers.chunks_exact(2) {
        if let [address, length] = piece {
            let piece = guest.read(*address, *length).map_err(|_| errno::FAULT)?;
            bytes.extend_from_slice(&piece);
        }
    }
    let written = bytes.len();
    if written > 0 {
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = String::from_utf8_lossy(text).into_owned();
        guest.host().world.lock().log(level, text);
    }
    put_u32(guest, written_at, written)
}

fn register_process(linker: &mut Linker<Host>, module: &str) -> wasmtime::Result<()> {
    wasi_call!(
        linker,
        module,
        "clock_time_get",
        |guest, clock: u32, _precision: u64, time_at: u32| {
            // Real time and monotonic time; both are the simulator's clock.
            if !matches!(clock, 0 | 1) {
                return Err(errno::NOTSUP);
            }
            let time = guest.host().world.lock().nanoseconds();
            guest.write_u64(time_at, time).map_err(|_| errno::FAULT)
        }
    );
    wasi_call!(
        linker,
        module,
        "random_get",
        |guest, at: u32, length: u32| {
            // Read first, so that a length beyond the memory is refused before it is filled.
            guest.read(at, length).map_err(|_| errno::FAULT)?;
            let length = usize::try_from(length).map_err(|_| errno::FAULT)?;
            let bytes = guest.host().world.lock().random.bytes(length);
            guest.write(at, &bytes).map_err(|_| errno::FAULT)
        }
    );
    wasi_call!(linker, module, "sched_yield", |_guest| Ok(()));
    wasi_call!(
        linker,
        module,
        "poll_oneoff",
        |_guest, _in: u32, _out: u32, _count: u32, _events_at: u32| Err(errno::NOSYS)
    );
    linker.func_wrap(
        module,
        "proc_exit",
        |mut caller: Caller<'_, Host>, code: u32| -> wasmtime::Result<()> {
            caller.data_mut().count("proc_exit");
            Err(wasmtime::format_err!("the module called proc_exit({code})"))
        },
    )?;
    Ok(())
}
