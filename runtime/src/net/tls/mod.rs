//! TLS by rustls, on both sides.
//!
//! In: paths of certificates and keys. Out: encrypted streams, and whom the certificate of the other end names. Files
//! are read again when they change; what cannot be used is said, and what was there before stays in use.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, InvalidMessage, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

mod files;
mod name;

use super::settings::{ClientTlsSection, TlsError, TlsSection};
use super::stream::{Plain, Stream};
use files::{Contents, Files, Reloaded};

/// The one protocol that is spoken over TLS, by its name in ALPN.
const HTTP2: &[u8] = b"h2";

/// Makes TLS of connections that a server takes.
pub(crate) struct Acceptor(Arc<Reloaded<ServerConfig>>);

impl Acceptor {
    /// Reads the certificates, and goes on to read them when they change.
    pub(crate) fn load(section: &TlsSection) -> Result<Self, TlsError> {
        let files = Files::new([
            ("cert", Some(&section.cert)),
            ("key", Some(&section.key)),
            ("client_ca", section.client_ca.as_ref()),
        ]);
        Reloaded::load(files, section.reload(), server).map(Self)
    }

    /// Agrees on TLS with a client; says whom its certificate names.
    pub(crate) async fn accept(&self, stream: Plain) -> io::Result<(Stream, Option<Arc<str>>)> {
        let stream = TlsAcceptor::from(self.0.current()).accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let name = certificate.map(|certificate| name::of(certificate).unwrap_or_default());
        Ok((Stream::Tls(Box::new(TlsStream::Server(stream))), name))
    }
}

/// Makes TLS of connections that a client has made.
pub(crate) struct Connector {
    config: Arc<Reloaded<ClientConfig>>,
    server_name: Option<String>,
}

impl Connector {
    /// Reads the certificates, and goes on to read them when they change.
    pub(crate) fn load(section: &ClientTlsSection) -> Result<Self, TlsError> {
        let files = Files::new([
            ("ca", section.ca.as_ref()),
            ("cert", section.cert.as_ref()),
            ("key", section.key.as_ref()),
        ]);
        let config = Reloaded::load(files, section.reload(), client)?;
        Ok(Self { config, server_name: section.server_name.clone() })
    }

    /// Agrees on TLS with the server at `host`, which has to have a certificate for that name, or for the one that the
    /// settings say instead.
    pub(crate) async fn connect(&self, host: &str, stream: Plain) -> io::Result<Stream> {
        let host = self.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connecting = TlsConnector::from(self.config.current()).connect(name, stream);
        let stream = connecting.await.map_err(explained)?;
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }
}

/// What somebody says who does not speak TLS begins with no type of its records.
fn explained(error: io::Error) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            io::Error::new(error.kind(), "the server does not speak TLS")
        }
        _ => error,
    }
}

fn server(files: &Contents) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::refused)?;
    let builder = match roots(files, "client_ca")? {
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
            builder.with_client_cert_verifier(verifier.build().map_err(TlsError::refused)?)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) =
        identity(files)?.ok_or_else(|| TlsError::new("`cert` and `key` of TLS are missing"))?;
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::refused)?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

fn client(files: &Contents) -> Result<ClientConfig, TlsError> {
    let roots = match roots(files, "ca")? {
        Some(roots) => roots,
        None => system()?,
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider());
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::refused)?
        .with_webpki_verifier(verifier.build().map_err(TlsError::refused)?);
    let mut config = match identity(files)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(TlsError::refused)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What the file under `key` says is to be trusted.
fn roots(files: &Contents, key: &str) -> Result<Option<RootCertStore>, TlsError> {
    let Some(file) = files.get(key) else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in file.parse(CertificateDer::pem_slice_iter)? {
        roots.add(certificate).map_err(|error| file.wrong(error))?;
    }
    Ok(Some(roots))
}

/// What the system trusts.
fn system() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // A certificate that rustls does not understand is one that it does not trust.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::new("the system trusts nobody: name a `ca` for TLS"));
    }
    Ok(roots)
}

/// The certificate, with those that vouch for it, and its key.
fn identity(
    files: &Contents,
) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsError> {
    match (files.get("cert"), files.get("key")) {
        (Some(cert), Some(key)) => {
            let chain = cert.parse(CertificateDer::pem_slice_iter)?;
            let key = PrivateKeyDer::from_pem_slice(key.bytes()).map_err(|error| key.wrong(error))?;
            Ok(Some((chain, key)))
        }
        (None, None) => Ok(None),
        _ => Err(TlsError::new("`cert` and `key` of TLS go together")),
    }
}
