//! Unix sockets: a server behind a file.

#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jovian_runtime::registry::{MemoryRegistry, Registry as _, Wanted};
use jovian_runtime::{App, AppConfig, Listener, Server};
use support::raw::Raw;
use support::{OrdersServer, Shop, get, soon};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

const GET: &str = "/shop.orders.v1.Orders/GetOrder";

/// A path that is free, and short enough for a socket.
fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("jovian-{}-{name}.sock", std::process::id()));
    let _ = fs::remove_file(&path);
    path
}

fn url(path: &std::path::Path) -> String {
    format!("unix:{}", path.display())
}

async fn call(path: &std::path::Path) {
    let mut raw = Raw::over(UnixStream::connect(path).await.unwrap()).await;
    let reply = soon(raw.unary(GET, get("7"), &[])).await.unwrap();
    assert_eq!(reply.id, "7");
}

#[tokio::test]
async fn a_server_answers_at_a_socket_and_removes_its_file() {
    let path = path("answers");
    for address in [url(&path), format!("unix://{}", path.display())] {
        let listener = Listener::bind(&address).await.unwrap();
        assert_eq!(listener.address().unwrap().to_string(), url(&path));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let server = Server::new().add(OrdersServer::new(Shop::default()));
            server.serve(listener, async { drop(stopped.await) }, Duration::from_secs(5)).await.unwrap()
        });
        call(&path).await;
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
        drop(stop);
        assert_eq!(soon(served).await.unwrap(), 0);
        assert!(!path.exists(), "it is cleaned up");
    }
}

#[tokio::test]
async fn a_socket_is_replaced_only_when_nobody_listens() {
    let path = path("replaced");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "the system leaves it");
    let first = Listener::bind(&url(&path)).await.unwrap();
    let error = Listener::bind(&url(&path)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    UnixStream::connect(&path).await.unwrap();
    let left: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(path.file_name().unwrap().to_str().unwrap()))
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");

    // A file that somebody has put there meanwhile is not ours to remove.
    fs::remove_file(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    drop(first);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    let error = Listener::bind(&url(&path)).await.unwrap_err();
    assert_eq!(error.to_string(), "there is a file that is no socket");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn an_app_listens_at_a_socket_and_registers_it() {
    let path = path("app");
    let mut config = AppConfig::default();
    config.server.address = url(&path);
    config.server.stop_wait_ms = 0;
    let registry = MemoryRegistry::new();
    let app = App::new(config).with_registry(Arc::new(registry.clone()));
    let running = app.serve(OrdersServer::new(Shop::default())).start().await.unwrap();
    assert_eq!(running.address().to_string(), url(&path));
    assert_eq!(registry.watch(&Wanted::app("shop.order.orders")).borrow()[0].address, url(&path));
    call(&path).await;
    soon(running.stop()).await.unwrap();
    assert!(!path.exists());
}
