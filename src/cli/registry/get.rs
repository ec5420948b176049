//! `jovian registry get`: records as they are, and what each layout makes of them.

use jovian_runtime::registry::layout::{DubboUrl, NAMES};
use serde::Serialize;

use super::decode::{Decoded, Found, decode, decode_all};
use super::store::{Store, StoreArguments};
use super::{Form, SCHEMA, json_pretty, text};
use crate::cli::net::{Problem, unknown};
use crate::cli::{Outcome, Report, remote, say};
use crate::diag::Diagnostics;

/// Show a record as it is, with what each layout makes of it; or all records of an app or a service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian registry get etcd://10.0.0.3:2379 /microservices/shop.order.orders/orders-1
  jovian registry get etcd://10.0.0.3:2379 com.example.shop.Orders
  jovian registry get etcd://10.0.0.3:2379 shop.order.orders --as json | jq -r '.records[].key'")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// A whole key; or an app, a service or a Java interface
    #[arg(value_name = "KEY|SERVICE")]
    what: String,
    /// How records are written to standard output
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM")]
    form: Form,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let store = arguments.store.open()?;
    let work = async {
        let records = find(&store, &arguments.what).await?;
        let shown = records.into_iter().map(|record| Shown::of(record, store.kind()));
        let shown = Records { schema: SCHEMA, target: store.target.to_string(), records: shown.collect() };
        say(match arguments.form {
            Form::Table => shown.records.iter().map(Shown::text).collect::<Vec<_>>().join("\n\n"),
            Form::Json => json_pretty(&shown)?,
        });
        Ok(Outcome::Fine)
    };
    remote::block_on(work, report)
}

/// The record of a key, or those of a service.
async fn find(store: &Store, what: &str) -> Result<Vec<Decoded>, Problem> {
    let records = store.list().await?;
    if let Some(record) = records.get(what) {
        return Ok(vec![decode(store.kind(), what, record, &records)]);
    }
    let all = decode_all(store.kind(), &records);
    let mut names: Vec<String> =
        all.iter().filter_map(|record| Some(record.found.as_ref()?.name.clone())).collect();
    let found: Vec<Decoded> = all.into_iter().filter(|record| record.is_of(what)).collect();
    if found.is_empty() {
        names.sort_unstable();
        names.dedup();
        let problem = format!("there is no key, app or service `{what}` in `{}`", store.target);
        return Err(unknown(problem, "there is ", what, &names).into());
    }
    Ok(found)
}

/// What is written; `docs/guide/registry-tools.md` describes it as JSON.
#[derive(Debug, Serialize)]
struct Records {
    schema: u32,
    target: String,
    records: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    key: String,
    value: String,
    leased: bool,
    /// The URL in a key of Dubbo.
    url: Option<String>,
    layouts: Vec<Made>,
}

/// What a layout makes of a record.
#[derive(Debug, Serialize)]
struct Made {
    layout: &'static str,
    name: Option<String>,
    root: Option<String>,
    mode: Option<String>,
    instance: Option<jovian_runtime::registry::Instance>,
    /// Why there is no instance.
    why: Option<String>,
}

impl Made {
    fn nothing(layout: &'static str) -> Self {
        let why = Some("not one of its keys".to_owned());
        Self { layout, name: None, root: None, mode: None, instance: None, why }
    }

    fn of(found: Found) -> Self {
        let Found { layout, name, root, mode, instance } = found;
        let (instance, why) = match instance {
            Ok(Some(instance)) => (Some(instance), None),
            Ok(None) => (None, Some("one of its keys, and stands for no instance".to_owned())),
            Err(why) => (None, Some(format!("cannot be read: {why}"))),
        };
        Self { layout, name: Some(name), root, mode, instance, why }
    }
}

impl Shown {
    fn of(Decoded { key, record, found }: Decoded, kind: &str) -> Self {
        let url = key.split_once("/providers/").and_then(|(_, segment)| DubboUrl::read(segment).ok());
        let mut layouts: Vec<Made> = match kind {
            "file" => Vec::new(),
            _ => NAMES.into_iter().map(Made::nothing).collect(),
        };
        if let Some(found) = found {
            layouts.retain(|made| made.layout != found.layout);
            layouts.insert(0, Made::of(found));
        }
        Self {
            key,
            value: record.value.to_string(),
            leased: record.is_leased,
            url: url.map(|url| url.text()),
            layouts,
        }
    }

    fn text(&self) -> String {
        let stays = if self.leased { "goes with its process" } else { "stays" };
        let mut text = format!("{}   {stays}\n{}", self.key, text::indented(text::value(&self.value), 2));
        if let Some(url) = &self.url {
            text += &format!("\n  {url}");
        }
        let (others, made): (Vec<&Made>, Vec<&Made>) =
            self.layouts.iter().partition(|made| made.name.is_none());
        for made in made {
            let Made { layout, name, root, mode, instance, why } = made;
            let part = |what: &str, part: &Option<String>| {
                part.as_ref().map_or_else(String::new, |part| format!("   {what}{part}"))
            };
            text +=
                &format!("\n\n  {layout}{}{}{}", part("", name), part("mode ", mode), part("root ", root));
            if let Some(why) = why {
                text += &format!("   {why}");
            }
            // An instance of ours is always TOML.
            let instance = instance.as_ref().and_then(|instance| toml::to_string(instance).ok());
            if let Some(instance) = instance {
                text += &format!("\n{}", text::indented(instance.trim_end(), 4));
            }
        }
        let others: Vec<&str> = others.iter().map(|made| made.layout).collect();
        if !others.is_empty() {
            text += &format!("\n\n  no key of {}", others.join(", "));
        }
        text
    }
}
