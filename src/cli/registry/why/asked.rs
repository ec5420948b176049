//! Who looks for what.

use std::sync::Arc;

use jovian_runtime::registry::Wanted;
use jovian_runtime::registry::layout::{Layout, Options, by_name};
use jovian_runtime::registry::raw::layout_in_nacos;

use crate::cli::place::Place;
use crate::cli::registry::decode::Decoded;

/// Whose eyes a registry is seen with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Consumer {
    /// Dubbo 3 for Java
    DubboJava,
    /// The protocol `grpc` of Dubbo 2.7 for Java
    #[value(name = "dubbo-java-2.7")]
    DubboJavaOld,
    /// Dubbo for Go, version 3
    DubboGo,
    /// Jupiter since 0.7.1
    Jupiter,
    /// Kratos 2 and 3
    Kratos,
    /// Kitex with `registry-etcd`
    Kitex,
    /// go-zero
    GoZero,
}

impl Consumer {
    /// The layouts that it reads.
    pub(super) fn layouts(self) -> &'static [&'static str] {
        match self {
            Self::DubboJava | Self::DubboGo => &["dubbo-tri", "dubbo-app"],
            Self::DubboJavaOld => &["dubbo-grpc"],
            Self::Jupiter => &["jupiter"],
            Self::Kratos => &["kratos"],
            Self::Kitex => &["kitex"],
            Self::GoZero => &["go-zero"],
        }
    }

    /// Whether it is known here what it reads in a store.
    pub(super) fn is_known_in(self, place: Place) -> bool {
        match place {
            Place::Etcd | Place::ZooKeeper => true,
            Place::Nacos => matches!(self, Self::DubboJava | Self::DubboGo | Self::Kratos),
            Place::Discovery => self == Self::Kratos,
        }
    }

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DubboJava => "Dubbo for Java",
            Self::DubboJavaOld => "Dubbo 2.7",
            Self::DubboGo => "dubbo-go",
            Self::Jupiter => "Jupiter",
            Self::Kratos => "Kratos",
            Self::Kitex => "Kitex",
            Self::GoZero => "go-zero",
        }
    }
}

/// What a consumer on Dubbo 3 reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Level {
    /// What it reads without being told: Java both, by application first; dubbo-go by application alone
    #[default]
    Default,
    /// By interface alone: `FORCE_INTERFACE` in Java, `registry.type: interface` in dubbo-go
    Interface,
    /// By application alone
    Application,
}

/// Who looks for what, and where.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) consumer: Consumer,
    pub(super) level: Level,
    /// The store.
    pub(super) place: Place,
    /// The root and the mode.
    pub(super) options: Options,
    /// App, names, group and version.
    pub(super) wanted: Wanted,
    /// The cluster of a Nacos that Kratos looks into.
    pub(super) cluster: String,
}

impl Asked {
    pub(super) fn is_etcd(&self) -> bool {
        self.place == Place::Etcd
    }

    /// A layout, as it is in the store.
    pub(super) fn layout(&self, name: &str) -> Option<Arc<dyn Layout>> {
        if self.place == Place::Nacos {
            layout_in_nacos(name).ok()
        } else {
            by_name(name, &self.options).ok()
        }
    }

    /// The key under which a consumer on Dubbo finds the apps that serve the interface, and what it looks for there.
    pub(super) fn mapping(&self) -> Option<(String, Wanted)> {
        let mut wanted = Wanted::default();
        self.interface().clone_into(&mut wanted.java);
        Some((self.layout("dubbo-app")?.places(&wanted).into_iter().next()?, wanted))
    }

    /// The interface that a consumer on Dubbo looks for.
    pub(super) fn interface(&self) -> &str {
        match self.consumer {
            Consumer::DubboGo => &self.wanted.name,
            Consumer::DubboJavaOld => &self.wanted.legacy,
            _ => &self.wanted.java,
        }
    }

    /// Whether a record is of the service, under whichever of its names.
    pub(super) fn concerns(&self, record: &Decoded) -> bool {
        let Some(found) = &record.found else { return false };
        let Wanted { app, name, java, legacy, .. } = &self.wanted;
        let interfaces = [name, java, legacy];
        match found.layout {
            "dubbo-tri" | "dubbo-grpc" => interfaces.iter().any(|name| **name == found.name),
            "dubbo-app" => record.instance().is_some_and(|instance| {
                let is_said = !instance.services.is_empty();
                let mut services = instance.services.iter();
                let is_it = services.any(|it| [&it.name, &it.java].iter().any(|it| interfaces.contains(it)));
                is_it || (!is_said && found.name == *app)
            }),
            _ => found.name == *app,
        }
    }
}
