//! Who asks, where Nacos wants to know that: a token for a password, renewed before it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde::Deserialize;

use super::NacosOptions;
use super::servers::servers;
use crate::registry::keyed::store::Trouble;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where tokens are given: releases 1 and 2, which the third keeps for a while, and release 3.
const PATHS: [&str; 2] = ["/nacos/v1/auth/login", "/nacos/v3/auth/user/login"];

pub(super) struct Login {
    options: Arc<NacosOptions>,
    known: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: Arc<str>,
    until: Instant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Granted {
    access_token: String,
    /// In seconds.
    #[serde(default)]
    token_ttl: u64,
}

impl Login {
    pub(super) fn new(options: &Arc<NacosOptions>) -> Self {
        Self { options: Arc::clone(options), known: Mutex::default() }
    }

    /// The token to show; nothing if nobody is to be shown one.
    pub(super) async fn token(&self) -> Result<Option<Arc<str>>, Trouble> {
        let Some((name, password)) = &self.options.user else { return Ok(None) };
        if let Some(token) = self.known().clone().filter(|token| Instant::now() < token.until) {
            return Ok(Some(token.text));
        }
        let form = [("username", name.as_str()), ("password", password)];
        let mut trouble = Trouble::Refused("there is no server to ask".to_owned());
        for server in servers(&self.options)? {
            for path in PATHS {
                let tls = self.options.tls.as_ref();
                match server.post(path, &form, tls, PATIENCE).await {
                    Ok((StatusCode::OK, body)) => return self.granted(&body).map(Some),
                    Ok((StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::NOT_IMPLEMENTED, _)) => {
                        trouble = Trouble::Away("the server gives no tokens".to_owned());
                    }
                    Ok((status, body)) if is_refusal(status) || is_wrong(&body) => {
                        return Err(Trouble::Refused(format!(
                            "the password of `{name}` is not taken: {status}, {}",
                            reason(&body)
                        )));
                    }
                    Ok((status, body)) => {
                        trouble =
                            Trouble::Away(format!("a token was asked for: {status}, {}", reason(&body)));
                    }
                    Err(error) => {
                        trouble = Trouble::Away(format!("a token was asked for at {server}: {error}"));
                    }
                }
            }
        }
        Err(trouble)
    }

    fn granted(&self, body: &[u8]) -> Result<Arc<str>, Trouble> {
        let granted: Granted = serde_json::from_slice(body)
            .map_err(|error| Trouble::Away(format!("the token cannot be read: {error}")))?;
        let text = Arc::<str>::from(granted.access_token);
        // Some time before its end.
        let until = Instant::now() + Duration::from_secs(granted.token_ttl) * 9 / 10;
        *self.known() = Some(Token { text: Arc::clone(&text), until });
        Ok(text)
    }

    /// Forgets a token that is not taken any more.
    pub(super) fn forget(&self, stale: Option<Arc<str>>) {
        let mut known = self.known();
        if known.as_ref().map(|token| &token.text) == stale.as_ref() {
            *known = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Token>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether asking again would change nothing.
fn is_refusal(status: StatusCode) -> bool {
    let is_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    status.is_client_error() && !is_busy
}

/// Why it was refused, in the words of the server: a text, or the message of what Spring makes of an error.
fn reason(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let text = serde_json::from_slice(body)
        .map_or_else(|_| String::from_utf8_lossy(body).into_owned(), |Refusal { message }| message);
    text.trim().chars().take(200).collect()
}

/// Whether it is the answer to a wrong password, which some releases give as their own failure.
fn is_wrong(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("unknown user") || text.contains("not found") && text.contains("User")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_server_says() {
        assert_eq!(reason(b"unknown user!\n"), "unknown user!");
        let spring = br#"{"timestamp":"2026","status":412,"message":"admin role user not exist","path":"/"}"#;
        assert_eq!(reason(spring), "admin role user not exist");
        assert_eq!(reason(&[b'x'; 1000]).len(), 200);
        assert!(is_refusal(StatusCode::FORBIDDEN) && !is_refusal(StatusCode::TOO_MANY_REQUESTS));
        assert!(is_wrong(b"caused: User nobody not found;") && !is_wrong(b"User service is down"));
    }
}
