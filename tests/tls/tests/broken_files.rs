//! Certificates that change into what cannot be used. Alone in its file, because it reads the log of the process.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "../../../runtime/tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jovian_runtime::{Server, TlsSection};
use jovian_tests_tls::{Authority, Identity, LOCALHOST, connector, encrypted, secret};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use support::{OrdersServer, Running, Shop, eventually};
use tokio::time::sleep;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn new_files_that_cannot_be_used_leave_the_old_ones_in_place_and_are_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();

    let authority = Authority::new();
    let (first, second) = (authority.issue(LOCALHOST), authority.issue(LOCALHOST));
    let secret = secret(&authority, &first);
    let mut tls = TlsSection::new(secret.path("cert.pem"), secret.path("key.pem"));
    tls.reload_ms = 20.try_into().unwrap();
    let running = Running::start(Server::new().add(OrdersServer::new(Shop::default())).tls(tls)).await;
    let connector = connector(&authority, None);
    let shown = || async {
        let stream = encrypted(running.address, &connector).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let is = |identity: &Identity| CertificateDer::from_pem_slice(identity.cert.as_bytes()).unwrap();

    assert_eq!(shown().await, is(&first));
    for (cert, key, why) in [
        ("nothing", first.key.as_str(), "the `cert` of TLS"),
        (first.cert.as_str(), "nothing", "the `key` of TLS"),
        (second.cert.as_str(), first.key.as_str(), "KeyMismatch"),
    ] {
        secret.swap(&[("cert.pem", cert), ("key.pem", key), ("ca.pem", "")]);
        eventually(why, || log.text().contains(why)).await;
        assert_eq!(shown().await, is(&first), "{why}");
    }
    let lines = || log.text().matches("cannot be used; the old ones stay").count();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(lines(), 3, "once for each: {}", log.text());

    fs::remove_file(secret.path("cert.pem")).unwrap();
    eventually("it is missed", || lines() == 4).await;
    assert_eq!(shown().await, is(&first));

    fs::write(secret.path("cert.pem"), &second.cert).unwrap();
    secret.swap(&[("cert.pem", ""), ("key.pem", &second.key), ("ca.pem", "")]);
    eventually("the new one is used", || log.text().contains("new connections have the new ones")).await;
    assert_eq!(shown().await, is(&second));
}
