//! etcd as a store: leases, transactions, watches.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::EtcdOptions;
use super::clients::{Clients, trouble};
use crate::etcd_api::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::etcd_api::etcdserverpb::request_op::Request;
use crate::etcd_api::etcdserverpb::watch_request::RequestUnion;
use crate::etcd_api::etcdserverpb::{
    Compare, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest, PutRequest, RangeRequest,
    RequestOp, TxnRequest, WatchCreateRequest, WatchRequest, WatchResponse,
};
use crate::etcd_api::mvccpb::{KeyValue, event::EventType};
use crate::registry::keyed::store::{Change, Record, Scope, Store, Trouble};

/// How many keys are read at once, so that no reply is too large.
const PAGE: i64 = 1_000;
/// How long a watch may take to begin.
const BEGIN: Duration = Duration::from_secs(5);

pub(super) struct Etcd {
    options: EtcdOptions,
    clients: OnceCell<Clients>,
}

impl Etcd {
    pub(super) fn new(options: &EtcdOptions) -> Self {
        Self { options: options.clone(), clients: OnceCell::new() }
    }

    async fn clients(&self) -> Result<&Clients, Trouble> {
        let connecting = async || Clients::connect(&self.options);
        self.clients.get_or_try_init(connecting).await.map_err(|error| Trouble::Refused(error.to_string()))
    }

    /// All records of a scope, and the revision that they are of.
    pub(super) async fn list(&self, scope: &Scope) -> Result<(BTreeMap<String, Record>, i64), Trouble> {
        let clients = self.clients().await?;
        let (mut key, range_end) = range(scope);
        let (mut records, mut revision) = (BTreeMap::new(), 0);
        loop {
            let request =
                RangeRequest { key: key.clone(), range_end: range_end.clone(), limit: PAGE, revision };
            let page =
                clients.call(async |options| clients.kv.with(options).range(request.clone()).await).await?;
            if revision == 0 {
                revision = page.header.map_or(0, |header| header.revision);
            }
            let last = page.kvs.last().map(|last| last.key.clone());
            records.extend(page.kvs.into_iter().map(record));
            match last {
                Some(last) if page.more => key = [&*last, &[0]].concat().into(),
                _ => return Ok((records, revision)),
            }
        }
    }

    /// Tells changes from a revision on, until it breaks.
    async fn changes(
        &self,
        scope: &Scope,
        revision: i64,
        tell: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Infallible, Trouble> {
        let clients = self.clients().await?;
        let (key, range_end) = range(scope);
        let create = WatchCreateRequest {
            key,
            range_end,
            start_revision: revision,
            fragment: true,
            ..Default::default()
        };
        let create = WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
        // The stream of requests stays open: its end would be that of the watch.
        let requests = stream::iter([create]).chain(stream::pending());
        let watching = clients.watch.with(clients.lasting().await?);
        let beginning = async {
            let mut replies = watching.watch(requests).await?;
            let first = replies.next().await.transpose()?;
            Ok((replies, first))
        };
        let late = |_| Trouble::Away(format!("a watch did not begin within {BEGIN:?}"));
        let (mut replies, first) =
            timeout(BEGIN, beginning).await.map_err(late)?.map_err(|error| trouble(&error))?;
        let mut next = first;
        while let Some(reply) = next {
            if reply.canceled {
                clients.forget_token();
                return Err(canceled(&reply));
            }
            let events = reply.events.into_iter().filter_map(|event| {
                let is_gone = event.r#type() == EventType::Delete;
                let (key, record) = record(event.kv?);
                Some((key, (!is_gone).then_some(record)))
            });
            let changed: Vec<_> = events.collect();
            if !changed.is_empty() {
                tell(Change::Some(changed));
            }
            next = replies.next().await.transpose().map_err(|error| trouble(&error))?;
        }
        Err(Trouble::Away("the watch ended".to_owned()))
    }
}

impl Store for Etcd {
    fn kind(&self) -> &'static str {
        "etcd"
    }

    fn rhythm(&self) -> Duration {
        self.options.ttl / 3
    }

    async fn open(&self) -> Result<i64, Trouble> {
        let clients = self.clients().await?;
        let seconds = self.options.ttl.as_millis().div_ceil(1000);
        let request = LeaseGrantRequest { ttl: i64::try_from(seconds).unwrap_or(i64::MAX), id: 0 };
        let lease =
            clients.call(async |options| clients.lease.with(options).lease_grant(request).await).await?;
        match lease.error.as_str() {
            "" => Ok(lease.id),
            why => Err(Trouble::Away(why.to_owned())),
        }
    }

    async fn beat(&self, session: i64) -> Result<(), Trouble> {
        let clients = self.clients().await?;
        let reply = clients
            .call(async |options| {
                let request = LeaseKeepAliveRequest { id: session };
                let mut replies =
                    clients.lease.with(options).lease_keep_alive(stream::iter([request])).await?;
                replies.next().await.transpose()
            })
            .await?;
        match reply {
            Some(reply) if reply.ttl > 0 => Ok(()),
            Some(_) => Err(Trouble::Lost("the lease has ended".to_owned())),
            None => Err(Trouble::Away("a sign of life was not answered".to_owned())),
        }
    }

    async fn close(&self, session: i64) -> Result<(), Trouble> {
        let clients = self.clients().await?;
        let request = LeaseRevokeRequest { id: session };
        clients.call(async |options| clients.lease.with(options).lease_revoke(request).await).await.map(drop)
    }

    async fn get(&self, key: &str) -> Result<Option<Record>, Trouble> {
        let (mut records, _) = self.list(&Scope::Key(key.to_owned())).await?;
        Ok(records.remove(key))
    }

    async fn swap(&self, key: &str, value: &str, owner: i64, version: i64) -> Result<bool, Trouble> {
        let clients = self.clients().await?;
        let key = Bytes::copy_from_slice(key.as_bytes());
        let unchanged = Compare {
            result: CompareResult::Equal.into(),
            target: CompareTarget::Mod.into(),
            key: key.clone(),
            target_union: Some(TargetUnion::ModRevision(version)),
        };
        let put = PutRequest { key, value: Bytes::copy_from_slice(value.as_bytes()), lease: owner };
        let put = RequestOp { request: Some(Request::RequestPut(put)) };
        let request = TxnRequest { compare: vec![unchanged], success: vec![put], failure: Vec::new() };
        let done = clients.call(async |options| clients.kv.with(options).txn(request.clone()).await).await?;
        Ok(done.succeeded)
    }

    async fn follow(&self, scope: &Scope, tell: &mut (dyn FnMut(Change) + Send)) -> Trouble {
        let (records, revision) = match self.list(scope).await {
            Ok(listed) => listed,
            Err(trouble) => return trouble,
        };
        tell(Change::All(records));
        let Err(trouble) = self.changes(scope, revision + 1, tell).await;
        trouble
    }
}

/// The first key of a scope, and the one behind its last (`range_end` of etcd's API).
fn range(scope: &Scope) -> (Bytes, Bytes) {
    let place = match scope {
        Scope::Key(key) => return (Bytes::copy_from_slice(key.as_bytes()), Bytes::new()),
        Scope::Place(place) if place.is_empty() => {
            return (Bytes::from_static(&[0]), Bytes::from_static(&[0]));
        }
        Scope::Place(place) => place.as_bytes(),
    };
    let mut end = place.to_vec();
    // UTF-8 has no byte that cannot be made greater.
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    (Bytes::copy_from_slice(place), end.into())
}

fn record(kv: KeyValue) -> (String, Record) {
    let key = String::from_utf8_lossy(&kv.key).into_owned();
    let value = Arc::<str>::from(String::from_utf8_lossy(&kv.value));
    (key, Record { value, owner: kv.lease, version: kv.mod_revision })
}

fn canceled(reply: &WatchResponse) -> Trouble {
    match (reply.compact_revision, reply.cancel_reason.as_str()) {
        (0, "") => Trouble::Away("the watch was ended by the store".to_owned()),
        (0, why) if why.contains("permission denied") => Trouble::Refused(why.to_owned()),
        (0, why) => Trouble::Away(why.to_owned()),
        (_, _) => Trouble::Away("what has changed since is compacted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_ends_before_the_next_one() {
        let place = |text: &str| range(&Scope::Place(text.to_owned()));
        assert_eq!(place("/a/"), (Bytes::from_static(b"/a/"), Bytes::from_static(b"/a0")));
        assert_eq!(place(""), (Bytes::from_static(&[0]), Bytes::from_static(&[0])));
        assert_eq!(range(&Scope::Key("/a".to_owned())), (Bytes::from_static(b"/a"), Bytes::new()));
    }
}
