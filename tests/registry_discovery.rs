//! `jovian registry` over a real discovery of bilibili.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant as Moment};

use jovian_runtime::registry::layout::{Discovery, Options};
use jovian_runtime::registry::{DiscoveryOptions, DiscoveryRegistry, Instance, Registry as _};
use serde_json::Value;
use tokio::runtime::Runtime;

#[allow(dead_code, reason = "the runtime's own tests use the rest")]
#[path = "../runtime/tests/support/bilibili.rs"]
mod node;
mod support;
#[path = "support/tool.rs"]
mod tool;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/why_case.rs"]
mod why_case;
use node::Node;
use support::root;
use tool::{APP, PATIENCE, Watch, command, registry, stderr, stdout};

/// Shorter than usual, so that instances are renewed while a test looks at them.
const RENEWAL: Duration = Duration::from_millis(500);

fn ours(node: &Node, env: &str) -> DiscoveryRegistry {
    let layout = Discovery::new(&Options::default(), env, "sh001");
    DiscoveryRegistry::new(DiscoveryOptions::at([node.address().to_string()], layout).renewal(RENEWAL))
}

fn target(node: &Node) -> String {
    format!("discovery://{}", node.address())
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Says something to the node, as another client would.
fn post(node: &Node, path: &str, form: &[(&str, &str)]) {
    let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let request = format!(
        "POST /discovery/{path}?{} HTTP/1.0\r\nhost: node\r\ncontent-length: 0\r\n\r\n",
        form.join("&")
    );
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"code\":0"), "{answer}");
}

fn register(node: &Node, instance: &Value) {
    let text = |name: &str| instance[name].as_str().unwrap();
    let (status, metadata) = (instance["status"].to_string(), instance["metadata"].to_string());
    let mut form: Vec<(&str, &str)> =
        ["region", "zone", "env", "appid", "hostname", "version"].map(|name| (name, text(name))).into();
    form.extend([("status", status.as_str()), ("metadata", &metadata)]);
    form.extend(
        instance["addrs"].as_array().unwrap().iter().map(|address| ("addrs", address.as_str().unwrap())),
    );
    post(node, "register", &form);
}

#[test]
fn everything_in_a_discovery_is_listed_and_followed() {
    let Some(node) = Node::start("tool") else { return };
    let (target, runtime) = (target(&node), Runtime::new().unwrap());
    // The node is an app, too, and speaks no gRPC.
    let alone = stdout(&registry(&["ls", &target]));
    assert_eq!(alone, format!("{target}\n\nno instances\n\n1 more key stands for no instance\n"));
    let apps = |target: &str| stdout(&registry(&["ls", target, "--prefix", "shop."]));
    let (dev, prod) = (ours(&node, "dev"), ours(&node, "prod"));
    let held = |registry: &DiscoveryRegistry, address: &str| {
        let weighted = Instance { weight: 30, ..Instance::new(APP, address) };
        runtime.block_on(registry.register(weighted)).unwrap()
    };
    let (first, _other) = (held(&dev, "10.0.0.7:9000"), held(&prod, "10.0.0.9:9000"));
    let line = |address: &str, zone: &str| format!("    {address}   weight 30, zone {zone}\n");
    let expected =
        |target: &str, address: &str| format!("{target}\n\ndiscovery\n  {APP}\n{}", line(address, "sh001"));
    assert_eq!(apps(&target), expected(&target, "10.0.0.7:9000"));
    let other = format!("{target}/prod");
    assert_eq!(apps(&other), expected(&other, "10.0.0.9:9000"));
    let key = format!("{APP}/sh001/10.0.0.7:9000");
    let text = stdout(&registry(&["get", &target, &key]));
    assert!(text.starts_with(&format!("{key}   goes with its process\n")), "{text}");

    let mut watch = Watch::start(&["watch", &target, APP]);
    let shown = |event: &str, address: &str| {
        format!("{event:<8} discovery  {APP}   {address}   weight 30, zone sh001")
    };
    assert_eq!(watch.line(), shown("is", "10.0.0.7:9000"));
    // Renewals are no changes.
    std::thread::sleep(4 * RENEWAL);
    let second = held(&dev, "10.0.0.8:9000");
    assert_eq!(watch.line(), shown("new", "10.0.0.8:9000"));
    let set = [("region", ""), ("zone", "sh001"), ("env", "dev"), ("appid", APP)];
    post(&node, "set", &[&set[..], &[("hostname", "10.0.0.8:9000"), ("status", "2")]].concat());
    assert_eq!(watch.line(), shown("changed", "10.0.0.8:9000") + ", out of use");
    runtime.block_on(second.deregister()).unwrap();
    assert_eq!(watch.line(), shown("gone", "10.0.0.8:9000") + ", out of use");
    assert_eq!(watch.interrupt(), Some(0));
    runtime.block_on(first.deregister()).unwrap();
}

/// A discovery that is away, and an environment that nobody is in, are told within seconds.
#[test]
fn what_is_not_there_is_named() {
    let Some(mut node) = Node::start("tool-away") else { return };
    let (target, runtime) = (target(&node), Runtime::new().unwrap());
    let _held = runtime.block_on(ours(&node, "dev").register(Instance::new(APP, "10.0.0.7:9000"))).unwrap();
    let all = |target: &str, said: &str| {
        for arguments in [
            &["ls", target][..],
            &["get", target, APP],
            &["watch", target],
            &["why", "--consumer", "kratos", target, APP],
        ] {
            let begun = Moment::now();
            let run = registry(arguments);
            assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", stderr(&run));
            assert!(stderr(&run).contains(said), "{}", stderr(&run));
            assert!(begun.elapsed() < PATIENCE / 3, "{:?}", begun.elapsed());
        }
    };
    let none = format!("{target}/none");
    all(&none, &format!("`{none}` is not there: there is nothing in the environment `none`"));
    for arguments in [
        &["ls", &target, "--user", "me", "--password", "word"][..],
        &["why", "--consumer", "dubbo-java", &target, APP],
    ] {
        let run = registry(arguments);
        assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    }
    node.kill();
    all(&target, &format!("`{target}` does not answer"));
}

/// The records of every case of `why` for discovery, in a real one, give what they give from a file.
#[test]
fn a_real_discovery_gives_the_same_reasons() {
    let Some(mut node) = Node::start("tool-why") else { return };
    let mut cases = 0;
    for case in why_case::all(&root().join("tests/why")).iter().filter(|case| case.store == "discovery") {
        cases += 1;
        node.kill();
        node.resume();
        for (_, value) in &case.records {
            register(&node, &serde_json::from_str(value).unwrap());
        }
        let arguments = case.arguments(&target(&node));
        let run = command(&["why"]).args(arguments).current_dir(&case.folder).output().unwrap();
        let text = String::from_utf8_lossy(&run.stdout);
        assert_eq!(text, case.expected(), "{}: {}", case.folder.display(), stderr(&run));
    }
    assert!(cases >= 3, "{cases}");
}
