//! What only one kind of registry has: `[registry.nacos]`, `[registry.discovery]`.
//!
//! In: what a configuration says, and the variables that programs of that registry have for it. Out: where in the registry an
//! app is. Never: a setting that another kind has, too.

use serde::{Deserialize, Serialize};

use super::layout::{Discovery, Options, UnknownLayout};

/// `[registry.nacos]`: where in a Nacos an app is and looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct NacosSection {
    /// `namespace`: the id of the namespace. Default: `public`.
    pub namespace: Option<String>,
    /// `group`: the group of instances; not that of a service of Dubbo. Default: `DEFAULT_GROUP`.
    pub group: Option<String>,
    /// `cluster`: the cluster in which it is registered; others are found in all of them. Default: `DEFAULT`.
    pub cluster: Option<String>,
}

/// `[registry.discovery]`: where in a discovery an app is and looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct DiscoverySection {
    /// `env`: the environment; those of others are not found. Default: what the variable `DEPLOY_ENV` says, else `dev`.
    pub env: Option<String>,
    /// `region`: the region in which it is registered. Default: what the variable `REGION` says, else `region01`.
    pub region: Option<String>,
    /// `zone`: the zone in which an app is registered that does not say its own. Default: what the variable `ZONE` says, else
    /// `zone01`.
    pub zone: Option<String>,
}

impl DiscoverySection {
    /// The layout of a name; there is but one.
    pub(super) fn layout(&self, name: &str, options: &Options) -> Result<Discovery, UnknownLayout> {
        let mut layout = Discovery::by_name(name, options)?;
        layout.env = self.environment();
        layout.region = said(self.region.as_ref(), "REGION", layout.region);
        layout.zone = said(self.zone.as_ref(), "ZONE", layout.zone);
        Ok(layout)
    }

    /// The environment that is meant: the one that is named, or what `DEPLOY_ENV` says, else `dev`.
    #[must_use]
    pub fn environment(&self) -> String {
        said(self.env.as_ref(), "DEPLOY_ENV", Discovery::ENV.to_owned())
    }
}

/// What is configured, or what a variable of Kratos and of discovery's own client says, else what is usual.
fn said(configured: Option<&String>, variable: &str, usual: String) -> String {
    let said = configured.cloned().or_else(|| std::env::var(variable).ok());
    said.filter(|said| !said.is_empty()).unwrap_or(usual)
}
