//! Instances in etcd, and what becomes of them.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use jovian_runtime::etcd_api::etcdserverpb::request_op::Request;
use jovian_runtime::etcd_api::etcdserverpb::{
    DeleteRangeRequest, KvClient, PutRequest, RequestOp, TxnRequest,
};
use jovian_runtime::registry::Instance;
use jovian_runtime::registry::layout::{self, Layout, Options, StoreKind};
use tokio::runtime::Runtime;

/// How many changes are one transaction; etcd takes 128.
const BATCH: usize = 100;

/// What stands in the store.
pub(super) struct Fleet {
    pub(super) layout: &'static str,
    pub(super) services: u32,
    instances: u32,
    /// How often all were replaced.
    generation: Cell<u32>,
}

impl Fleet {
    pub(super) fn new(layout: &'static str, services: u32, instances: u32) -> Self {
        Self { layout, services, instances, generation: Cell::new(0) }
    }

    /// How many instances there are of all services.
    pub(super) fn size(&self) -> u32 {
        self.services * self.instances
    }

    fn all(&self) -> impl Iterator<Item = Instance> {
        let generation = 1 + self.generation.get() % 200;
        let place = move |number: u32| format!("10.{generation}.{}.{}:9000", number / 250, 1 + number % 250);
        let of =
            move |service| (0..self.instances).map(move |number| Instance::new(app(service), place(number)));
        (0..self.services).flat_map(of)
    }
}

impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layout, services, instances, .. } = self;
        match services {
            1 => write!(f, "{instances} instances of one service in {layout}'s records"),
            _ => write!(f, "{services} services of {instances} instances in {layout}'s records"),
        }
    }
}

/// The name of a service's app, for all who look for it.
pub(super) fn app(service: u32) -> String {
    format!("bench.scale.s{service}")
}

/// Where the instance is that is added to see how long it takes.
pub(super) fn probe(number: u32) -> String {
    format!("192.168.{}.{}:9000", number / 250, 1 + number % 250)
}

/// Whoever writes into the store: nothing of it is measured.
pub(super) struct Writer {
    runtime: Runtime,
    store: KvClient,
}

impl Writer {
    pub(super) fn new(endpoint: &str) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let store = runtime.block_on(async { KvClient::connect(endpoint) })?;
        Ok(Self { runtime, store })
    }

    /// Writes all instances.
    pub(super) fn write(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let layout = layout(fleet)?;
        self.change(fleet.all().flat_map(|instance| puts(&*layout, &instance)).collect())
    }

    /// Deletes every instance and writes another one in its place.
    pub(super) fn replace(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let layout = layout(fleet)?;
        let old: Vec<Instance> = fleet.all().collect();
        fleet.generation.set(fleet.generation.get() + 1);
        let pairs = old.iter().zip(fleet.all());
        self.change(
            pairs
                .flat_map(|(old, new)| deletes(&*layout, old).into_iter().chain(puts(&*layout, &new)))
                .collect(),
        )
    }

    /// Adds one more instance of the first service.
    pub(super) fn probe(&self, fleet: &Fleet, number: u32) -> anyhow::Result<()> {
        self.change(puts(&*layout(fleet)?, &Instance::new(app(0), probe(number))))
    }

    /// Removes all that were added so.
    pub(super) fn clear_probes(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let layout = layout(fleet)?;
        let probes = (0..1_000).map(|number| Instance::new(app(0), probe(number)));
        self.change(probes.flat_map(|instance| deletes(&*layout, &instance)).collect())
    }

    fn change(&self, changes: Vec<RequestOp>) -> anyhow::Result<()> {
        for batch in changes.chunks(BATCH) {
            let request = TxnRequest { compare: Vec::new(), success: batch.to_vec(), failure: Vec::new() };
            self.runtime.block_on(async { self.store.txn(request).await })?;
        }
        Ok(())
    }
}

fn layout(fleet: &Fleet) -> anyhow::Result<Arc<dyn Layout>> {
    layout::by_name(fleet.layout, &Options::of(StoreKind::Etcd)).context("no such layout")
}

fn puts(layout: &dyn Layout, instance: &Instance) -> Vec<RequestOp> {
    let put = |entry: layout::Entry| {
        Request::RequestPut(PutRequest {
            key: Bytes::from(entry.key),
            value: Bytes::from(entry.value),
            ..PutRequest::default()
        })
    };
    ops(layout.write(instance).into_iter().map(put))
}

fn deletes(layout: &dyn Layout, instance: &Instance) -> Vec<RequestOp> {
    let delete = |entry: layout::Entry| {
        Request::RequestDeleteRange(DeleteRangeRequest {
            key: Bytes::from(entry.key),
            ..DeleteRangeRequest::default()
        })
    };
    ops(layout.write(instance).into_iter().map(delete))
}

fn ops(requests: impl Iterator<Item = Request>) -> Vec<RequestOp> {
    requests.map(|request| RequestOp { request: Some(request) }).collect()
}
