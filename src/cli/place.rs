//! The stores in which programs of several makers find each other.

use jovian_runtime::registry::layout::StoreKind;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Place {
    /// Keys and values on leases
    #[default]
    Etcd,
    /// Nodes in folders, in sessions
    #[value(name = "zookeeper")]
    ZooKeeper,
    /// Instances of services, and texts; keys are those of Jovian itself
    Nacos,
    /// The discovery of bilibili: instances; keys are those of Jovian itself
    Discovery,
}

impl Place {
    /// By the kind of a store: `etcd`.
    pub(super) fn of(kind: &str) -> Option<Self> {
        <Self as clap::ValueEnum>::from_str(kind, false).ok()
    }

    /// What layouts of keys look at, which are the same in all that has keys of its own.
    pub(super) fn keys(self) -> StoreKind {
        if self == Self::ZooKeeper { StoreKind::ZooKeeper } else { StoreKind::Etcd }
    }
}
