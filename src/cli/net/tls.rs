//! TLS, by rustls.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, crypto,
};

use super::connect::{Stream, bad_file};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files;

/// Whose certificates are good.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust<'a> {
    /// Those that the system trusts.
    System,
    /// Those of a file.
    File(&'a Path),
    /// All.
    Anybody,
}

/// How to speak TLS with a server.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// `own` is the file of a certificate and that of its key; `name` is that of the server.
    pub(super) fn new(
        trust: Trust<'_>,
        own: Option<(&Path, &Path)>,
        name: &str,
    ) -> Result<Self, Diagnostics> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&error))?;
        let builder = match trust {
            Trust::Anybody => {
                let verifier = Arc::new(Anybody(provider));
                builder.dangerous().with_custom_certificate_verifier(verifier)
            }
            Trust::System => builder.with_root_certificates(system()?),
            Trust::File(file) => builder.with_root_certificates(roots(file)?),
        };
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let pem = files::read_bytes(key).map_err(|error| bad_file(key, error))?;
                let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| bad_file(key, error))?;
                let chain = certificates(cert)?;
                builder.with_client_auth_cert(chain, private).map_err(|error| bad_file(cert, error))?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            Diagnostic::error(Code::Setting, format!("`{name}` is no name that a certificate could have"))
                .help("give a host or an address with `--server-name`")
        })?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub(super) async fn wrap(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connector.connect(self.name.clone(), stream).await?))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Diagnostics> {
    let pem = files::read_bytes(file).map_err(|error| bad_file(file, error))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(bad_file(file, "there is no certificate in it").into()),
        Ok(all) => Ok(all),
        Err(error) => Err(bad_file(file, error).into()),
    }
}

fn roots(file: &Path) -> Result<RootCertStore, Diagnostics> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| bad_file(file, error))?;
    }
    Ok(roots)
}

fn system() -> Result<RootCertStore, Diagnostics> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        false => Ok(roots),
        true => Err(Diagnostic::error(Code::NotFound, "this system has no certificates that it trusts")
            .help("give the authority of the server with `--cacert`")
            .into()),
    }
}

fn refused(error: &Error) -> Diagnostic {
    Diagnostic::error(Code::Setting, format!("TLS cannot be set up: {error}"))
        .help("check the files of `--cacert`, `--cert` and `--key`")
}

/// Takes any certificate; that whoever shows it has its key is checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
