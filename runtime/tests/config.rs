//! Configuration: what is read, what wins, and what a person is told who made a mistake.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use jovian_runtime::{
    AppConfig, ConnectionSection, Encoding, LayoutSection, LogFormat, RegistryKind, RuntimeKind,
};
use serde::Deserialize;

const FILE: &str = "config/app.toml";

fn variables(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn parse(text: &str, environment: &[(&str, &str)]) -> AppConfig {
    AppConfig::parse(FILE, text, variables(environment)).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str, environment: &[(&str, &str)]) -> String {
    AppConfig::parse(FILE, text, variables(environment)).expect_err("the configuration is wrong").to_string()
}

#[test]
fn an_empty_file_has_the_defaults() {
    let config = parse("", &[]);
    assert_eq!(config.app.name, "");
    assert_eq!(config.server.address, "127.0.0.1:9000");
    assert_eq!(config.server.max_message_bytes, 8 * 1024 * 1024);
    assert!(config.server.reflection);
    assert_eq!(config.registry.kind, RegistryKind::Memory);
    assert_eq!(config.registry.weight, 100);
    assert_eq!((config.log.level.as_str(), config.log.format), ("info", LogFormat::Text));
}

#[test]
fn a_file_says_everything() {
    let config = parse(
        r#"
        [app]
        name = "shop.order.orders"
        version = "1.4.2"
        zone = "eu-1a"
        metadata = { team = "orders" }
        [server]
        address = "0.0.0.0:7000"
        max_message_bytes = 1_024
        max_reply_bytes = 2_048
        compress = "gzip"
        max_deadline_ms = 0
        stop_wait_ms = 5
        drain_timeout_ms = 6
        reflection = false
        runtime = "per-core"
        [server.connection]
        max = 100
        max_age_ms = 60_000
        nodelay = false
        [registry]
        kind = "file"
        path = "run/registry"
        advertise = "orders.internal"
        weight = 7
        [registries.fleet]
        kind = "none"
        register = false
        endpoints = ["10.1.0.7:2379"]
        layouts = ["jupiter", "dubbo-tri"]
        [registries.fleet.options.jupiter]
        mode = "live"
        names = { "shop.order.orders" = "orders" }
        [registries.fleet.options.dubbo-tri]
        root = "fleet"
        both_names = false
        [log]
        level = "warn,orders=debug"
        format = "json"
        "#,
        &[],
    );
    assert_eq!(config.app.name, "shop.order.orders");
    assert_eq!(config.app.version, "1.4.2");
    assert_eq!(config.app.zone, "eu-1a");
    assert_eq!(config.app.metadata, BTreeMap::from([("team".to_owned(), "orders".to_owned())]));
    assert_eq!(config.server.address, "0.0.0.0:7000");
    assert_eq!(config.server.max_message_bytes, 1024);
    assert_eq!((config.server.max_reply_bytes, config.server.compress), (2048, Some(Encoding::Gzip)));
    assert_eq!(config.server.max_deadline(), None);
    assert_eq!(config.server.stop_wait().as_millis(), 5);
    assert_eq!(config.server.drain_timeout().as_millis(), 6);
    assert!(!config.server.reflection);
    assert_eq!(config.server.runtime, RuntimeKind::PerCore);
    let connection =
        ConnectionSection { max: 100, max_age_ms: 60_000, nodelay: false, ..ConnectionSection::default() };
    assert_eq!(config.server.connection, connection);
    assert_eq!(config.registry.kind, RegistryKind::File);
    assert_eq!(config.registry.path.as_deref(), Some(Path::new("run/registry")));
    assert_eq!(config.registry.advertise.as_deref(), Some("orders.internal"));
    assert_eq!(config.registry.weight, 7);
    let fleet = &config.registries["fleet"];
    assert_eq!((fleet.kind, fleet.register, fleet.discover), (RegistryKind::None, false, true));
    assert_eq!(fleet.members(), ["10.1.0.7:2379"]);
    let jupiter = LayoutSection {
        mode: Some("live".to_owned()),
        names: BTreeMap::from([("shop.order.orders".to_owned(), "orders".to_owned())]),
        ..LayoutSection::default()
    };
    let dubbo =
        LayoutSection { root: Some("fleet".to_owned()), both_names: Some(false), ..LayoutSection::default() };
    let chosen = [("dubbo-tri".to_owned(), dubbo), ("jupiter".to_owned(), jupiter)];
    assert_eq!(fleet.options, BTreeMap::from(chosen));
    assert_eq!(config.log.level, "warn,orders=debug");
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn the_environment_wins_and_takes_the_type_of_the_setting() {
    let config = parse(
        "[server]\naddress = \"127.0.0.1:1\"\n",
        &[
            ("JOVIAN_SERVER__ADDRESS", "0.0.0.0:2"),
            ("JOVIAN_SERVER__MAX_MESSAGE_BYTES", "2048"),
            ("JOVIAN_SERVER__REFLECTION", "false"),
            ("JOVIAN_REGISTRY__KIND", "none"),
            ("JOVIAN_REGISTRY__ADVERTISE", "10.0.0.1:3"),
            ("JOVIAN_REGISTRIES__FLEET__DISCOVER", "false"),
            // A version is a string, also if it looks like a number.
            ("JOVIAN_APP__VERSION", "2"),
            ("JOVIAN_APP__METADATA__TEAM", "orders"),
            ("JOVIAN_CLIENT__BALANCING__SUBSET_ID", "3"),
            ("JOVIAN_LOG__LEVEL", "debug"),
            // These are no settings.
            ("JOVIAN_CONFIG", "elsewhere.toml"),
            ("SERVER__ADDRESS", "0.0.0.0:4"),
        ],
    );
    assert_eq!(config.server.address, "0.0.0.0:2");
    assert_eq!(config.server.max_message_bytes, 2048);
    assert!(!config.server.reflection);
    assert_eq!(config.registry.kind, RegistryKind::None);
    assert_eq!(config.client.balancing.subset_id, Some(3));
    assert_eq!(config.registry.advertise.as_deref(), Some("10.0.0.1:3"));
    assert!(!config.registries["fleet"].discover);
    assert_eq!(config.app.version, "2");
    assert_eq!(config.app.metadata["team"], "orders");
    assert_eq!(config.log.level, "debug");
}

const POLICY: &str = "`timeout_ms`, `open_timeout_ms`, `idle_timeout_ms`, `max_request_bytes`, `max_reply_bytes`, \
                      `compress`, `in_flight`, `callers`, `access_log`, `slow_log_ms`, `metrics`, `trace`";

const REGISTRY: &str = "`kind`, `register`, `discover`, `path`, `endpoints`, `user`, `password`, `tls`, `ttl_ms`, \
                        `layouts`, `options`, `nacos`, `discovery`, `empty_protection`, `advertise`, `weight`";

/// What is wrong, and what is said about it.
#[test]
fn mistakes_are_named_by_key_and_place() {
    let known = "`address`, `max_message_bytes`, `max_reply_bytes`, `compress`, `max_deadline_ms`, `stop_wait_ms`, \
                 `drain_timeout_ms`, `reflection`, `runtime`, `connection`, `max_in_flight`, `policy`, `methods`, `services`, `tls`";
    for (text, environment, expected) in [
        (
            "# my app\n[app]\nname = \"orders\"\n\n[server]\n\nadress = \"0.0.0.0:9000\"\n",
            &[][..],
            format!("config/app.toml:7:1: unknown key `server.adress`; known keys of [server]: {known}"),
        ),
        (
            "",
            &[("JOVIAN_SERVER__ADRESS", "x")],
            format!(
                "environment variable JOVIAN_SERVER__ADRESS: unknown key `server.adress`; known keys of [server]: {known}"
            ),
        ),
        (
            "server.address = 'a:1'\nserver . adress = 'b:1'\n",
            &[],
            format!("config/app.toml:2:10: unknown key `server.adress`; known keys of [server]: {known}"),
        ),
        (
            "[sever]\naddress = \"0.0.0.0:9000\"\n",
            &[],
            "config/app.toml:1:2: unknown section `sever`; known sections: `app`, `server`, `client`, `registry`, `registries`, `log`, `governor`, `custom`"
                .to_owned(),
        ),
        (
            "",
            &[("JOVIAN_SEVER__ADDRESS", "x")],
            "environment variable JOVIAN_SEVER__ADDRESS: unknown section `sever`; known sections: `app`, `server`, `client`, `registry`, `registries`, `log`, `governor`, `custom`"
                .to_owned(),
        ),
        (
            "[server]\n  max_message_bytes = \"8 MiB\"\n",
            &[],
            "config/app.toml:2:23: `server.max_message_bytes`: expected usize, found string \"8 MiB\"".to_owned(),
        ),
        (
            "[server.connection]\nmax_streams = 0\n",
            &[],
            "config/app.toml:1:1: `server.connection`: `max_streams` of [server.connection] has to be 1 to 2147483647, not 0"
                .to_owned(),
        ),
        (
            "",
            &[("JOVIAN_SERVER__CONNECTION__BACKLOG", "many")],
            "environment variable JOVIAN_SERVER__CONNECTION__BACKLOG: `server.connection.backlog`: expected u32, found string \"many\""
                .to_owned(),
        ),
        (
            "server = { max_deadline_ms = -1 }",
            &[],
            "config/app.toml:1:30: `server.max_deadline_ms`: expected u64, found integer `-1`".to_owned(),
        ),
        (
            "",
            &[("JOVIAN_SERVER__STOP_WAIT_MS", "5s")],
            "environment variable JOVIAN_SERVER__STOP_WAIT_MS: `server.stop_wait_ms`: expected u64, found string \"5s\""
                .to_owned(),
        ),
        (
            "",
            &[("JOVIAN_SERVER__ADDRESS__PORT", "80")],
            "environment variable JOVIAN_SERVER__ADDRESS__PORT: `server.address`: expected a string, found map".to_owned(),
        ),
        (
            "[app.metadata]\nteam = 7\n",
            &[],
            "config/app.toml:2:8: `app.metadata.team`: expected a string, found integer `7`".to_owned(),
        ),
        (
            "server = 1",
            &[],
            "config/app.toml:1:10: `server`: expected a table, found integer `1`".to_owned(),
        ),
        (
            "[registry]\nkind = \"zookeper\"\n",
            &[],
            "config/app.toml:2:8: `registry.kind`: unknown variant `zookeper`, expected one of `memory`, `file`, `etcd`, `zookeeper`, `nacos`, `discovery`, `none`".to_owned(),
        ),
        #[cfg(not(feature = "zookeeper"))]
        (
            "[registry]\nkind = \"zookeeper\"\n",
            &[],
            "config/app.toml:2:8: `registry.kind`: `zookeeper` needs the feature `zookeeper` of the crate `jovian-runtime`".to_owned(),
        ),
        #[cfg(feature = "zookeeper")]
        (
            "[registry]\nkind = \"zookeeper\"\nlayouts = [\"kitex\"]\n",
            &[],
            "config/app.toml:3:11: `registry.layouts`: the layout `kitex` is for etcd alone".to_owned(),
        ),
        #[cfg(feature = "zookeeper")]
        (
            "[registry]\nkind = \"zookeeper\"\ntls = { ca = \"ca.pem\" }\n",
            &[],
            "config/app.toml:3:7: `registry.tls`: connections to the kind `zookeeper` are not encrypted".to_owned(),
        ),
        #[cfg(not(feature = "nacos"))]
        (
            "[registry]\nkind = \"nacos\"\n",
            &[],
            "config/app.toml:2:8: `registry.kind`: `nacos` needs the feature `nacos` of the crate `jovian-runtime`".to_owned(),
        ),
        #[cfg(feature = "nacos")]
        (
            "[registry]\nkind = \"nacos\"\nlayouts = [\"dubbo-grpc\"]\n",
            &[],
            "config/app.toml:3:11: `registry.layouts`: there is no layout `dubbo-grpc` in Nacos; there are dubbo-tri, dubbo-app, kratos".to_owned(),
        ),
        #[cfg(feature = "nacos")]
        (
            "[registry]\nkind = \"nacos\"\n[registry.nacos]\nnamespaces = \"live\"\n",
            &[],
            "config/app.toml:4:1: unknown key `registry.nacos.namespaces`; known keys of [registry.nacos]: `namespace`, `group`, `cluster`".to_owned(),
        ),
        #[cfg(feature = "nacos")]
        (
            "[registry]\nkind = \"nacos\"\n[registry.options.dubbo-tri]\nroot = \"fleet\"\n",
            &[],
            "config/app.toml:4:8: `registry.options.dubbo-tri.root`: means nothing to the layout `dubbo-tri` in `nacos`".to_owned(),
        ),
        (
            "[registry]\nnacos = { namespace = \"live\" }\n",
            &[],
            "config/app.toml:2:9: `registry.nacos`: is for the kind `nacos`".to_owned(),
        ),
        (
            "[registry]\ndiscovery = { env = \"live\" }\n",
            &[],
            "config/app.toml:2:13: `registry.discovery`: is for the kind `discovery`".to_owned(),
        ),
        #[cfg(not(feature = "discovery"))]
        (
            "[registry]\nkind = \"discovery\"\n",
            &[],
            "config/app.toml:2:8: `registry.kind`: `discovery` needs the feature `discovery` of the crate `jovian-runtime`".to_owned(),
        ),
        #[cfg(feature = "discovery")]
        (
            "[registry]\nkind = \"discovery\"\nlayouts = [\"kratos\"]\n",
            &[],
            "config/app.toml:3:11: `registry.layouts`: there is no layout `kratos` in discovery; there is `discovery`".to_owned(),
        ),
        #[cfg(feature = "discovery")]
        (
            "[registry]\nkind = \"discovery\"\nuser = \"me\"\n",
            &[],
            "config/app.toml:3:8: `registry.user`: the kind `discovery` knows no users".to_owned(),
        ),
        #[cfg(not(feature = "etcd"))]
        (
            "[registry]\nkind = \"etcd\"\n",
            &[],
            "config/app.toml:2:8: `registry.kind`: `etcd` needs the feature `etcd` of the crate `jovian-runtime`".to_owned(),
        ),
        (
            "[registry]\nlayouts = [\"jupitr\"]\n",
            &[],
            format!(
                "config/app.toml:2:11: `registry.layouts`: there is no layout `jupitr`; there are {}",
                jovian_runtime::registry::layout::NAMES.join(", ")
            ),
        ),
        (
            "[registries.old]\nlayouts = [\"kratos\"]\noptions = { jupiter = { mode = \"live\" } }\n",
            &[],
            "config/app.toml:3:23: `registries.old.options.jupiter`: is for a layout that is not spoken there; spoken are: `kratos`"
                .to_owned(),
        ),
        (
            "[registry]\nlayouts = [\"kratos\"]\n[registry.options.kratos]\nmode = \"live\"\n",
            &[],
            "config/app.toml:4:8: `registry.options.kratos.mode`: means nothing to the layout `kratos`".to_owned(),
        ),
        (
            "[registries.old]\nkind = \"file\"\nregistre = false\n",
            &[],
            format!("config/app.toml:3:1: unknown key `registries.old.registre`; known keys of [registries.old]: {REGISTRY}"),
        ),
        (
            "[registry]\nttl_ms = 15\n",
            &[],
            "config/app.toml:2:10: `registry.ttl_ms`: at least 1000, a second".to_owned(),
        ),
        (
            "[log]\nlevel = \"loud\"\n",
            &[],
            "config/app.toml:2:9: `log.level`: `loud` is no log level: `loud` is not `off`, `error`, `warn`, `info`, `debug` or `trace`".to_owned(),
        ),
        (
            "[log]\nlevel = \"info,orders=loud\"\n",
            &[],
            "config/app.toml:2:9: `log.level`: `info,orders=loud` is no log level: error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5".to_owned(),
        ),
        (
            "",
            &[("JOVIAN_SERVER____ADDRESS", "x")],
            "environment variable JOVIAN_SERVER____ADDRESS: a key between two `__` is empty".to_owned(),
        ),
        ("[server]\naddress = \n", &[], "config/app.toml:2:11: string values must be quoted, expected literal string".to_owned()),
        (
            "[server.methods.\"shop.Orders/Get\"]\ntimeout = 3\n",
            &[],
            format!(
                "config/app.toml:2:1: unknown key `server.methods.shop.Orders/Get.timeout`; known keys of \
                 [server.methods.shop.Orders/Get]: {POLICY}"
            ),
        ),
        (
            "[server.policy]\naccess_log = 2\n",
            &[],
            "config/app.toml:2:14: `server.policy.access_log`: `2` is no share of all calls: write a number from 0 to 1"
                .to_owned(),
        ),
        (
            "[server.policy]\ncompress = \"lzw\"\n",
            &[],
            format!(
                "config/app.toml:2:12: `server.policy.compress`: `lzw` compresses nothing here: write {} or `none`",
                if cfg!(feature = "zstd") { "`gzip`, `zstd`" } else { "`gzip`" }
            ),
        ),
        (
            "[client.policy]\nretry = { attempts = 0 }\n",
            &[],
            "config/app.toml:2:22: `client.policy.retry.attempts`: 0 attempts are no call; write 1 to turn retries off"
                .to_owned(),
        ),
        (
            "[client.methods.\"a.B\".retry]\ncodes = [\"UNAVAILABLE\", \"OK\"]\n",
            &[],
            "config/app.toml:2:9: `client.methods.a.B.retry.codes`: `OK` is no code of a failure, such as `UNAVAILABLE`"
                .to_owned(),
        ),
        (
            "[client.balancing]\nhash_header = \"a b\"\n",
            &[],
            "config/app.toml:2:15: `client.balancing.hash_header`: `a b` is no name of metadata".to_owned(),
        ),
        (
            "[client.services.\"a.B\".balancing]\nprefer_percent = 101\n",
            &[],
            "config/app.toml:2:18: `client.services.a.B.balancing.prefer_percent`: `101` is more than all: write 0 to 100"
                .to_owned(),
        ),
        ("[server]\nreflection = true\nreflection = true\n", &[], "config/app.toml:3:1: duplicate key".to_owned()),
        (
            "[server]\nmax_deadline_ms = 99999999999999999999\n",
            &[],
            "config/app.toml:2:19: `99999999999999999999` does not fit 64 bits".to_owned(),
        ),
    ] {
        assert_eq!(error(text, environment), expected, "of {text:?} {environment:?}");
    }
}

#[test]
fn an_error_gives_the_key_to_programs() {
    let error = AppConfig::parse(FILE, "[server]\nadress = 1\n", []).expect_err("unknown");
    assert_eq!(error.key(), Some("server.adress"));
    let error = AppConfig::parse(FILE, "[server\n", []).expect_err("no TOML");
    assert_eq!(error.key(), None);
}

#[derive(Debug, Deserialize, PartialEq)]
struct Shop {
    warehouse: String,
    #[serde(default)]
    limits: BTreeMap<String, u32>,
    #[serde(default)]
    colours: Vec<String>,
    delivery: Option<Delivery>,
    #[serde(default)]
    express: Express,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Delivery {
    Collect,
    Van { seats: u8 },
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Express {
    ratio: f64,
    note: Option<String>,
}

#[test]
fn custom_settings_are_read_into_the_apps_own_type() {
    let text = r#"
        [custom]
        warehouse = "north"
        limits = { small = 1, Large = 0x10 }
        colours = ["red"]
        delivery = { van = { seats = 2 } }
        [custom.express]
        ratio = 2
    "#;
    let shop: Shop = parse(text, &[]).custom().unwrap();
    assert_eq!(
        shop,
        Shop {
            warehouse: "north".to_owned(),
            limits: BTreeMap::from([("small".to_owned(), 1), ("Large".to_owned(), 16)]),
            colours: vec!["red".to_owned()],
            delivery: Some(Delivery::Van { seats: 2 }),
            express: Express { ratio: 2.0, note: None },
        }
    );

    let environment = [
        ("JOVIAN_CUSTOM__WAREHOUSE", "17"),
        ("JOVIAN_CUSTOM__LIMITS__LARGE", "20"),
        ("JOVIAN_CUSTOM__COLOURS", "[\"green\", \"blue\"]"),
        ("JOVIAN_CUSTOM__DELIVERY", "collect"),
        ("JOVIAN_CUSTOM__EXPRESS", "{ ratio = 0.5, note = \"soon\" }"),
    ];
    let shop: Shop = parse(text, &environment).custom().unwrap();
    assert_eq!(
        shop,
        Shop {
            warehouse: "17".to_owned(),
            limits: BTreeMap::from([("small".to_owned(), 1), ("Large".to_owned(), 20)]),
            colours: vec!["green".to_owned(), "blue".to_owned()],
            delivery: Some(Delivery::Collect),
            express: Express { ratio: 0.5, note: Some("soon".to_owned()) },
        }
    );
}

#[test]
fn mistakes_in_custom_settings_are_named_too() {
    for (text, environment, expected) in [
        ("", &[][..], "`custom`: key `warehouse` is missing"),
        ("[custom]\ncolours = []\n", &[], "config/app.toml:1:1: `custom`: key `warehouse` is missing"),
        (
            "[custom]\nwarehouse = 'n'\ncolours = ['red', 7]\n",
            &[],
            "config/app.toml:3:19: `custom.colours[1]`: expected a string, found integer `7`",
        ),
        (
            "[custom]\nwarehouse = 'n'\nwharehouse = 's'\n",
            &[],
            "config/app.toml:3:1: unknown key `custom.wharehouse`; known keys of [custom]: `warehouse`, `limits`, `colours`, `delivery`, `express`",
        ),
        (
            "[custom]\nwarehouse = 'n'\ndelivery = { van = { seats = 300 } }\n",
            &[],
            "config/app.toml:3:30: `custom.delivery.van.seats`: expected u8, found integer `300`",
        ),
        (
            "[custom]\nwarehouse = 'n'\n",
            &[("JOVIAN_CUSTOM__EXPRESS", "{ ratios = 1 }")],
            "environment variable JOVIAN_CUSTOM__EXPRESS: unknown key `custom.express.ratios`; known keys of [custom.express]: `ratio`, `note`",
        ),
    ] {
        let error = parse(text, environment).custom::<Shop>().expect_err("the settings are wrong");
        assert_eq!(error.to_string(), expected, "of {text:?} {environment:?}");
    }
}

/// Set in the processes that the test below is for.
const CHILD: &str = "CONFIG_TEST_CHILD";
/// The flags of such a process.
const FLAGS: &str = "CONFIG_TEST_FLAGS";

/// Runs the test below in a process of its own, whose environment and directory can be chosen.
fn load_in_child(directory: &std::path::Path, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_loads_and_prints", "--nocapture"])
        .env(CHILD, "yes")
        .current_dir(directory)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = printed.lines().find_map(|line| line.split_once("loaded: "));
    line.unwrap_or_else(|| panic!("{printed}")).1.to_owned()
}

#[test]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn child_loads_and_prints() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let flags = std::env::var(FLAGS).unwrap_or_default();
    let loaded = match flags.as_str() {
        "" => AppConfig::load(),
        flags => AppConfig::from_args(flags.split(' ').map(OsString::from)),
    };
    match loaded {
        Ok(config) => println!("loaded: {}", config.app.name),
        Err(error) => println!(
            "loaded: {error}{}",
            error.source().map(|source| format!(": {source}")).unwrap_or_default()
        ),
    }
}

#[test]
fn the_file_is_the_named_one_or_the_usual_one_or_none() {
    let directory = std::env::temp_dir().join(format!("jovian-config-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("config")).unwrap();
    assert_eq!(load_in_child(&directory, &[]), "");

    std::fs::write(directory.join(FILE), "[app]\nname = \"usual\"\n").unwrap();
    assert_eq!(load_in_child(&directory, &[]), "usual");
    assert_eq!(load_in_child(&directory, &[("JOVIAN_APP__NAME", "set")]), "set");

    std::fs::write(directory.join("other.toml"), "[app]\nname = \"other\"\n").unwrap();
    assert_eq!(load_in_child(&directory, &[("JOVIAN_CONFIG", "other.toml")]), "other");
    assert_eq!(
        load_in_child(&directory, &[("JOVIAN_CONFIG", "missing.toml")]),
        "cannot read `missing.toml`, the configuration file that the variable JOVIAN_CONFIG names: No such file or directory (os error 2)"
    );
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file_which_wins_over_the_default() {
    let directory = std::env::temp_dir().join(format!("jovian-flags-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("config")).unwrap();
    let load = |flags: &str, environment: &[(&str, &str)]| {
        load_in_child(&directory, &[&[(FLAGS, flags)], environment].concat())
    };
    let (environment, flag) = ([("JOVIAN_APP__NAME", "by-environment")], "--set app.name=by-flag");
    assert_eq!(load("", &[]), "", "the default");
    std::fs::write(directory.join(FILE), "[app]\nname = \"by-file\"\n").unwrap();
    assert_eq!(load("", &[]), "by-file");
    assert_eq!(load("", &environment), "by-environment");
    assert_eq!(load(flag, &environment), "by-flag");
    assert_eq!(load(&format!("{flag} --set=app.name=a=b"), &environment), "a=b", "the last one counts");

    std::fs::write(directory.join("other.toml"), "[app]\nname = \"other\"\n").unwrap();
    std::fs::write(directory.join("third.toml"), "[app]\nname = \"third\"\n").unwrap();
    let variable = [("JOVIAN_CONFIG", "other.toml")];
    assert_eq!(load("--config third.toml", &variable), "third");
    assert_eq!(load("--config=third.toml", &[]), "third");
    for (flags, expected) in [
        (
            "--config missing.toml",
            "cannot read `missing.toml`, the configuration file that the flag --config names: No such file or directory (os error 2)",
        ),
        ("--port 80", "unknown flag `--port`; known flags: `--config FILE`, `--set KEY=VALUE`"),
        ("--set", "`--set` has no value; known flags: `--config FILE`, `--set KEY=VALUE`"),
        ("--set app.name", "`--set` takes `KEY=VALUE`, such as `server.address=0.0.0.0:9000`"),
        ("--set app..name=x", "flag --set app..name: is no key, such as `server.address`"),
        (
            "--set server.stop_wait_ms=soon",
            "flag --set server.stop_wait_ms: `server.stop_wait_ms`: expected u64, found string \"soon\"",
        ),
        (
            "--set sever.address=x",
            "flag --set sever.address: unknown section `sever`; known sections: `app`, `server`, `client`, `registry`, `registries`, `log`, `governor`, `custom`",
        ),
        (
            "--set custom.\"a.b\".c=1 --set log.level=loud",
            "flag --set log.level: `log.level`: `loud` is no log level: `loud` is not `off`, `error`, `warn`, `info`, `debug` or `trace`",
        ),
    ] {
        assert_eq!(load(flags, &[]), expected, "of {flags}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
