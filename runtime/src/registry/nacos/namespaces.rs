//! Whether a Nacos has a namespace. It answers for any, as if there were nothing in it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::NacosOptions;
use super::login::Login;
use super::servers::servers;
use super::wire::or_empty;
use crate::registry::records::RawError;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where namespaces are listed: releases 1 and 2, and release 3.
const PATHS: [&str; 2] = ["/nacos/v1/console/namespaces", "/nacos/v3/admin/core/namespace/list"];

#[derive(Deserialize)]
struct Listed {
    data: Vec<Namespace>,
}

#[derive(Deserialize)]
struct Namespace {
    /// Its id; that of the usual one may be empty.
    #[serde(default, deserialize_with = "or_empty")]
    namespace: String,
}

/// Fails when a server says that it does not have the namespace. Not everybody may ask.
pub(super) async fn look_for(options: &Arc<NacosOptions>) -> Result<(), RawError> {
    if options.tenant().is_empty() {
        return Ok(());
    }
    let token = Login::new(options).token().await?;
    let query: Vec<(&str, &str)> = token.iter().map(|token| ("accessToken", &**token)).collect();
    for server in servers(options)? {
        for path in PATHS {
            let answer = server.get(path, &query, options.tls.as_ref(), PATIENCE).await;
            let Ok((StatusCode::OK, body)) = answer else { continue };
            let Ok(Listed { data }) = serde_json::from_slice(&body) else { continue };
            if !data.iter().any(|it| it.namespace == options.namespace) {
                return Err(RawError::Missing(format!("there is no namespace `{}`", options.namespace)));
            }
            return Ok(());
        }
    }
    Ok(())
}
