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
        if name != Discovery::NAME {
            let (only, why) =
                (Discovery::NAME, format!("there is no layout `{name}` in the kind `discovery`"));
            return Err(UnknownLayout(format!("{why}; there is `{only}`")));
        }
        // Variables and what stands for them as in Kratos, which was made for this registry.
        let env = said(&self.env, "DEPLOY_ENV", "dev");
        let mut layout = Discovery::new(options, env, said(&self.zone, "ZONE", "zone01"));
        layout.region = said(&self.region, "REGION", "region01");
        Ok(layout)
    }
}

fn said(configured: &Option<String>, variable: &str, usual: &str) -> String {
    let by_variable = || std::env::var(variable).ok();
    let said = configured.clone().or_else(by_variable).filter(|text| !text.is_empty());
    said.unwrap_or_else(|| usual.to_owned())
}
