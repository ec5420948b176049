//! The address that callers are told.
//!
//! In: where the server listens, what the configuration says. Out: `host:port` that others can connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::AppError;
use crate::net::Address;

/// What `configured`, the `advertise` of a `section`, says, with the port of `bound` if it has none; else `bound`, made
/// reachable.
pub(super) fn address(section: &str, configured: Option<&str>, bound: &Address) -> Result<String, AppError> {
    match (bound, configured) {
        (Address::Tcp(bound), configured) => tcp(section, configured, *bound),
        // Callers run in other folders.
        (Address::Unix(path), None) => {
            Ok(Address::Unix(std::path::absolute(path).unwrap_or_else(|_| path.clone())).to_string())
        }
        // What forwards to the socket listens elsewhere, and has a port of its own.
        (Address::Unix(_), Some(configured)) => Ok(configured.to_owned()),
    }
}

fn tcp(section: &str, configured: Option<&str>, bound: SocketAddr) -> Result<String, AppError> {
    let Some(configured) = configured else {
        let ip = if bound.ip().is_unspecified() { outward(bound.ip()) } else { bound.ip() };
        return Ok(SocketAddr::new(ip, bound.port()).to_string());
    };
    let refused = || AppError::Advertise { section: section.to_owned(), advertise: configured.to_owned() };
    if let Ok(ip) = configured.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, bound.port()).to_string());
    }
    let (host, port) = match configured.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(refused)?),
        None => (configured, bound.port()),
    };
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match in_brackets {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && !host.contains([':', '/', '[', ']']) && !host.contains(char::is_whitespace)
        }
    };
    if is_host { Ok(format!("{host}:{port}")) } else { Err(refused()) }
}

/// The address that packets to others come from, of the same family as `any`; this host's own if there are no others.
fn outward(any: IpAddr) -> IpAddr {
    // Addresses that are reserved for documentation; connecting a UDP socket picks a route and sends nothing.
    let (elsewhere, own): (IpAddr, IpAddr) = match any {
        IpAddr::V4(_) => (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), Ipv6Addr::LOCALHOST.into()),
    };
    let route = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((elsewhere, 9))?;
        socket.local_addr()
    };
    route().map(|address| address.ip()).ok().filter(|ip| !ip.is_unspecified()).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::address;
    use crate::net::Address;

    fn tcp(text: &str) -> Address {
        Address::Tcp(text.parse().expect("an address"))
    }

    #[test]
    fn what_is_configured_counts_and_gets_the_port_if_it_has_none() {
        let bound = tcp("0.0.0.0:9000");
        for (configured, expected) in [
            ("orders.internal", "orders.internal:9000"),
            ("orders.internal:80", "orders.internal:80"),
            ("10.0.0.1", "10.0.0.1:9000"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("::1", "[::1]:9000"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(address("registry", Some(configured), &bound).expect(configured), expected);
        }
        for wrong in ["", ":80", "host:", "host:http", "host:0", "http://host", "a b", "[::g]:1"] {
            let error = address("registry", Some(wrong), &bound).expect_err(wrong).to_string();
            assert_eq!(
                error,
                format!("`{wrong}`, the `advertise` of [registry], is no `host` and no `host:port`")
            );
        }
    }

    #[test]
    fn all_addresses_become_one() {
        let loopback = tcp("127.0.0.1:9000");
        assert_eq!(address("registry", None, &loopback).expect("it is reachable"), "127.0.0.1:9000");
        let all = tcp("0.0.0.0:9000");
        let told = address("registry", None, &all).expect("there is one");
        assert!(told.ends_with(":9000") && !told.starts_with("0.0.0.0"), "{told}");
    }

    #[test]
    fn a_socket_is_its_file_unless_something_forwards_to_it() {
        let socket = Address::Unix("/run/orders.sock".into());
        assert_eq!(address("registry", None, &socket).expect("it is reachable"), "unix:/run/orders.sock");
        assert_eq!(address("registry", Some("orders:80"), &socket).expect("it is reachable"), "orders:80");
        let here = std::env::current_dir().expect("a folder");
        let near = Address::Unix("run/orders.sock".into());
        let told = address("registry", None, &near).expect("it is reachable");
        assert_eq!(told, format!("unix:{}/run/orders.sock", here.display()));
    }
}
