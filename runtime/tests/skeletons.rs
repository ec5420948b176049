//! The configurations of new projects that are found in a store: they are read, and so are the settings that they offer in
//! comments.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(all(feature = "etcd", feature = "zookeeper", feature = "nacos", feature = "tls"))]

use jovian_runtime::{AppConfig, RegistryKind};

const ETCD: &str = include_str!("../../tests/skeletons/etcd/config/app.toml");

const ZOOKEEPER: &str = include_str!("../../tests/skeletons/zookeeper/config/app.toml");

const NACOS: &str = include_str!("../../tests/skeletons/nacos/config/app.toml");

/// The text with what it offers: `# weight = 100`, `# [registry.tls]`.
fn with_all_that_is_offered(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(offer) if offer.starts_with('[') || is_setting(offer) => format!("{offer}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn is_setting(text: &str) -> bool {
    let key = text.split_once(" = ").map(|(key, _)| key);
    key.is_some_and(|key| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

fn parse(text: &str) -> AppConfig {
    AppConfig::parse("config/app.toml", text, []).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn etcd() {
    let config = parse(ETCD);
    assert_eq!(config.registry.kind, RegistryKind::Etcd);
    assert_eq!(config.registry.layouts, ["jupiter", "dubbo-tri", "dubbo-app", "kitex"]);
    assert_eq!(config.registry.advertise, None);
    assert_eq!(config.server.stop_wait_ms, 6_000, "Kitex looks every 5 seconds");

    let offered = parse(&with_all_that_is_offered(ETCD)).registry;
    assert_eq!(offered.advertise.as_deref(), Some("orders.internal:9000"));
    assert_eq!(offered.user.as_deref(), Some("orders"));
    assert!(offered.empty_protection && offered.tls.is_some());
    // What is usual is what the comments say.
    assert_eq!((offered.ttl_ms, offered.weight), (config.registry.ttl_ms, config.registry.weight));
}

#[test]
fn zookeeper() {
    let config = parse(ZOOKEEPER);
    assert_eq!(config.registry.kind, RegistryKind::ZooKeeper);
    assert_eq!(config.registry.layouts, ["dubbo-tri", "dubbo-app"]);

    let offered = parse(&with_all_that_is_offered(ZOOKEEPER)).registry;
    assert!(offered.advertise.is_some() && offered.user.is_some() && offered.empty_protection);
    assert_eq!((offered.ttl_ms, offered.weight), (config.registry.ttl_ms, config.registry.weight));
}

#[test]
fn nacos() {
    let config = parse(NACOS);
    assert_eq!(config.registry.kind, RegistryKind::Nacos);
    assert_eq!(config.registry.layouts, ["dubbo-tri", "dubbo-app", "kratos"]);

    let offered = parse(&with_all_that_is_offered(NACOS)).registry;
    assert!(offered.advertise.is_some() && offered.user.is_some() && offered.empty_protection);
    assert_eq!(offered.weight, config.registry.weight);
    let place = offered.nacos.unwrap();
    assert_eq!(
        (place.namespace.as_deref(), place.group.as_deref(), place.cluster.as_deref()),
        (Some("public"), Some("DEFAULT_GROUP"), Some("DEFAULT"))
    );
}
