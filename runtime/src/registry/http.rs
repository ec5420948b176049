//! Requests over HTTP/1.1, to stores that speak nothing else.
//!
//! In: where, and what. Out: a status and a body, within a bounded time. Every request has a connection of its own: they
//! are few.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::{ClientTlsSection, Connector, Plain, Stream};

/// The largest body that is read.
const MAX_BODY: usize = 64 << 20;

/// A server: `10.1.0.7:8848`, `https://nacos.example:8848`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    authority: Authority,
    is_tls: bool,
    port: u16,
}

impl Server {
    /// Reads where a server is; without a port it is the usual one.
    pub(super) fn read(text: &str, usual_port: u16, is_tls: bool) -> Result<Self, String> {
        let (is_tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(format!("`{text}`: only `http` and `https` are spoken")),
            None => (is_tls, text),
        };
        let authority: Authority =
            rest.trim_end_matches('/').parse().map_err(|error| format!("`{text}` is no address: {error}"))?;
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(format!("`{text}` is no address"));
        }
        let port = authority.port_u16().unwrap_or(usual_port);
        Ok(Self { authority, is_tls, port })
    }

    /// The same host at a port that is so much higher, with its scheme, or that of TLS.
    #[cfg(feature = "nacos")]
    pub(super) fn above(&self, offset: u16, is_tls: bool) -> Option<String> {
        let scheme = if self.is_tls || is_tls { "https" } else { "http" };
        Some(format!("{scheme}://{}:{}", self.authority.host(), self.port.checked_add(offset)?))
    }

    async fn connect(&self, tls: Option<&ClientTlsSection>) -> Result<Stream, Failed> {
        let host = self.authority.host().trim_matches(['[', ']']);
        let stream = Plain::Tcp(TcpStream::connect((host, self.port)).await.map_err(Failed::new)?);
        if !self.is_tls {
            return Ok(Stream::Plain(stream));
        }
        let connector = Connector::load(&tls.cloned().unwrap_or_default()).map_err(Failed::new)?;
        connector.connect(host, stream).await.map_err(Failed::new)
    }

    /// Posts a form.
    pub(super) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        tls: Option<&ClientTlsSection>,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let form = encoded(form);
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(request.body(Full::from(form)).map_err(Failed::new)?, tls, patience).await
    }

    /// Gets what is at a path.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        tls: Option<&ClientTlsSection>,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let request = Request::get(format!("{path}?{}", encoded(query)));
        self.send(request.body(Full::default()).map_err(Failed::new)?, tls, patience).await
    }

    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        tls: Option<&ClientTlsSection>,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let host = HeaderValue::from_str(self.authority.as_str()).map_err(Failed::new)?;
        request.headers_mut().insert(header::HOST, host);
        let exchange = async {
            let stream = TokioIo::new(self.connect(tls).await?);
            let (mut requests, connection) = http1::handshake(stream).await.map_err(Failed::new)?;
            let answering = async {
                let answer = requests.send_request(request).await.map_err(Failed::new)?;
                let status = answer.status();
                let body = Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(Failed::new)?;
                Ok((status, body.to_bytes()))
            };
            let driving = async {
                let ended = connection.await;
                // What was read until then is read by the other one.
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection to a store ended with an error");
                }
                std::future::pending::<()>().await
            };
            tokio::select! {
                answer = answering => answer,
                () = driving => Err(Failed("the connection has ended".to_owned())),
            }
        };
        let late = |_| Failed(format!("{} did not answer within {patience:?}", self.authority));
        timeout(patience, exchange).await.map_err(late)?
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.authority.host(), self.port)
    }
}

/// Nobody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed(String);

impl Failed {
    fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names and values as forms and queries have them.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        escape(name, &mut text);
        text.push('=');
        escape(value, &mut text);
    }
    text
}

fn escape(value: &str, text: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                text.push('%');
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_read() {
        let read = |text: &str| Server::read(text, 8848, false).unwrap();
        for (text, is_tls, port) in [
            ("10.1.0.7:8849", false, 8849),
            ("nacos", false, 8848),
            ("http://nacos:80/", false, 80),
            ("https://nacos:443", true, 443),
            ("[::1]:8848", false, 8848),
        ] {
            let server = read(text);
            assert_eq!((server.is_tls, server.port), (is_tls, port), "{text}");
        }
        assert!(Server::read("nacos", 8848, true).unwrap().is_tls);
        for wrong in ["", "ftp://nacos", "a b", "me:word@nacos", "http://"] {
            assert!(Server::read(wrong, 8848, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_of_a_value_ends_it() {
        assert_eq!(encoded(&[("a", "x y&b=c"), ("é", "1+1")]), "a=x%20y%26b%3Dc&%C3%A9=1%2B1");
    }
}
