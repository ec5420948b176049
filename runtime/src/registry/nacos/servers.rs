//! The servers of one Nacos.

use super::NacosOptions;
use crate::chance;
use crate::registry::http::Server;
use crate::registry::keyed::store::Trouble;

/// The port of a server that does not say another.
const PORT: u16 = 8848;
/// How much higher the port for connections is than the one that is configured; all clients count so.
const OFFSET: u16 = 1000;

/// All servers, from any of them on.
pub(super) fn servers(options: &NacosOptions) -> Result<Vec<Server>, Trouble> {
    let read = |text: &String| Server::read(text, PORT, options.tls.is_some());
    let servers: Result<Vec<Server>, String> = options.endpoints.iter().map(read).collect();
    let mut servers = servers.map_err(Trouble::Refused)?;
    if servers.is_empty() {
        return Err(Trouble::Refused("there is no endpoint".to_owned()));
    }
    let first = chance::below(servers.len()).unwrap_or_default();
    servers.rotate_left(first);
    Ok(servers)
}

/// Where connections to a server are made: `http://10.1.0.7:9848`. Whoever says whom to trust gets no other ones than
/// encrypted ones, though the server may have nothing but plain HTTP beside them.
pub(super) fn target(server: &Server, options: &NacosOptions) -> Result<String, Trouble> {
    let above = server.above(OFFSET, options.tls.is_some());
    above.ok_or_else(|| Trouble::Refused(format!("the port of {server} is too high")))
}
