//! WASI preview 1 as Envoy 1.40 has it, every answer measured there: no files, no sockets, no
//! arguments; stdout and stderr go to the log. `proc_raise` does not exist.

use wasmtime::{Caller, FuncType, Linker, Val, ValType};

use crate::guest::Guest;
use crate::host::Host;
use crate::world::LogLevel;

/// Error numbers of WASI preview 1.
mod errno {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const BADF: u32 = 8;
    pub(super) const FAULT: u32 = 21;
    pub(super) const INVAL: u32 = 28;
    pub(super) const NOTSUP: u32 = 58;
}

/// The names under which modules import these calls.
const MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// The longest list of random bytes that Envoy gives at once.
const MAX_RANDOM: u32 = 65_536;

/// The calls that do nothing: name, parameters (`i` for i32, `I` for i64), error number. The two
/// that make links have other parameters than WASI says, as in Envoy.
const CONSTANT: &[(&str, &str, u32)] = &[
    ("args_get", "ii", 0),
    ("fd_advise", "iIIi", 0),
    ("fd_allocate", "iII", 8),
    ("fd_close", "i", 0),
    ("fd_datasync", "i", 8),
    ("fd_fdstat_set_flags", "ii", 52),
    ("fd_fdstat_set_rights", "iII", 8),
    ("fd_filestat_get", "ii", 8),
    ("fd_filestat_set_size", "iI", 8),
    ("fd_filestat_set_times", "iIIi", 8),
    ("fd_pread", "iiiIi", 52),
    ("fd_prestat_dir_name", "iii", 52),
    ("fd_prestat_get", "ii", 8),
    ("fd_pwrite", "iiiIi", 8),
    ("fd_read", "iiii", 52),
    ("fd_readdir", "iiiIi", 20),
    ("fd_renumber", "ii", 8),
    ("fd_seek", "iIii", 0),
    ("fd_sync", "i", 8),
    ("fd_tell", "ii", 8),
    ("path_create_directory", "iii", 58),
    ("path_filestat_get", "iiiii", 58),
    ("path_filestat_set_times", "iiiiIIi", 58),
    ("path_link", "iiiiii", 58),
    ("path_open", "iiiiiIIii", 44),
    ("path_readlink", "iiiiii", 58),
    ("path_remove_directory", "iii", 58),
    ("path_rename", "iiiiii", 58),
    ("path_symlink", "iiii", 58),
    ("path_unlink_file", "iii", 58),
    ("sched_yield", "", 0),
    ("sock_accept", "iii", 58),
    ("sock_recv", "iiiiii", 58),
    ("sock_send", "iiiii", 58),
    ("sock_shutdown", "ii", 58),
];

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
        register_constant(linker, module)?;
        register_output(linker, module)?;
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

fn register_constant(linker: &mut Linker<Host>, module: &str) -> wasmtime::Result<()> {
    for (name, parameters, errno) in CONSTANT {
        let parameters = parameters.chars().map(|parameter| match parameter {
            'I' => ValType::I64,
            _ => ValType::I32,
        });
        let ty = FuncType::new(linker.engine(), parameters, [ValType::I32]);
        linker.func_new(module, name, ty, |mut caller, _, results| {
            caller.data_mut().count(name);
            results.fill(Val::I32(errno.cast_signed()));
            Ok(())
        })?;
    }
    Ok(())
}

fn register_output(linker: &mut Linker<Host>, module: &str) -> wasmtime::Result<()> {
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
            if length > MAX_RANDOM {
                return Err(errno::INVAL);
            }
            let length = usize::try_from(length).map_err(|_| errno::FAULT)?;
            let bytes = guest.host().world.lock().random.bytes(length);
            guest.write(at, &bytes).map_err(|_| errno::FAULT)
        }
    );
    wasi_call!(
        linker,
        module,
        "clock_res_get",
        |guest, _clock: u32, at: u32| guest.write_u64(at, 1).map_err(|_| errno::FAULT)
    );
    wasi_call!(
        linker,
        module,
        "poll_oneoff",
        |guest, _in: u32, _out: u32, _count: u32, events_at: u32| put_u32(guest, events_at, 0)
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
