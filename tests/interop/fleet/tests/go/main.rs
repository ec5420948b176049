//! Unmodified programs on Go frameworks and generated Rust in one etcd, ZooKeeper or Nacos: each finds the others by what stands there, and calls
//! them. The programs are in `tests/interop/go`, the checks of their consumers among them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![cfg(unix)]

#[path = "../../../../../runtime/tests/support/etcd.rs"]
mod etcd;
#[path = "../../../../../runtime/tests/support/nacos.rs"]
mod nacos;
#[path = "../../../../../runtime/tests/support/zookeeper.rs"]
#[allow(dead_code, reason = "nothing fails here on purpose")]
mod zookeeper;
mod calls;
mod dubbo_go;
mod finder;
mod fleet;
mod go_zero;
mod juno;
mod jupiter;
mod kitex;
mod kratos;
mod leaving;
mod neighbours;
mod probe;
mod programs;
mod refused;
mod store;
mod why;
#[path = "../../../../support/why_case.rs"]
#[allow(dead_code, reason = "what the command is given is known by those who run it")]
mod why_case;
