//! A store that is looked at: which one, who asks, and what it answers.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jovian_runtime::ClientTlsSection;
use jovian_runtime::registry::raw::{self, RawError, RawRecord, RawRecords, RawStore};
use jovian_runtime::registry::{DiscoverySection, EtcdOptions, NacosOptions, ZooKeeperOptions};

use super::saved::Saved;
use super::target::{Target, User};
use crate::cli::net::Problem;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files;

const USER: &str = "JOVIAN_REGISTRY_USER";
const PASSWORD: &str = "JOVIAN_REGISTRY_PASSWORD";

/// Which store it is.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArguments {
    /// `etcd://host:port,host:port/prefix`; `zookeeper://host:port,host:port/root`; `nacos://host:port/namespace/group`;
    /// `discovery://host:port/env`; the first three with `user:password@` in front of the hosts if need be, which others on this
    /// machine can see; `file:///folder`, or `file://` for the registry of this user on this machine; `records:file` for what
    /// `ls --as records` saved
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    options: StoreOptions,
}

/// What every command says of a store.
#[derive(Debug, clap::Args)]
struct StoreOptions {
    /// Look at keys that begin so [default: what stands behind the hosts of an etcd, with its slash]
    #[arg(long, help_heading = "Store", value_name = "PREFIX")]
    prefix: Option<String>,
    /// Who asks [default: the user in the target, else the variable JOVIAN_REGISTRY_USER]
    #[arg(long, help_heading = "Store", value_name = "NAME")]
    user: Option<String>,
    /// The password of that user, which others on this machine can see here [default: the one in the target, else the variable
    /// JOVIAN_REGISTRY_PASSWORD]
    #[arg(long, help_heading = "Store", value_name = "PASSWORD")]
    password: Option<String>,
    /// Use TLS; certificates of the system are trusted
    #[arg(long, help_heading = "Store")]
    tls: bool,
    /// Use TLS, and trust the certificates of this file alone (PEM)
    #[arg(long, help_heading = "Store", value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Use TLS, and show the store this certificate (PEM)
    #[arg(long, help_heading = "Store", value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of `--cert` (PEM)
    #[arg(long, help_heading = "Store", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The name that the certificate of the store has [default: the host of the target]
    #[arg(long, help_heading = "Store", value_name = "NAME")]
    server_name: Option<String>,
}

/// A store, and what of it is looked at.
pub(super) struct Store {
    pub(super) target: Target,
    pub(super) prefix: String,
    raw: Arc<dyn RawStore>,
}

impl StoreArguments {
    /// Says which store it is; nothing is connected to.
    pub(super) fn open(&self) -> Result<Store, Diagnostics> {
        let (target, user) = Target::parse(&self.target)?;
        let options = &self.options;
        let raw = match &target {
            Target::Etcd { members, .. } => raw::etcd(&options.etcd(members, user)?),
            Target::ZooKeeper { servers, root } => raw::zookeeper(&options.zookeeper(servers, root, user)?),
            Target::Nacos { servers, namespace, group } => {
                raw::nacos(options.nacos(servers, user)?.namespace(namespace).group(group))
            }
            Target::Discovery { nodes, env } => {
                options.nothing_of_discovery()?;
                let env = Some(env.clone()).filter(|env| !env.is_empty());
                raw::discovery(nodes, DiscoverySection { env, ..DiscoverySection::default() }.environment())
            }
            Target::File(folder) => folder_of(folder.as_ref())?,
            Target::Saved(file) => saved(file)?,
        };
        let prefix = options.prefix.clone().unwrap_or_else(|| target.prefix().to_owned());
        Ok(Store { prefix, target, raw })
    }
}

impl StoreOptions {
    fn etcd(&self, members: &[String], user: Option<User>) -> Result<EtcdOptions, Diagnostics> {
        let options = EtcdOptions::at(members, Vec::new());
        let options = match self.user(user)? {
            Some((name, password)) => options.user(name, password),
            None => options,
        };
        Ok(if self.is_tls() { options.tls(self.certificates()) } else { options })
    }

    fn zookeeper(
        &self,
        servers: &[String],
        root: &str,
        user: Option<User>,
    ) -> Result<ZooKeeperOptions, Diagnostics> {
        if self.is_tls() {
            return Err(Diagnostic::error(Code::Setting, "connections to a ZooKeeper are not encrypted")
                .help("leave out `--tls`, `--cacert`, `--cert` and `--server-name`")
                .into());
        }
        let options = ZooKeeperOptions::at([format!("{}{root}", servers.join(","))], Vec::new());
        Ok(match self.user(user)? {
            Some((name, password)) => options.user(name, password),
            None => options,
        })
    }

    fn nacos(&self, servers: &[String], user: Option<User>) -> Result<NacosOptions, Diagnostics> {
        let options = NacosOptions::at(servers, []);
        let options = match self.user(user)? {
            Some((name, password)) => options.user(name, password),
            None => options,
        };
        Ok(if self.is_tls() { options.tls(self.certificates()) } else { options })
    }

    /// Whoever gives a password expects that it is used.
    fn nothing_of_discovery(&self) -> Result<(), Diagnostics> {
        if self.is_tls() || self.user.is_some() || self.password.is_some() {
            return Err(Diagnostic::error(Code::Setting, "a discovery knows neither users nor TLS")
                .help("leave out `--user`, `--password`, `--tls`, `--cacert`, `--cert` and `--server-name`")
                .into());
        }
        Ok(())
    }

    fn is_tls(&self) -> bool {
        self.tls || self.cacert.is_some() || self.cert.is_some() || self.server_name.is_some()
    }

    fn certificates(&self) -> ClientTlsSection {
        ClientTlsSection {
            ca: self.cacert.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            server_name: self.server_name.clone(),
            ..ClientTlsSection::default()
        }
    }

    /// Who asks: the flags before the target, and that before the variables.
    fn user(&self, of_target: Option<User>) -> Result<Option<User>, Diagnostics> {
        let (name, password) = of_target.unzip();
        let said = |flag: &Option<String>, target: Option<String>, variable| {
            flag.clone().or(target).or_else(|| env::var(variable).ok())
        };
        match (said(&self.user, name, USER), said(&self.password, password, PASSWORD)) {
            (Some(name), Some(password)) => Ok(Some((name, password))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(half("a user without a password", PASSWORD)),
            (None, Some(_)) => Err(half("a password without a user", USER)),
        }
    }
}

fn half(problem: &str, variable: &str) -> Diagnostics {
    Diagnostic::error(Code::Setting, problem).help(format!("say it in the variable `{variable}`")).into()
}

#[cfg(unix)]
fn folder_of(folder: Option<&PathBuf>) -> Result<Arc<dyn RawStore>, Diagnostics> {
    Ok(folder.map_or_else(raw::files_of_user, raw::files))
}

#[cfg(not(unix))]
fn folder_of(_: Option<&PathBuf>) -> Result<Arc<dyn RawStore>, Diagnostics> {
    Err(Diagnostic::error(Code::Setting, "this system has no registry of files")
        .help("it needs locks of files as Unix has them")
        .into())
}

fn saved(file: &Path) -> Result<Arc<dyn RawStore>, Diagnostics> {
    let wrong = |code, why: String| {
        Diagnostic::error(code, format!("`{}`: {why}", file.display()))
            .help("give a file that `jovian registry ls --as records` wrote")
    };
    let text = files::read(file).map_err(|error| wrong(Code::NotFound, error.to_string()))?;
    Ok(Arc::new(Saved::read(&text).map_err(|why| wrong(Code::Setting, why))?))
}

impl Store {
    /// The kind of the store: `etcd`.
    pub(super) fn kind(&self) -> &'static str {
        self.raw.kind()
    }

    /// All records that are looked at.
    pub(super) async fn list(&self) -> Result<RawRecords, Problem> {
        self.raw.list(&self.prefix).await.map_err(|error| self.problem(&error))
    }

    /// One record, wherever it stands.
    pub(super) async fn get(&self, key: &str) -> Result<Option<RawRecord>, Problem> {
        self.raw.get(key).await.map_err(|error| self.problem(&error))
    }

    /// Follows them until the store is lost; says why.
    pub(super) async fn follow(&self, tell: &mut (dyn FnMut(raw::RawChange) + Send)) -> RawError {
        self.raw.follow(&self.prefix, tell).await
    }

    /// Why a store did not answer, for people.
    pub(super) fn problem(&self, error: &RawError) -> Problem {
        let (problem, help) = match error {
            RawError::Refused(why) => (
                format!("`{}` refuses: {why}", self.target),
                "give `--user`, and the password in the variable `JOVIAN_REGISTRY_PASSWORD`",
            ),
            RawError::Missing(why) => (
                format!("`{}` is not there: {why}", self.target),
                "check what stands behind the hosts of the target",
            ),
            other => (
                format!("`{}` does not answer: {other}", self.target),
                "check host and port, and whether it speaks TLS: `--tls`, `--cacert`",
            ),
        };
        Diagnostic::error(Code::Unreachable, problem).help(help).into()
    }
}
