//! The clients of etcd's services, and the token that their calls carry.
//!
//! They are generated like anybody's, and go to a fixed list of addresses: a registry is not looked for in a registry.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::EtcdOptions;
use crate::call::CallOptions;
use crate::client::{ConnectError, Target};
use crate::error::{CallError, Code, NoDomainError};
use crate::etcd_api::etcdserverpb::{AuthClient, AuthenticateRequest, KvClient, LeaseClient, WatchClient};
use crate::net::ClientConnectionSection;
use crate::policy::{Policies, Policy};
use crate::registry::keyed::store::Trouble;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a connection is asked whether it is alive; etcd takes offence at less than 5 s.
const KEEP_ALIVE_MS: u32 = 10_000;
const KEEP_ALIVE_TIMEOUT_MS: NonZeroU32 = NonZeroU32::new(5_000).expect("it is not zero");

pub(super) type Failed = CallError<NoDomainError>;

pub(super) struct Clients {
    pub(super) kv: KvClient,
    pub(super) watch: WatchClient,
    pub(super) lease: LeaseClient,
    auth: AuthClient,
    user: Option<(String, String)>,
    token: Mutex<Option<Arc<str>>>,
}

impl Clients {
    pub(super) fn connect(options: &EtcdOptions) -> Result<Self, ConnectError> {
        let connection = ClientConnectionSection {
            keepalive_interval_ms: KEEP_ALIVE_MS,
            keepalive_timeout_ms: KEEP_ALIVE_TIMEOUT_MS,
            ..ClientConnectionSection::default()
        };
        let target = Target::new(format!("static://{}", options.endpoints.join(","))).connection(connection);
        let target = match options.tls.clone() {
            Some(tls) => target.tls(tls),
            None => target,
        };
        // Who keeps on trying needs nobody to spare the store; what is tried again is decided by what it is for.
        let policies = || Policies::new().all(Policy::new().breaker(false).slow_log(Duration::ZERO));
        let unusable = |error| ConnectError::Policy(error);
        Ok(Self {
            kv: KvClient::connect(target.clone())?.policies(policies()).map_err(unusable)?,
            watch: WatchClient::connect(target.clone())?.policies(policies()).map_err(unusable)?,
            lease: LeaseClient::connect(target.clone())?.policies(policies()).map_err(unusable)?,
            auth: AuthClient::connect(target)?.policies(policies()).map_err(unusable)?,
            user: options.user.clone(),
            token: Mutex::default(),
        })
    }

    /// Makes a call with options that it has to use: its deadline, and the token, a new one if the last is not taken any more.
    pub(super) async fn call<T, F>(&self, call: impl Fn(CallOptions) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let mut is_new = false;
        loop {
            let token = self.token().await?;
            match call(options(token.as_deref()).timeout(PATIENCE)).await {
                Err(error) if token.is_some() && !is_new && is_stale(&error) => {
                    self.forget(token);
                    is_new = true;
                }
                done => return done.map_err(|error| trouble(&error)),
            }
        }
    }

    /// Options for a stream that stays.
    pub(super) async fn lasting(&self) -> Result<CallOptions, Trouble> {
        Ok(options(self.token().await?.as_deref()).without_deadline())
    }

    /// Forgets the token after a stream was refused, which says less of the cause than a call.
    pub(super) fn forget_token(&self) {
        *self.known() = None;
    }

    fn forget(&self, stale: Option<Arc<str>>) {
        let mut known = self.known();
        if *known == stale {
            *known = None;
        }
    }

    async fn token(&self) -> Result<Option<Arc<str>>, Trouble> {
        let Some((name, password)) = &self.user else { return Ok(None) };
        if let Some(token) = self.known().clone() {
            return Ok(Some(token));
        }
        let request = AuthenticateRequest { name: name.clone(), password: password.clone() };
        match self.auth.with(options(None).timeout(PATIENCE)).authenticate(request).await {
            Ok(reply) => {
                let token = Arc::<str>::from(reply.token);
                *self.known() = Some(Arc::clone(&token));
                Ok(Some(token))
            }
            // It asks nobody who he is.
            Err(error) if error.code() == Code::FailedPrecondition => Ok(None),
            Err(error) if error.code() == Code::InvalidArgument => Err(Trouble::Refused(error.to_string())),
            Err(error) => Err(trouble(&error)),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn options(token: Option<&str>) -> CallOptions {
    // A member that is cut off from the others says so, instead of keeping silent.
    let options = CallOptions::new().metadata("hasleader", "true");
    match token {
        Some(token) => options.metadata("token", token),
        None => options,
    }
}

/// Whether a new token may help: this one is too old, or the users have changed.
fn is_stale(error: &Failed) -> bool {
    let text = error.to_string();
    error.code() == Code::Unauthenticated || text.contains("auth token") || text.contains("auth store is old")
}

/// What a failed call means.
pub(super) fn trouble(error: &Failed) -> Trouble {
    let why = error.to_string();
    match error.code() {
        Code::NotFound if why.contains("lease") => Trouble::Lost(why),
        Code::Unauthenticated | Code::PermissionDenied => Trouble::Refused(why),
        Code::InvalidArgument if why.contains("user name is empty") => Trouble::Refused(why),
        _ => Trouble::Away(why),
    }
}
