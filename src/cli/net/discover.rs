//! From a place in a registry to a server that listens.
//!
//! In: `etcd://10.1.0.7:2379/shop.order.orders`. Out: the address of an instance that is there. Never: a balance among
//! several, which is for clients that make more than one call.

use std::time::Duration;

use jovian_runtime::registry::{Instance, Lookup, LookupError};
use tokio::time::timeout;
use tonic::Code as Status;

use super::{Problem, Target};
use crate::diag::{Code, Diagnostic};

/// How long a registry may take to tell of an instance.
const PATIENCE: Duration = Duration::from_secs(5);

impl Target {
    /// Where a server listens: at the address that a text says, or at that of an instance which a registry tells.
    pub(in crate::cli) async fn find(text: &str) -> Result<Self, Problem> {
        Self::find_within(text, PATIENCE).await
    }

    async fn find_within(text: &str, patience: Duration) -> Result<Self, Problem> {
        if !Lookup::is_meant(text) {
            return Ok(Self::parse(text)?);
        }
        let mistake = |why: String| Diagnostic::error(Code::Setting, format!("`{text}` is no target: {why}"));
        let help = "write `KIND://MEMBERS/APP`, as `etcd://127.0.0.1:2379/shop.order.orders` or `file://?app=shop.order.orders`";
        let lookup: Lookup =
            text.parse().map_err(|error: LookupError| mistake(error.to_string()).help(help))?;
        let wanted = lookup.of_any();
        if wanted.app.is_empty() && wanted.java.is_empty() && wanted.legacy.is_empty() {
            return Err(mistake("it does not say which app".to_owned()).help(help).into());
        }
        let registry =
            lookup.registry().map_err(|error| mistake(error.to_string()).help("build `jovian` with it"))?;
        let mut told = registry.watch(&wanted);
        let found =
            timeout(patience, told.wait_for(|list| list.iter().any(|instance| is_usable(instance)))).await;
        let instance = match found {
            Ok(Ok(list)) => list.iter().find(|instance| is_usable(instance)).cloned(),
            _ => None,
        };
        let Some(instance) = instance else {
            let name = [wanted.app, wanted.java, wanted.legacy].into_iter().find(|name| !name.is_empty());
            let problem = format!("the registry tells of no instance of `{}`", name.unwrap_or_default());
            let help = format!(
                "look at what is there, and whether it can be reached: `jovian registry ls {}`",
                place(text)
            );
            return Err(Problem::Trouble(
                Diagnostic::error(Code::Unreachable, problem).help(help).into(),
                Status::Unavailable,
            ));
        };
        Ok(Self::parse(&instance.address)?)
    }
}

fn is_usable(instance: &Instance) -> bool {
    instance.enabled && instance.weight > 0
}

/// A target without what is looked for in it, and without who asks.
fn place(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let kind = scheme.rsplit('+').next().unwrap_or_default();
    let rest = rest.split('?').next().unwrap_or_default();
    let members = if rest.starts_with('/') { rest } else { rest.split('/').next().unwrap_or_default() };
    let members = members.rsplit('@').next().unwrap_or_default();
    format!("{kind}://{members}")
}

#[cfg(test)]
mod tests {
    use jovian_runtime::registry::{MemoryRegistry, Registry as _};

    use super::*;

    async fn said(text: &str) -> String {
        match Target::find_within(text, Duration::from_millis(300)).await {
            Ok(target) => target.to_string(),
            Err(Problem::Mistake(diags) | Problem::Trouble(diags, _)) => format!("{diags:?}"),
            Err(Problem::Status(status)) => panic!("{status}"),
        }
    }

    #[tokio::test]
    async fn an_address_is_itself_and_an_app_is_looked_up() {
        assert_eq!(said("127.0.0.1:9000").await, "127.0.0.1:9000");
        let memory = MemoryRegistry::shared();
        let mut off = Instance::new("cli.test.orders", "127.0.0.1:1");
        off.enabled = false;
        let _off = memory.register(off).await.unwrap();
        let on = Instance::new("cli.test.orders", "127.0.0.1:2");
        let _on = memory.register(on).await.unwrap();
        assert_eq!(said("memory:///cli.test.orders").await, "127.0.0.1:2");
    }

    #[tokio::test]
    async fn what_is_missing_is_said() {
        assert!(said("memory://").await.contains("it does not say which app"));
        assert!(said("memory:///a/b").await.contains("names no app"));
        assert!(said("memory:///cli.test.nobody").await.contains("no instance of `cli.test.nobody`"));
        assert_eq!(place("kratos+etcd://me:word@10.1.0.7:1,b:2/shop.x?root=a"), "etcd://10.1.0.7:1,b:2");
        assert_eq!(place("file:///run/fleet?app=a"), "file:///run/fleet");
    }
}
