//! How calls choose among instances, as people say it.
//!
//! In: a section of the configuration, or the same from a program. Out: the rules of one client, with every gap filled.
//! Never: a choice.

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderName;
use http::header::InvalidHeaderName;
use serde::{Deserialize, Deserializer, Serialize};

use crate::chance;
use crate::registry::Instance;

/// `[client.balancing]`: how each call chooses among the instances of what it calls. What is not written is said elsewhere,
/// or is the default.
///
/// ```
/// use jovian_runtime::{Balancer, BalancingSection, Target};
///
/// let balancing = BalancingSection { balancer: Some(Balancer::RoundRobin), ..BalancingSection::default() };
/// let target = Target::new("static://10.1.0.7:9000,10.1.0.8:9000").balancing(balancing);
/// # let _ = target;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct BalancingSection {
    /// `balancer`: by which rule. Default: `p2c`.
    pub balancer: Option<Balancer>,
    /// `hash_header`: the metadata of a call that is its key for `consistent-hash`, if its caller gave it none by
    /// [`CallOptions::hash_key`](crate::CallOptions::hash_key): `x-md-global-tenant`. Default: none.
    #[serde(deserialize_with = "header")]
    pub hash_header: Option<String>,
    /// `prefer`: what instances have to share with the caller to be preferred, `["zone"]` or, where that is not enough of them,
    /// first both and then the first alone, `["cluster", "zone"]`. Default: nothing.
    pub prefer: Option<Vec<Nearness>>,
    /// `prefer_min`: the fewest instances that can be used for those preferred to be enough. Default: 1.
    pub prefer_min: Option<u32>,
    /// `prefer_percent`: the share of the weight of those preferred that can be used for them to be enough. Default: 50.
    #[serde(deserialize_with = "percent")]
    pub prefer_percent: Option<u32>,
    /// `zone`: where the caller is, `eu-west-1a`. Default: the zone of the app.
    pub zone: Option<String>,
    /// `cluster`: the cluster that the caller is in. Default: that of the app.
    pub cluster: Option<String>,
    /// `subset_size`: about how many instances a client uses of many; 0 uses all. Default: 0.
    pub subset_size: Option<u32>,
    /// `subset_id`: the number of this process among those that call the same, from 0 on without gaps, which makes subsets even.
    /// Default: any.
    pub subset_id: Option<u64>,
    /// `warmup_ms`: how long an instance that began lately gets less than its weight, if its record does not say so itself;
    /// 0 gives all of it at once. Default: 0.
    pub warmup_ms: Option<u64>,
}

/// By which rule a call chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Balancer {
    /// Two are drawn by weight, and the second is taken if it is much better by the time that calls take there, lately, and
    /// the number of those that run (peak EWMA).
    #[default]
    P2c,
    /// Each in its turn, as often as its weight says, and evenly spread over time.
    RoundRobin,
    /// Calls with one key go to one instance. When the list changes, only the keys of what came or went move. Calls without a
    /// key go by `p2c`.
    ConsistentHash,
    /// Two are drawn by weight, and the one with fewer calls for its weight is taken.
    LeastRequest,
}

/// What an instance may share with its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Nearness {
    /// The zone.
    Zone,
    /// The cluster.
    Cluster,
}

/// What is said of balancing, by whom: the more specific counts, and on the same level the configuration before the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// The configuration, of the service.
    pub(crate) service: BalancingSection,
    /// The program, of its client.
    pub(crate) program: BalancingSection,
    /// The configuration, of all services.
    pub(crate) all: BalancingSection,
}

impl Said {
    fn resolve(&self) -> BalancingSection {
        self.service.over(&self.program).over(&self.all)
    }
}

impl From<BalancingSection> for Said {
    fn from(program: BalancingSection) -> Self {
        Self { program, ..Self::default() }
    }
}

impl BalancingSection {
    /// This section, and `below` where it says nothing.
    #[must_use]
    pub(crate) fn over(&self, below: &Self) -> Self {
        let (this, below) = (self.clone(), below.clone());
        Self {
            balancer: this.balancer.or(below.balancer),
            hash_header: this.hash_header.or(below.hash_header),
            prefer: this.prefer.or(below.prefer),
            prefer_min: this.prefer_min.or(below.prefer_min),
            prefer_percent: this.prefer_percent.or(below.prefer_percent),
            zone: this.zone.or(below.zone),
            cluster: this.cluster.or(below.cluster),
            subset_size: this.subset_size.or(below.subset_size),
            subset_id: this.subset_id.or(below.subset_id),
            warmup_ms: this.warmup_ms.or(below.warmup_ms),
        }
    }
}

/// The rules of one client.
#[derive(Clone, Debug)]
pub(super) struct Balancing {
    pub(super) balancer: Balancer,
    pub(super) hash_header: Option<HeaderName>,
    /// What is preferred, the most important first.
    pub(super) near: Vec<Place>,
    pub(super) near_min: usize,
    /// From 0 to 1.
    pub(super) near_share: f64,
    /// 0 for all.
    pub(super) subset_size: usize,
    pub(super) subset_id: u64,
    pub(super) warmup: Duration,
    said: Said,
}

/// Where the caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Zone(String),
    Cluster(String),
}

impl Balancing {
    /// The rules that are meant.
    pub(super) fn of(said: Said) -> Result<Self, InvalidHeaderName> {
        let section = said.resolve();
        let place = |near: &Nearness| match near {
            Nearness::Zone => section.zone.clone().filter(|zone| !zone.is_empty()).map(Place::Zone),
            Nearness::Cluster => section.cluster.clone().filter(|name| !name.is_empty()).map(Place::Cluster),
        };
        Ok(Self {
            balancer: section.balancer.unwrap_or_default(),
            hash_header: section.hash_header.as_deref().map(str::parse).transpose()?,
            near: section.prefer.iter().flatten().filter_map(place).collect(),
            near_min: section.prefer_min.unwrap_or(1).max(1) as usize,
            near_share: f64::from(section.prefer_percent.unwrap_or(50)) / 100.0,
            subset_size: section.subset_size.unwrap_or(0) as usize,
            subset_id: section.subset_id.unwrap_or_else(|| *ANY_ID),
            warmup: Duration::from_millis(section.warmup_ms.unwrap_or(0)),
            said,
        })
    }

    /// The same, where the program says this as well.
    pub(super) fn and(&self, section: &BalancingSection) -> Result<Self, InvalidHeaderName> {
        let said = self.said.clone();
        Self::of(Said { program: section.over(&said.program), ..said })
    }
}

/// The number of a process that was given none.
static ANY_ID: LazyLock<u64> = LazyLock::new(chance::draw);

impl Place {
    /// Whether an instance is there, too.
    pub(super) fn has(&self, instance: &Instance) -> bool {
        match self {
            Self::Zone(zone) => instance.zone == *zone,
            Self::Cluster(cluster) => instance.cluster() == cluster,
        }
    }
}

/// The name of a header.
fn header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    match HeaderName::try_from(name.as_str()) {
        Ok(_) => Ok(Some(name)),
        Err(_) => Err(serde::de::Error::custom(format_args!("`{name}` is no name of metadata"))),
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(deserializer)? {
        percent @ 0..=100 => Ok(Some(percent)),
        more => Err(serde::de::Error::custom(format_args!("`{more}` is more than all: write 0 to 100"))),
    }
}
