//! Where a client's calls go, as a program says it.

use super::balancing::BalancingSection;
use crate::net::{ClientConnectionSection, ClientTlsSection};

/// Where a client's calls go: an address, and how connections to it are made.
///
/// ```
/// use jovian_runtime::{ClientTlsSection, Target};
///
/// let tls = ClientTlsSection { ca: Some("ca.pem".into()), ..ClientTlsSection::default() };
/// let target = Target::new("https://orders:9000").tls(tls);
/// # let _ = target;
/// ```
///
/// A text is a target, too: `OrdersClient::connect("http://127.0.0.1:9000")`.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) text: String,
    pub(super) connection: ClientConnectionSection,
    pub(super) tls: Option<ClientTlsSection>,
    pub(super) balancing: BalancingSection,
}

impl Target {
    /// An address: `http://127.0.0.1:9000`, the same without the scheme, with `https`, or `unix:/path`. Or several of
    /// them, among which each call chooses: `static://10.1.0.7:9000,10.1.0.8:9000`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let (connection, balancing) = (ClientConnectionSection::default(), BalancingSection::default());
        Self { text: text.into(), connection, tls: None, balancing }
    }

    /// How connections are made and kept.
    #[must_use]
    pub fn connection(self, connection: ClientConnectionSection) -> Self {
        Self { connection, ..self }
    }

    /// Whom to trust, and who this is. An address without a scheme is then one of `https`. Without this, those are
    /// trusted whom the system trusts.
    #[must_use]
    pub fn tls(self, tls: ClientTlsSection) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// How each call chooses, where there are several instances.
    #[must_use]
    pub fn balancing(self, balancing: BalancingSection) -> Self {
        Self { balancing, ..self }
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Target {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}
