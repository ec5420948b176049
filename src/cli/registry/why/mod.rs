//! `jovian registry why`: why a consumer of another ecosystem does not see or reach a provider.
//!
//! In: a consumer, a service, the records of a store. Out: reasons, each with the key concerned and what to do. Never: the
//! consumer itself; what it reads is known from programs that were run.

use std::path::Path;

use jovian_runtime::registry::layout::Options;
use jovian_runtime::registry::raw::RawRecords;
use jovian_runtime::registry::{Provided, Wanted};
use serde::Serialize;

mod apps;
mod asked;
mod discovery;
mod dubbo;
mod dubbo_app;
mod groups;
mod nacos;
mod probe;
mod reason;
mod rules;
mod shape;

use asked::{Asked, Consumer, Level};
use probe::{Reached, reach};
use reason::{Cause, Findings, Reason};

use super::store::{Store, StoreArguments};
use super::target::Target;
use super::{Form, SCHEMA, json_pretty};
use crate::cli::r#gen::Source;
use crate::cli::net::{Problem, unknown};
use crate::cli::place::Place;
use crate::cli::{Outcome, Report, remote, say};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::generate::understand;
use crate::idl::Earlier;
use crate::settings::Settings;

/// Explain why a consumer on Dubbo, Jupiter, Kratos, Kitex or go-zero does not see or not reach a provider.
///
/// Exits 1 if there is a reason, and 0 if the consumer calls every provider that is registered. Each provider that it would call is
/// connected to, unless `--offline` is given. What consumers read is known from releases that were run: Dubbo 3.3.6 and 2.7.23,
/// dubbo-go 3.3.2, Jupiter 0.11.21, Kratos 2.9 and 3.0, Kitex 0.16, go-zero 1.10.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian registry why --consumer dubbo-java etcd://10.0.0.3:2379 com.example.shop.Orders
  jovian registry why --consumer dubbo-go etcd://10.0.0.3:2379 shop.orders.v1.Orders --group blue --service-version 1.0.0
  jovian registry why --consumer jupiter --mode live --app shop.order.orders etcd://10.0.0.3:2379 shop.orders.v1.Orders
  jovian registry why --consumer kratos --idl proto etcd://10.0.0.3:2379 Orders --as json | jq -r '.reasons[].code'")]
pub(super) struct Arguments {
    /// Whose eyes the registry is seen with
    #[arg(long, value_enum, value_name = "CONSUMER")]
    consumer: Consumer,
    #[command(flatten)]
    store: StoreArguments,
    /// The service: its full name in the IDL; with `--idl` the short one will do
    #[arg(value_name = "SERVICE")]
    service: String,
    /// Take its names from this IDL: a file, a folder, a glob or a descriptor set; may be given several times
    #[arg(long, value_name = "FILE|DIR|GLOB")]
    idl: Vec<String>,
    /// What consumers call its app: the app of Jupiter, the name of Kratos, the service of Kitex, the key of go-zero, the
    /// application of Dubbo [default: the app in the IDL, else the service]
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Its Java interface [default: the one in the IDL, else the service]
    #[arg(long, value_name = "INTERFACE")]
    java: Option<String>,
    /// The group that the consumer asks for; Java may list several with commas, or `*` [default: none]
    #[arg(long, value_name = "GROUP", default_value = "", hide_default_value = true)]
    group: String,
    /// The version that the consumer asks for [default: none]
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    service_version: String,
    /// The mode of a consumer on Jupiter [default: unknown-mode]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Where the keys of the consumer begin: the `group` of Dubbo's registry, the namespace of Kratos [default: the usual one]
    #[arg(long, value_name = "ROOT")]
    root: Option<String>,
    /// The cluster of a Nacos that a consumer on Kratos looks into
    #[arg(long, value_name = "CLUSTER", default_value = "DEFAULT")]
    cluster: String,
    /// What a consumer on Dubbo 3 reads
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    level: Level,
    /// Connect to no provider
    #[arg(long)]
    offline: bool,
    /// How reasons are written to standard output
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM")]
    form: Form,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let store = arguments.store.open()?;
    let asked = arguments.asked(store.kind())?;
    let work = async {
        let mut findings = rules::explain(&asked, store.kind(), &all(&asked, &store).await?);
        if !arguments.offline {
            connect(&asked, &store, &mut findings).await;
        }
        let shown = Shown::of(&asked, &store, arguments, findings);
        say(match arguments.form {
            Form::Table => shown.text(),
            Form::Json => json_pretty(&shown)?,
        });
        Ok(if shown.reasons.is_empty() { Outcome::Fine } else { Outcome::Findings })
    };
    remote::block_on(work, report)
}

impl Arguments {
    fn asked(&self, kind: &str) -> Result<Asked, Diagnostics> {
        let Some(place) = Place::of(kind) else {
            let problem = format!("no consumer of others reads the registry `{kind}`");
            let help = "give an etcd, a ZooKeeper, a Nacos or a discovery";
            return Err(Diagnostic::error(Code::Setting, problem).help(help).into());
        };
        if !self.consumer.is_known_in(place) {
            let problem = format!("what {} reads in `{kind}` is not known here", self.consumer.name());
            let help =
                "of `dubbo-java`, `dubbo-go` and `kratos` it is known in `nacos`, of `kratos` in `discovery`";
            return Err(Diagnostic::error(Code::Setting, problem).help(help).into());
        }
        let mut options = Options::of(place.keys());
        options.root.clone_from(&self.root);
        if let Some(mode) = &self.mode {
            mode.clone_into(&mut options.mode);
        }
        let mut wanted = if self.idl.is_empty() {
            names(&self.service, self.app.as_ref(), self.java.as_ref().unwrap_or(&self.service))
        } else {
            self.of_idl()?
        };
        self.group.clone_into(&mut wanted.group);
        self.service_version.clone_into(&mut wanted.version);
        let cluster = self.cluster.clone();
        Ok(Asked { consumer: self.consumer, level: self.level, place, options, wanted, cluster })
    }

    fn of_idl(&self) -> Result<Wanted, Diagnostics> {
        let source = Source { inputs: self.idl.clone(), includes: Vec::new() };
        let mut diags = Diagnostics::default();
        let input = source.input(Path::new(""))?;
        let (loaded, _) = understand(&input, &Settings::default(), Earlier::default(), &|_| {}, &mut diags);
        diags.stop_on_error()?;
        let services: Vec<_> = loaded.model.packages.iter().flat_map(|package| &package.services).collect();
        let behind = format!(".{}", self.service);
        let mut meant = services
            .iter()
            .filter(|service| service.full_name == self.service || service.full_name.ends_with(&behind));
        let (Some(service), None) = (meant.next(), meant.next()) else {
            let known: Vec<String> = services.iter().map(|service| service.full_name.clone()).collect();
            let problem = format!("the IDL has not one service `{}`", self.service);
            return Err(unknown(problem, "there is ", &self.service, &known).into());
        };
        let app = self.app.as_ref().or(service.app.as_ref());
        Ok(names(&service.full_name, app, self.java.as_ref().unwrap_or(&service.java.name)))
    }
}

/// All records, and the mapping, which in a Nacos stands where nothing may lead to.
async fn all(asked: &Asked, store: &Store) -> Result<RawRecords, Problem> {
    let mut records = store.list().await?;
    if let Some((mapping, _)) =
        asked.mapping().filter(|(key, _)| asked.place == Place::Nacos && !records.contains_key(key))
        && let Some(record) = store.get(&mapping).await?
    {
        records.insert(mapping, record);
    }
    Ok(records)
}

fn names(name: &str, app: Option<&String>, java: &str) -> Wanted {
    let Provided { name, java, legacy, .. } = Provided::declared(name, java, []);
    let mut wanted = Wanted::app(app.unwrap_or(&name));
    (wanted.name, wanted.java, wanted.legacy) = (name, java, legacy);
    wanted
}

/// Connects to whomever the consumer would call, with the authority that it sends.
async fn connect(asked: &Asked, store: &Store, findings: &mut Findings) {
    let authority = match (asked.consumer, &store.target) {
        (Consumer::Jupiter, _) => Some(format!("grpc:{}:v1:{}/", asked.wanted.app, asked.options.mode)),
        (Consumer::GoZero, Target::Etcd { members, .. }) => Some(members.join(",")),
        _ => None,
    };
    for (address, key) in findings.seen.clone() {
        let name = asked.consumer.name();
        match reach(&address, authority.as_deref()).await {
            Reached::Well => continue,
            Reached::Unreachable(why) => {
                let reason = format!("nobody can be connected to at `{address}` from here: {why}");
                let help = "start the provider, or let it register an address that others reach; `--offline` leaves this out";
                findings.of(&address, Cause::Unreachable, &key, reason, help);
            }
            Reached::Refused => {
                let authority = authority.as_deref().unwrap_or_default();
                let reason =
                    format!("{name} sends `:authority: {authority}`, and the provider resets such calls");
                let help = "servers of Jovian take them; for others, let the consumer dial with `grpc.WithAuthority`";
                findings.of(&address, Cause::Authority, &key, reason, help);
            }
        }
        findings.seen.remove(&address);
    }
}

/// What is written; `docs/guide/registry-tools.md` describes it as JSON.
#[derive(Debug, Serialize)]
struct Shown {
    schema: u32,
    target: String,
    consumer: &'static str,
    service: String,
    seen: Vec<Seen>,
    reasons: Vec<Reason>,
    #[serde(skip)]
    is_offline: bool,
}

#[derive(Debug, Serialize)]
struct Seen {
    address: String,
    key: String,
}

impl Shown {
    fn of(asked: &Asked, store: &Store, arguments: &Arguments, findings: Findings) -> Self {
        let seen = findings.seen.into_iter().map(|(address, key)| Seen { address, key });
        let mut reasons = findings.reasons;
        reasons.sort_by(|a, b| (a.code, &a.address, &a.key).cmp(&(b.code, &b.address, &b.key)));
        Self {
            schema: SCHEMA,
            target: store.target.to_string(),
            consumer: asked.consumer.name(),
            service: asked.wanted.name.clone(),
            seen: seen.collect(),
            reasons,
            is_offline: arguments.offline,
        }
    }

    fn text(&self) -> String {
        let calls = if self.is_offline { "finds" } else { "finds and reaches" };
        let count = match self.seen.len() {
            0 => "no provider".to_owned(),
            1 => "1 provider".to_owned(),
            many => format!("{many} providers"),
        };
        let mut text = format!("{} {calls} {count} of {}", self.consumer, self.service);
        for Seen { address, key } in &self.seen {
            text += &format!("\n  {address}   {key}");
        }
        for Reason { code, address, key, reason, help } in &self.reasons {
            let of = address.as_ref().map_or_else(String::new, |address| format!("   {address}"));
            text += &format!("\n\n{}{of}\n  {key}\n  {reason}\n  help: {help}", code.word());
        }
        text
    }
}
