//! What the governor says of an app.
//!
//! In: its parts. Out: [`Pages`]. Never: a secret, and nothing that changes the app but the level of its log.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::{Method as Verb, StatusCode};
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use super::live::Live;
use super::tasks::Board;
use crate::descriptor::Service;
use crate::governor::{Answer, Pages};
use crate::health::{Health, ServingStatus};
use crate::metrics;
use crate::registry;
use crate::server::Configured;

mod level;
mod profile;
mod routes;

/// The text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the pages are about.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) services: Vec<&'static Service>,
    pub(super) configured: Configured,
    pub(super) health: Health,
    pub(super) live: Live,
    pub(super) tasks: Board,
}

/// The pages of an app.
pub(super) fn pages(subject: Subject) -> Pages {
    let Subject { name, version, services, configured, health, live, tasks } = subject;
    let title = format!("{name} {version}");
    let flat = live.clone();
    let build = build(name, version);
    let build_again = build.clone();
    let pages = Pages::default()
        .get("/health/live", "200 while the process answers", || ok(&json!({ "status": "LIVE" })))
        .get("/health/ready", "200 while everything is SERVING, else 503", move || ready(&health))
        .get("/metrics", "what is counted and measured, for Prometheus", || {
            Answer::bytes(StatusCode::OK, PROMETHEUS, metrics::render())
        })
        .get("/routes", "services, their methods and what holds for them", move || {
            ok(&routes::routes(&services, &configured))
        })
        .get("/build", "what was built", move || ok(&build))
        .get("/build/info", "the same", move || ok(&build_again))
        .get("/config", "every setting, where it was written, whether it is hot", move || {
            ok(&settings(&live))
        })
        .get("/configs", "every setting, by its name alone", move || ok(&values(&flat)))
        .get("/registry", "how its registrations and what it follows stand in the stores", || ok(&stores()))
        .get("/tasks", "the app's own tasks", move || ok(&states(&tasks)))
        .get("/log", "the level of the log", level::look)
        .add(Verb::PUT, "/log", "changes it: {\"level\": \"debug\", \"seconds\": 600}", level::put)
        .add(Verb::DELETE, "/log", "goes back to what is configured", level::take_back);
    profile::add_to(pages).listed(title.trim())
}

fn ok(value: &Json) -> Answer {
    Answer::json(StatusCode::OK, value)
}

/// Ready while the app and all that is said of its services is `SERVING`.
fn ready(health: &Health) -> Answer {
    let statuses = health.statuses();
    let is_well = |status: &ServingStatus| *status == ServingStatus::Serving;
    let ready = !statuses.is_empty() && statuses.values().all(is_well);
    let unwell: Vec<&str> =
        statuses.iter().filter(|(_, status)| !is_well(status)).map(|(name, _)| name.as_str()).collect();
    let services: BTreeMap<&str, &str> =
        statuses.iter().map(|(name, status)| (name.as_str(), status.as_str_name())).collect();
    let (code, status) = match ready {
        true => (StatusCode::OK, "SERVING"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "NOT_SERVING"),
    };
    let mut page = json!({ "status": status, "not_serving": unwell, "services": services });
    // Said beside it: an app whose registry is away still serves those who know it.
    let unregistered: Vec<String> = registry::stores()
        .into_iter()
        .filter(|state| !state.is_well && !state.id.is_empty())
        .map(|state| format!("{} in {}: {}", state.name, state.store, state.trouble))
        .collect();
    if !unregistered.is_empty() {
        page["not_registered"] = Json::from(unregistered);
    }
    Answer::json(code, &page)
}

/// Variables of the build are read when this crate is compiled; cargo compiles it again when they change.
fn build(name: String, version: String) -> Json {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    json!({
        "name": name,
        "version": version,
        "git": option_env!("JOVIAN_BUILD_GIT"),
        "time": option_env!("JOVIAN_BUILD_TIME"),
        "rustc": option_env!("JOVIAN_BUILD_RUSTC"),
        "runtime": env!("CARGO_PKG_VERSION"),
        "started_unix": since.map_or(0, |since| since.as_secs()),
        "pid": std::process::id(),
    })
}

fn settings(live: &Live) -> Json {
    let setting = |shown: super::live::Shown| {
        let mut setting = json!({ "value": shown.value, "from": shown.origin, "hot": shown.hot });
        if let Some(next) = shown.next {
            setting["at_next_start"] = next;
        }
        (shown.key, setting)
    };
    Json::Object(live.shown().into_iter().map(setting).collect())
}

fn values(live: &Live) -> Json {
    let values: Map<String, Json> = live.shown().into_iter().map(|shown| (shown.key, shown.value)).collect();
    Json::Object(values)
}

fn stores() -> Json {
    let state = |state: registry::StoreState| {
        let seconds = state.since.elapsed().unwrap_or_default().as_secs();
        json!({
            "store": state.store,
            "name": state.name,
            "id": state.id,
            "well": state.is_well,
            "trouble": state.trouble,
            "taken": state.taken,
            "for_seconds": seconds,
        })
    };
    registry::stores().into_iter().map(state).collect()
}

fn states(tasks: &Board) -> Json {
    let now = Instant::now();
    let state = |record: super::tasks::Record| {
        let seconds = now.saturating_duration_since(record.since).as_secs();
        json!({ "name": &*record.name, "state": record.state.as_str(), "for_seconds": seconds })
    };
    tasks.records().into_iter().map(state).collect()
}
