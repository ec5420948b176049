//! Where a client's calls go, as a program says it.

use std::fmt;

use super::address::Address;
use super::balancing::{BalancingSection, Said};
use crate::net::{ClientConnectionSection, ClientTlsSection};
use crate::registry::{Lookup, LookupError, Wanted, without_passwords};

/// Where a client's calls go: an address or a place in a registry, and how connections are made.
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
#[derive(Clone)]
pub struct Target {
    pub(crate) text: String,
    pub(crate) connection: ClientConnectionSection,
    pub(crate) tls: Option<ClientTlsSection>,
    pub(crate) group: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) balancing: Said,
}

impl Target {
    /// An address: `http://127.0.0.1:9000`, the same without the scheme, with `https`, or `unix:/path`. Or several of
    /// them, among which each call chooses: `static://10.1.0.7:9000,10.1.0.8:9000`.
    ///
    /// Or what a registry tells, as a [`Lookup`] says it: `etcd://10.1.0.7:2379/shop.order.orders`, `file:///run/fleet`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let (connection, balancing) = (ClientConnectionSection::default(), Said::default());
        Self { text: text.into(), connection, tls: None, group: None, version: None, balancing }
    }

    /// The group that the service has to be in, as programs on Dubbo are: several with commas, `*` for any.
    #[must_use]
    pub fn group(self, group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..self }
    }

    /// The version that the service has to have, as programs on Dubbo have one; `*` for any.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..self }
    }

    /// What is wanted, with the group and the version of this.
    pub(crate) fn narrowed(&self, wanted: Wanted) -> Wanted {
        wanted.within(self.group.as_deref(), self.version.as_deref())
    }

    /// Whether a text can be one, and if not, why.
    pub(crate) fn check(text: &str) -> Result<(), String> {
        match Lookup::is_meant(text) {
            true => text.parse::<Lookup>().map(drop).map_err(|error: LookupError| error.to_string()),
            false => Address::read_all(text, false).map(drop).map_err(|error| error.to_string()),
        }
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
        Self { balancing: balancing.into(), ..self }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, connection, tls, group, version, balancing } = self;
        f.debug_struct("Target")
            .field("text", &without_passwords(text))
            .field("connection", connection)
            .field("tls", tls)
            .field("group", group)
            .field("version", version)
            .field("balancing", balancing)
            .finish()
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
