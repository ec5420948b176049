//! Certificates for tests, and folders that hold them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests")]

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Somebody who vouches for others.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

/// What a certificate says of its owner.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// `spiffe://shop/orders`
    pub uri: &'a str,
    /// `localhost`
    pub dns: &'a str,
    /// `orders`
    pub common: &'a str,
}

/// What the server of a test is called.
pub const LOCALHOST: Names<'static> = Names { dns: "localhost", uri: "", common: "" };

impl Authority {
    /// One that vouches for itself.
    #[must_use]
    pub fn new() -> Self {
        let mut params = params(Names { common: "the authority of a test", ..Names::default() });
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate, as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate that is valid.
    #[must_use]
    pub fn issue(&self, names: Names<'_>) -> Identity {
        self.sign(&params(names))
    }

    /// A certificate that was valid once.
    #[must_use]
    pub fn issue_expired(&self, names: Names<'_>) -> Identity {
        let mut params = params(names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Identity { cert: cert.pem(), key: key.serialize_pem() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn params(Names { uri, dns, common }: Names<'_>) -> CertificateParams {
    let dns = if dns.is_empty() { Vec::new() } else { vec![dns.to_owned()] };
    let mut params = CertificateParams::new(dns).unwrap();
    if !uri.is_empty() {
        params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
    }
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::OrganizationName, "Tests");
    if !common.is_empty() {
        params.distinguished_name.push(DnType::CommonName, common);
    }
    params
}

/// A folder as Kubernetes mounts a secret: files are links through `..data`, which is a link that is swapped.
#[derive(Debug)]
pub struct Secret {
    folder: TempDir,
    version: AtomicUsize,
}

impl Secret {
    /// A folder with these files.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        let secret = Self { folder: TempDir::new().unwrap(), version: AtomicUsize::new(0) };
        secret.swap(files);
        for (name, _) in files {
            std::os::unix::fs::symlink(format!("..data/{name}"), secret.path(name)).unwrap();
        }
        secret
    }

    /// Replaces all files at once.
    pub fn swap(&self, files: &[(&str, &str)]) {
        let version = format!("..{}", self.version.fetch_add(1, SeqCst));
        fs::create_dir(self.path(&version)).unwrap();
        for (name, text) in files {
            fs::write(self.path(&version).join(name), text).unwrap();
        }
        std::os::unix::fs::symlink(&version, self.path("..next")).unwrap();
        fs::rename(self.path("..next"), self.path("..data")).unwrap();
    }

    /// Where a file is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A folder with the files that the settings name.
#[must_use]
pub fn secret(authority: &Authority, server: &Identity) -> Secret {
    Secret::new(&files(authority, server).each_ref().map(|(name, text)| (*name, text.as_str())))
}

/// The files that the settings name, and what is in them.
#[must_use]
pub fn files(authority: &Authority, server: &Identity) -> [(&'static str, String); 3] {
    [("cert.pem", server.cert.clone()), ("key.pem", server.key.clone()), ("ca.pem", authority.pem())]
}

/// A client that trusts `authority`, and shows a certificate if it has one.
#[must_use]
pub fn connector(authority: &Authority, identity: Option<&Identity>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(Identity { cert, key }) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A connection that a test made.
pub type Encrypted = tokio_rustls::client::TlsStream<TcpStream>;

/// Connects to `localhost` at that address.
///
/// # Errors
///
/// Fails as the connection and the handshake do.
pub async fn encrypted(address: SocketAddr, connector: &TlsConnector) -> io::Result<Encrypted> {
    let stream = TcpStream::connect(address).await?;
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}
