//! `jovian registry watch`: changes, as they come.

use std::time::Duration;

use jovian_runtime::registry::raw::{RawChange, RawError, RawRecord, RawRecords};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::decode::{Decoded, decode};
use super::store::{Store, StoreArguments};
use super::{Form, json, text};
use crate::cli::net::{Problem, duration};
use crate::cli::{Outcome, Report, remote, say};
use crate::diag::{Code, Diagnostic, Diagnostics};

/// How long it waits before it looks for a lost store again.
const PAUSE: Duration = Duration::from_secs(1);

/// Show what is in a registry, and then every change as it comes, until it is interrupted.
///
/// A store that is lost is looked for again, and what has changed meanwhile is shown then. An interrupt (Ctrl-C) ends it with 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian registry watch etcd://10.0.0.3:2379
  jovian registry watch etcd://10.0.0.3:2379 shop.order.orders    the records of one app
  jovian registry watch etcd://10.0.0.3:2379 orders.rpc --changes --count 1 --for 30s
  jovian registry watch etcd://10.0.0.3:2379 --as json | jq -c 'select(.event == \"gone\") | .key'")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only the records of this app, service or Java interface
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// Show changes alone, and not what is there at the beginning
    #[arg(long)]
    changes: bool,
    /// End after so many changes
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
    /// End after this time: `300ms`, `2s`, `1m`; with 1, if `--count` is given and fewer changes came
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// How changes are written to standard output: a line or an object each
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM")]
    form: Form,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let store = arguments.store.open()?;
    let mut watcher = Watcher { arguments, store: &store, known: None, shown: 0 };
    let work = async {
        let watching = watcher.run(report);
        match arguments.time {
            None => watching.await,
            Some(time) => timeout(time, watching).await.unwrap_or(Ok(match arguments.count {
                None => Outcome::Fine,
                Some(_) => Outcome::Findings,
            })),
        }
    };
    remote::follow(work, report)
}

/// Follows a store, and shows what is to be shown.
struct Watcher<'a> {
    arguments: &'a Arguments,
    store: &'a Store,
    /// What was last seen; nothing before the store has answered.
    known: Option<RawRecords>,
    /// How many changes were shown.
    shown: u64,
}

impl Watcher<'_> {
    async fn run(&mut self, report: &Report) -> Result<Outcome, Problem> {
        let (store, mut is_lost) = (self.store, false);
        loop {
            let (sender, mut told) = mpsc::unbounded_channel();
            // Whoever does not listen any more is about to end.
            let mut tell = |change| drop(sender.send(change));
            let follow = store.follow(&mut tell);
            tokio::pin!(follow);
            let error = loop {
                tokio::select! {
                    biased;
                    Some(change) = told.recv() => {
                        is_lost = false;
                        if self.take(change)? {
                            return Ok(Outcome::Fine);
                        }
                    }
                    error = &mut follow => break error,
                }
            };
            if self.known.is_none() || matches!(error, RawError::Refused(_)) {
                return Err(self.store.problem(&error));
            }
            if !is_lost {
                report.show(&lost(&error).into());
            }
            is_lost = true;
            sleep(PAUSE).await;
        }
    }

    /// Shows what the store tells; whether that was enough.
    fn take(&mut self, change: RawChange) -> Result<bool, Diagnostics> {
        let changed = match change {
            RawChange::All(records) => match &self.known {
                None => return self.begin(records),
                Some(known) => differences(known, records),
            },
            RawChange::Some(changed) => changed,
            _ => return Ok(false),
        };
        for (key, record) in changed {
            let known = self.known.get_or_insert_default();
            if let Some((event, record)) = apply(known, &key, record)
                && self.show(event, &key, &record)?
            {
                self.shown += 1;
                if self.arguments.count.is_some_and(|count| self.shown >= count) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Shows what is there at the beginning.
    fn begin(&mut self, records: RawRecords) -> Result<bool, Diagnostics> {
        self.known = Some(records.clone());
        for (key, record) in records.iter().filter(|_| !self.arguments.changes) {
            self.show("is", key, record)?;
        }
        Ok(self.arguments.count == Some(0))
    }

    /// Shows one record; whether it is of those that are wanted.
    fn show(&self, event: &'static str, key: &str, record: &RawRecord) -> Result<bool, Diagnostics> {
        let none = RawRecords::new();
        let decoded = decode(self.store.kind(), key, record, self.known.as_ref().unwrap_or(&none));
        if self.arguments.service.as_ref().is_some_and(|name| !decoded.is_of(name)) {
            return Ok(false);
        }
        say(match self.arguments.form {
            Form::Table => line(event, &decoded),
            Form::Json => json(&Event::of(event, decoded))?,
        });
        Ok(true)
    }
}

/// Brings what is known up to date; what that was for this record, if anything.
fn apply(known: &mut RawRecords, key: &str, record: Option<RawRecord>) -> Option<(&'static str, RawRecord)> {
    let Some(record) = record else { return known.remove(key).map(|last| ("gone", last)) };
    match known.insert(key.to_owned(), record.clone()) {
        Some(last) if last == record => None,
        Some(_) => Some(("changed", record)),
        None => Some(("new", record)),
    }
}

/// What has changed while the store was away.
fn differences(known: &RawRecords, now: RawRecords) -> Vec<(String, Option<RawRecord>)> {
    let gone: Vec<_> =
        known.keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), None)).collect();
    gone.into_iter().chain(now.into_iter().map(|(key, record)| (key, Some(record)))).collect()
}

fn lost(error: &RawError) -> Diagnostic {
    Diagnostic::warning(Code::Unreachable, format!("the store is lost: {error}"))
        .help("it is looked for again, and what has changed meanwhile is shown then")
}

/// `new      kratos     shop.order.orders   10.0.0.7:9000   zone eu-west-1a`, or the key where there is no instance.
fn line(event: &str, decoded: &Decoded) -> String {
    let (layout, name) = match &decoded.found {
        Some(found) => (found.layout, found.name.as_str()),
        None => ("-", ""),
    };
    let rest = match (decoded.instance(), decoded.found.as_ref().map(|found| &found.instance)) {
        (Some(instance), _) => format!("{}   {}", instance.address, text::about(name, instance)),
        (None, Some(Err(why))) => format!("{}   cannot be read: {why}", decoded.key),
        _ => decoded.key.clone(),
    };
    let line = match name {
        "" => format!("{event:<8} {layout:<10} {rest}"),
        name => format!("{event:<8} {layout:<10} {name}   {rest}"),
    };
    line.trim_end().to_owned()
}

/// A change as it is written in JSON; `docs/guide/registry-tools.md` describes it.
#[derive(Serialize)]
struct Event {
    event: &'static str,
    key: String,
    value: String,
    leased: bool,
    layout: Option<&'static str>,
    name: Option<String>,
    instance: Option<jovian_runtime::registry::Instance>,
    why: Option<String>,
}

impl Event {
    fn of(event: &'static str, Decoded { key, record, found }: Decoded) -> Self {
        let (layout, name) = match &found {
            Some(found) => (Some(found.layout), Some(found.name.clone())),
            None => (None, None),
        };
        let (instance, why) = match found.map(|found| found.instance) {
            Some(Ok(instance)) => (instance, None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let (value, leased) = (record.value.to_string(), record.is_leased);
        Self { event, key, value, leased, layout, name, instance, why }
    }
}
