//! Shared data, shared queues, metrics.

use wasmtime::Linker;

use super::host_call;
use crate::Status;
use crate::guest::{Answer, Guest};
use crate::host::Host;
use crate::shared::{MetricKind, Reader};

pub(super) fn register(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    register_data(linker)?;
    register_queues(linker)?;
    register_metrics(linker)
}

fn register_data(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_get_shared_data",
        |guest, key: u32, key_length: u32, value_at: u32, length_at: u32, cas_at: u32| {
            let key = guest.read(key, key_length)?;
            let found = guest.host().world.lock().shared.get(&key).cloned();
            let (value, cas) = found.ok_or(Status::NotFound)?;
            guest.give(&value, value_at, length_at)?;
            Ok(guest.write_u32(cas_at, cas)?)
        }
    );
    host_call!(
        linker,
        "proxy_set_shared_data",
        |guest, key: u32, key_length: u32, value: u32, length: u32, cas: u32| {
            let key = guest.read(key, key_length)?;
            let value = guest.read(value, length)?;
            Ok(guest.host().world.lock().shared.set(&key, &value, cas)?)
        }
    );
    Ok(())
}

fn register_queues(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_register_shared_queue",
        |guest, name: u32, length: u32, token_at: u32| {
            let name = guest.read(name, length)?;
            let host = guest.host();
            let reader = Reader {
                vm: host.vm,
                context: host.acting_root(),
            };
            let mut world = host.world.lock();
            let vm_id = world.vm_id.clone().into_bytes();
            let token = world.shared.register_queue(&vm_id, &name, reader);
            drop(world);
            Ok(guest.write_u32(token_at, token)?)
        }
    );
    host_call!(
        linker,
        "proxy_resolve_shared_queue",
        |guest, vm_id: u32, vm_id_length: u32, name: u32, length: u32, token_at: u32| {
            let mut vm_id = guest.read(vm_id, vm_id_length)?;
            let name = guest.read(name, length)?;
            let world = guest.host().world.clone();
            let world = world.lock();
            if vm_id.is_empty() {
                vm_id = world.vm_id.clone().into_bytes();
            }
            let token = world.shared.resolve_queue(&vm_id, &name);
            Ok(guest.write_u32(token_at, token.ok_or(Status::NotFound)?)?)
        }
    );
    host_call!(
        linker,
        "proxy_enqueue_shared_queue",
        |guest, token: u32, entry: u32, length: u32| {
            let entry = guest.read(entry, length)?;
            let host = guest.host();
            let reader = host.world.lock().shared.enqueue(token, &entry)?;
            host.queue_ready.push((reader, token));
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_dequeue_shared_queue",
        |guest, token: u32, entry_at: u32, length_at: u32| {
            let entry = guest.host().world.lock().shared.dequeue(token)?;
            guest.give(&entry, entry_at, length_at)
        }
    );
    Ok(())
}

fn register_metrics(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_define_metric",
        |guest, kind: u32, name: u32, length: u32, id_at: u32| {
            let name = guest.read_text(name, length)?;
            let kind = MetricKind::from_number(kind).ok_or(Status::BadArgument)?;
            let id = define(guest.host(), kind, name).ok_or(Status::InternalFailure)?;
            Ok(guest.write_u32(id_at, id)?)
        }
    );
    host_call!(
        linker,
        "proxy_increment_metric",
        |guest, id: u32, offset: i64| increment(guest, id, offset)
    );
    host_call!(
        linker,
        "proxy_record_metric",
        |guest, id: u32, value: u64| {
            let host = guest.host();
            let position = *host.metric_ids.get(&id).ok_or(Status::NotFound)?;
            let mut world = host.world.lock();
            let metric = world.metrics.at(position).ok_or(Status::NotFound)?;
            match metric.kind {
                MetricKind::Counter => metric.value = metric.value.saturating_add(value),
                MetricKind::Gauge => metric.value = value,
                MetricKind::Histogram => metric.recorded.push(value),
            }
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_get_metric",
        |guest, id: u32, value_at: u32| {
            if !matches!(
                MetricKind::from_number(id & 3),
                Some(MetricKind::Counter | MetricKind::Gauge)
            ) {
                return Err(Status::BadArgument.into());
            }
            let host = guest.host();
            let position = *host.metric_ids.get(&id).ok_or(Status::NotFound)?;
            let value = host.world.lock().metrics.at(position).map(|m| m.value);
            Ok(guest.write_u64(value_at, value.ok_or(Status::NotFound)?)?)
        }
    );
    Ok(())
}

/// A new id for the metric; its low two bits are the kind.
fn define(host: &mut Host, kind: MetricKind, name: String) -> Option<u32> {
    let position = host.world.lock().metrics.define(kind, name);
    let next = host.next_metric.get_mut(kind as usize)?;
    *next += 1;
    let id = next.checked_mul(4)?.checked_add(kind as u32)?;
    host.metric_ids.insert(id, position);
    Some(id)
}

fn increment(guest: &mut Guest<'_>, id: u32, offset: i64) -> Answer {
    let kind = MetricKind::from_number(id & 3);
    if !matches!(kind, Some(MetricKind::Counter | MetricKind::Gauge)) {
        return Err(Status::BadArgument.into());
    }
    let host = guest.host();
    let position = *host.metric_ids.get(&id).ok_or(Status::NotFound)?;
    if kind == Some(MetricKind::Counter) && offset <= 0 {
        return Err(Status::BadArgument.into());
    }
    let mut world = host.world.lock();
    let metric = world.metrics.at(position).ok_or(Status::NotFound)?;
    metric.value = metric.value.saturating_add_signed(offset);
    Ok(())
}
