//! etcd as tools see it.

use std::collections::BTreeMap;
use std::fmt;

use futures_core::future::BoxFuture;

use super::EtcdOptions;
use super::api::Etcd;
use crate::registry::keyed::store::{Change, Record, Scope, Store as _};
use crate::registry::records::{RawChange, RawError, RawRecord, RawRecords, RawStore};

pub(in crate::registry) struct RawEtcd {
    endpoints: Vec<String>,
    etcd: Etcd,
}

impl RawEtcd {
    pub(in crate::registry) fn new(options: &EtcdOptions) -> Self {
        Self { endpoints: options.endpoints.clone(), etcd: Etcd::new(options) }
    }
}

impl fmt::Debug for RawEtcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawEtcd").field(&self.endpoints).finish()
    }
}

impl RawStore for RawEtcd {
    fn kind(&self) -> &'static str {
        self.etcd.kind()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<RawRecords, RawError>> {
        Box::pin(async move {
            let (records, _) = self.etcd.list(&Scope::Place(prefix.to_owned())).await?;
            Ok(all(records))
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<RawRecord>, RawError>> {
        Box::pin(async move { Ok(self.etcd.get(key).await?.map(raw)) })
    }

    fn follow<'a>(
        &'a self,
        prefix: &'a str,
        tell: &'a mut (dyn FnMut(RawChange) + Send),
    ) -> BoxFuture<'a, RawError> {
        Box::pin(async move {
            let mut tell = |change| {
                tell(match change {
                    Change::All(records) => RawChange::All(all(records)),
                    Change::Some(changed) => {
                        let changed = changed.into_iter().map(|(key, record)| (key, record.map(raw)));
                        RawChange::Some(changed.collect())
                    }
                });
            };
            self.etcd.follow(&Scope::Place(prefix.to_owned()), &mut tell).await.into()
        })
    }
}

fn all(records: BTreeMap<String, Record>) -> RawRecords {
    records.into_iter().map(|(key, record)| (key, raw(record))).collect()
}

fn raw(record: Record) -> RawRecord {
    RawRecord::new(record.value, record.owner != 0)
}
