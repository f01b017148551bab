//! Log, time, timers, properties, contexts.

use std::time::Duration;

use wasmtime::Linker;

use super::host_call;
use crate::Status;
use crate::context::Tick;
use crate::facts;
use crate::guest::{Answer, Guest};
use crate::host::Host;
use crate::property::split_path;
use crate::world::LogLevel;

pub(super) fn register(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_log",
        |guest, level: u32, text: u32, length: u32| { log(guest, level, text, length) }
    );
    host_call!(linker, "proxy_get_log_level", |guest, level_at: u32| {
        let level = guest.host().world.lock().log_level;
        Ok(guest.write_u32(level_at, level as u32)?)
    });
    host_call!(
        linker,
        "proxy_get_current_time_nanoseconds",
        |guest, time_at: u32| {
            let time = guest.host().world.lock().nanoseconds();
            Ok(guest.write_u64(time_at, time)?)
        }
    );
    host_call!(
        linker,
        "proxy_set_tick_period_milliseconds",
        |guest, milliseconds: u32| set_tick_period(guest, milliseconds)
    );
    host_call!(
        linker,
        "proxy_get_property",
        |guest, path: u32, path_length: u32, value_at: u32, length_at: u32| {
            let path = split_path(&guest.read(path, path_length)?);
            let value = facts::property(guest.host(), &path)?;
            guest.give(&value, value_at, length_at)
        }
    );
    host_call!(
        linker,
        "proxy_set_property",
        |guest, path: u32, path_length: u32, value: u32, length: u32| {
            let path = guest.read(path, path_length)?;
            let value = guest.read(value, length)?;
            let host = guest.host();
            let acting = host.acting();
            let stream = host.stream_mut(acting).ok_or(Status::NotFound)?;
            stream.filter_state.insert(path, value);
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_set_effective_context",
        |guest, context: u32| {
            let host = guest.host();
            if !host.contexts.contains_key(&context) {
                return Err(Status::BadArgument.into());
            }
            host.effective = context;
            Ok(())
        }
    );
    host_call!(linker, "proxy_done", |guest| {
        let host = guest.host();
        let acting = host.acting();
        if !host.awaiting_done.remove(&acting) {
            return Err(Status::NotFound.into());
        }
        host.done.push(acting);
        Ok(())
    });
    host_call!(
        linker,
        "proxy_get_status",
        |guest, code_at: u32, message_at: u32, length_at: u32| {
            let (code, message) = guest.host().status.clone();
            guest.write_u32(code_at, code)?;
            guest.give(message.as_bytes(), message_at, length_at)
        }
    );
    // What Emscripten's C library imports.
    linker.func_wrap("env", "pthread_equal", |left: u32, right: u32| {
        u32::from(left == right)
    })?;
    linker.func_wrap("env", "emscripten_notify_memory_growth", |_memory: u32| {})?;
    Ok(())
}

fn log(guest: &mut Guest<'_>, level: u32, text: u32, length: u32) -> Answer {
    let level = LogLevel::from_number(level).ok_or(Status::BadArgument)?;
    let text = guest.read_text(text, length)?;
    guest.host().world.lock().log(level, text);
    Ok(())
}

fn set_tick_period(guest: &mut Guest<'_>, milliseconds: u32) -> Answer {
    let host = guest.host();
    let period = Duration::from_millis(milliseconds.into());
    let now = host.world.lock().clock.now();
    let root = host.acting_root();
    if let Some(root) = host.root_mut(root) {
        root.tick = (!period.is_zero()).then(|| Tick {
            period,
            due: now + period,
        });
    }
    Ok(())
}
