//! Unmodified Dubbo for Java and generated Rust: each finds the other by what stands in a registry, and calls it. The programs are
//! in `tests/interop/java`, the checks of their consumers among them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

#[path = "../../../../../runtime/tests/support/etcd.rs"]
mod etcd;
#[path = "../../../fleet/tests/go/programs.rs"]
#[allow(dead_code, reason = "it provides nothing here")]
mod go;
#[path = "../../../fleet/tests/go/probe.rs"]
#[allow(dead_code, reason = "nobody asks here who called")]
mod probe;
#[path = "../../../../../runtime/tests/support/nacos.rs"]
mod nacos_server;
#[path = "../../../../../runtime/tests/support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "every test has its own use for it")]
mod process;
#[path = "../../../../../runtime/tests/support/zookeeper.rs"]
#[allow(dead_code, reason = "nothing fails here on purpose")]
mod server;
#[path = "../../../../support/why_case.rs"]
#[allow(dead_code, reason = "what is said of a case is tested elsewhere")]
mod why_case;
mod answers;
mod calls;
mod direct;
mod finder;
mod fleet;
mod greeter;
mod jupiter;
mod leaving;
mod legacy;
mod metadata;
mod nacos;
mod programs;
mod relay;
mod versions;
mod why;
mod zookeeper;
