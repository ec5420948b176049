//! `jovian keys`: what services will write into a registry, before they run.
//!
//! In: IDL, and what is known of an instance. Out: keys and values in every layout, and the keys of governance. Never: a
//! registry, a clock.

use std::collections::{BTreeMap, BTreeSet};

use jovian_runtime::registry::governance::{Route, Rule};
use jovian_runtime::registry::layout::{Entry, Life, Options};
use jovian_runtime::registry::{Instance, Provided};
use serde::Serialize;

mod spoken;

use spoken::Spoken;

use super::flags::Flags;
use super::r#gen::{Order, Source};
use super::{Outcome, Report, say};
use crate::cli::place::Place;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::generate::understand;
use crate::idl::Earlier;
use crate::model::{Model, Service};

/// Show every key and value that the services of the IDL will write into a registry, and the keys that govern their calls.
///
/// Without files, the project file `jovian.toml` of this folder says which IDL is read. Nothing is connected to. What depends on the
/// instance is what the flags say; the output is the same on every machine and at every time.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian keys                                          all layouts, for an instance at 127.0.0.1:9000
  jovian keys --layout dubbo-tri --store zookeeper --addr 10.0.0.7:9000 proto
  jovian keys --layout jupiter --mode live --governor 10.0.0.7:9001 --host web-1
  jovian keys --from shop.web.site --as json | jq -r '.apps[].governance[]'")]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Show this layout; may be given several times [default: all that the store has]
    #[arg(long = "layout", value_name = "LAYOUT", value_delimiter = ',')]
    layouts: Vec<String>,
    /// The kind of store, where layouts differ
    #[arg(long, value_enum, default_value_t, value_name = "STORE")]
    store: Place,
    /// Where callers connect
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9000", value_parser = address)]
    addr: String,
    /// Where the port for operators is, which Jupiter writes [default: none]
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    governor: Option<String>,
    /// The name of the machine, which Jupiter writes beside the governor [default: none]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The mode of Jupiter [default: unknown-mode]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// The group of Dubbo that callers have to ask for [default: none]
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// The version of Dubbo that callers have to ask for [default: none]
    #[arg(long, value_name = "VERSION")]
    service_version: Option<String>,
    /// When the instance began, in milliseconds since 1970
    #[arg(long, value_name = "MILLIS", default_value_t = 0)]
    at: u64,
    /// The app that calls, in the keys of governance [default: a placeholder]
    #[arg(long, value_name = "APP", default_value = "{from}", hide_default_value = true)]
    from: String,
    /// The cluster of the app that calls
    #[arg(long, value_name = "CLUSTER", default_value = Route::DEFAULT_CLUSTER)]
    from_cluster: String,
    /// The cluster of the app that is called
    #[arg(long, value_name = "CLUSTER", default_value = Route::DEFAULT_CLUSTER)]
    cluster: String,
    /// How keys are written to standard output
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM")]
    form: Form,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Form {
    /// For a terminal
    #[default]
    Table,
    /// One object, for programs
    Json,
}

fn address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port > 0);
    port.map(|_| text.to_owned()).ok_or_else(|| format!("`{text}` is no `host:port`"))
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    let layouts = arguments.layouts()?;
    let order = Order::of(arguments.source.clone(), Flags::default(), None)?;
    let mut diags = Diagnostics::default();
    let (loaded, _) = understand(&order.input, &order.settings, Earlier::default(), &|_| {}, &mut diags);
    diags.stop_on_error()?;
    report.show(&diags);
    let apps = apps(&loaded.model).into_iter().map(|(app, services)| arguments.app(app, &services, &layouts));
    let shown = Shown { schema: SCHEMA, apps: apps.collect() };
    say(match arguments.form {
        Form::Table if shown.apps.is_empty() => "no services are declared".to_owned(),
        Form::Table => table(&shown),
        Form::Json => serde_json::to_string_pretty(&shown).map_err(|error| {
            Diagnostic::error(Code::Io, format!("cannot be written as JSON: {error}"))
                .help("tell us which IDL it was")
        })?,
    });
    Ok(Outcome::Fine)
}

/// The services of each app, which is one instance in a registry.
fn apps(model: &Model) -> BTreeMap<&str, Vec<&Service>> {
    let mut apps: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
    let printed = model.packages.iter().filter(|package| package.printed);
    for service in printed.flat_map(|package| &package.services) {
        apps.entry(service.app.as_ref().unwrap_or(&service.full_name)).or_default().push(service);
    }
    apps.values_mut().for_each(|services| services.sort_by(|a, b| a.full_name.cmp(&b.full_name)));
    apps
}

impl Arguments {
    fn layouts(&self) -> Result<Vec<Spoken>, Diagnostics> {
        let mut options = Options::of(self.store.keys());
        if let Some(mode) = &self.mode {
            mode.clone_into(&mut options.mode);
        }
        Spoken::of(self.store, &self.layouts, &options).map_err(|unknown| {
            Diagnostic::error(Code::Setting, unknown.to_string())
                .help("without `--layout`, all layouts of the store are shown")
                .into()
        })
    }

    fn app(&self, app: &str, services: &[&Service], layouts: &[Spoken]) -> App {
        let instance = self.instance(app, services);
        let route = Route::new(&self.from, app).clusters(&self.from_cluster, &self.cluster);
        let methods = services.iter().flat_map(|service| &service.methods);
        // Services of one app share the keys of methods with one name.
        let mut known = BTreeSet::new();
        let methods = methods.filter(|method| known.insert(&method.name));
        App {
            app: app.to_owned(),
            address: self.addr.clone(),
            services: services.iter().map(|service| Names::of(service)).collect(),
            layouts: layouts
                .iter()
                .map(|layout| Written {
                    layout: layout.name(),
                    entries: layout.write(&instance).into_iter().map(Shape::of).collect(),
                })
                .collect(),
            governance: methods
                .flat_map(|method| Rule::ALL.map(|rule| route.key(&method.name, rule)))
                .collect(),
        }
    }

    fn instance(&self, app: &str, services: &[&Service]) -> Instance {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let provided = services.iter().map(|service| {
            let methods = service.methods.iter().map(|method| method.name.as_str());
            let mut provided = Provided::declared(&service.full_name, &service.java.name, methods);
            provided.group = text(&self.group);
            provided.version = text(&self.service_version);
            provided
        });
        Instance {
            services: provided.collect(),
            started: self.at,
            host: text(&self.host),
            governor: text(&self.governor),
            ..Instance::new(app, &*self.addr)
        }
    }
}

/// Raised when a key changes its meaning or goes.
const SCHEMA: u32 = 1;

/// What is written; `docs/guide/names.md` describes it as JSON.
#[derive(Debug, Serialize)]
struct Shown {
    schema: u32,
    apps: Vec<App>,
}

#[derive(Debug, Serialize)]
struct App {
    app: String,
    address: String,
    services: Vec<Names>,
    layouts: Vec<Written>,
    governance: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Names {
    name: String,
    java: String,
    legacy: String,
}

impl Names {
    fn of(service: &Service) -> Self {
        let Provided { name, java, legacy, .. } =
            Provided::declared(&service.full_name, &service.java.name, []);
        Self { name, java, legacy }
    }
}

#[derive(Debug, Serialize)]
struct Written {
    layout: &'static str,
    entries: Vec<Shape>,
}

/// An entry, and how long it stays.
#[derive(Debug, Serialize)]
struct Shape {
    key: String,
    value: String,
    life: &'static str,
}

impl Shape {
    fn of(entry: Entry) -> Self {
        let life = match entry.life {
            Life::Leased => "leased",
            Life::Kept => "kept",
            Life::Shared => "shared",
            _ => "unknown",
        };
        Self { key: entry.key, value: entry.value, life }
    }
}

fn table(shown: &Shown) -> String {
    let apps: Vec<String> = shown.apps.iter().map(table_of).collect();
    apps.join("\n\n")
}

fn table_of(app: &App) -> String {
    let mut text = format!("{} at {}", app.app, app.address);
    for Names { name, java, legacy } in &app.services {
        text += &format!("\n  {name}\n    Java       {java}\n    Dubbo 2.7  {legacy}");
    }
    for Written { layout, entries } in &app.layouts {
        text += &format!("\n\n{layout}");
        for Shape { key, value, life } in entries {
            let value = if value.is_empty() { "(empty)" } else { value };
            text += &format!("\n  {key}   {life}\n    {value}");
        }
    }
    if !app.governance.is_empty() {
        text += "\n\ngovernance";
        app.governance.iter().for_each(|key| text += &format!("\n  {key}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for good in ["10.0.0.7:9000", "[::1]:1", "orders.local:65535"] {
            assert_eq!(address(good).as_deref(), Ok(good));
        }
        for bad in ["", ":9000", "host", "host:", "host:0", "host:65536", "host:http"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
