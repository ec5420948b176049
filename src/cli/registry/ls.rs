//! `jovian registry ls`: services and their instances, in every layout.

use std::collections::BTreeMap;

use jovian_runtime::registry::Instance;
use serde::Serialize;

use super::decode::{Decoded, Found, decode_all};
use super::saved::Saved;
use super::store::StoreArguments;
use super::{SCHEMA, json_pretty, text};
use crate::cli::{Outcome, Report, remote, say};
use crate::diag::Diagnostics;

/// List the services that are in a registry, and their instances.
///
/// Records are read in every layout, at their usual places and at others. Those that cannot be read are named with the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian registry ls etcd://10.0.0.3:2379,10.0.0.4:2379
  jovian registry ls etcd://10.0.0.3:2379/dubbo/       only what stands below /dubbo/
  jovian registry ls etcd://10.0.0.3:2379 --as records > saved && jovian registry ls records:saved
  jovian registry ls etcd://10.0.0.3:2379 --as json | jq -r '.services[].instances[].address' | sort -u")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// How services are written to standard output
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM")]
    form: ListForm,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ListForm {
    /// For a terminal
    #[default]
    Table,
    /// For programs
    Json,
    /// The records as they are; a file of them is a target, too
    Records,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let store = arguments.store.open()?;
    let work = async {
        let records = store.list().await?;
        let listing = || Listing::of(store.target.to_string(), decode_all(store.kind(), &records));
        say(match arguments.form {
            ListForm::Table => text::listing(&listing()),
            ListForm::Json => json_pretty(&listing())?,
            ListForm::Records => Saved::text(store.kind(), &records),
        });
        Ok(Outcome::Fine)
    };
    remote::block_on(work, report)
}

/// What is in a registry; `docs/guide/registry-tools.md` describes it as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    schema: u32,
    pub(super) target: String,
    pub(super) services: Vec<Service>,
    pub(super) unreadable: Vec<Unreadable>,
    /// Keys of records that stand for no instance.
    pub(super) others: Vec<String>,
}

/// Instances under one name in one layout.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    pub(super) layout: &'static str,
    pub(super) name: String,
    /// The beginning of its keys, where that is not the usual one.
    pub(super) root: Option<String>,
    /// The mode of Jupiter.
    pub(super) mode: Option<String>,
    pub(super) instances: Vec<Listed>,
}

/// An instance, and where it stands.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) leased: bool,
    #[serde(flatten)]
    pub(super) instance: Instance,
}

/// A record that cannot be read.
#[derive(Debug, Serialize)]
pub(super) struct Unreadable {
    pub(super) key: String,
    pub(super) layout: &'static str,
    pub(super) why: String,
}

impl Listing {
    fn of(target: String, records: Vec<Decoded>) -> Self {
        let (mut unreadable, mut others) = (Vec::new(), Vec::new());
        let mut services: BTreeMap<_, Vec<Listed>> = BTreeMap::new();
        for Decoded { key, record, found } in records {
            let Some(Found { layout, name, root, mode, instance }) = found else {
                others.push(key);
                continue;
            };
            match instance {
                Ok(Some(instance)) => services.entry((layout, name, root, mode)).or_default().push(Listed {
                    key,
                    leased: record.is_leased,
                    instance,
                }),
                Ok(None) => others.push(key),
                Err(why) => unreadable.push(Unreadable { key, layout, why }),
            }
        }
        let service =
            |((layout, name, root, mode), instances)| Service { layout, name, root, mode, instances };
        let services = services.into_iter().map(service).collect();
        Self { schema: SCHEMA, target, services, unreadable, others }
    }
}
