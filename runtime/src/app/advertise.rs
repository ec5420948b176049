//! The address that callers are told.
//!
//! In: where the server listens, what the configuration says. Out: `host:port` that others can connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::AppError;
use crate::net::Address;

/// What is to be told, and who says so.
#[derive(Clone, Debug)]
pub(super) struct Advertised {
    /// `host`, `host:port`, `10.0.0.0/8` or `interface:eth0`.
    pub(super) text: String,
    /// `the `advertise` of [registry]`
    pub(super) origin: String,
}

/// What is said, with the port of `bound` if it has none; else `bound`, made reachable.
pub(super) fn address(said: Option<&Advertised>, bound: &Address) -> Result<String, AppError> {
    match (bound, said) {
        (Address::Tcp(bound), Some(said)) => tcp(said, bound.port()),
        (Address::Tcp(bound), None) => {
            let ip = if bound.ip().is_unspecified() { outward(bound.ip()) } else { bound.ip() };
            Ok(SocketAddr::new(ip, bound.port()).to_string())
        }
        // Callers run in other folders.
        (Address::Unix(path), None) => {
            Ok(Address::Unix(std::path::absolute(path).unwrap_or_else(|_| path.clone())).to_string())
        }
        // What forwards to the socket listens elsewhere, and has a port of its own.
        (Address::Unix(_), Some(said)) => Ok(said.text.clone()),
    }
}

fn tcp(said: &Advertised, port: u16) -> Result<String, AppError> {
    let Advertised { text, origin } = said;
    let refused = |why: &str| AppError::Advertise {
        advertise: text.clone(),
        origin: origin.clone(),
        why: why.to_owned(),
    };
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port).to_string());
    }
    if let Some(name) = text.strip_prefix("interface:") {
        let ip = chosen(|interface| interface.name == name);
        let ip = ip.ok_or_else(|| refused("is no interface of this machine that has an address"))?;
        return Ok(SocketAddr::new(ip, port).to_string());
    }
    let network = text.split_once('/').and_then(|(net, bits)| Some((net.parse::<IpAddr>().ok()?, bits)));
    if let Some((net, bits)) = network {
        let most = if net.is_ipv4() { 32 } else { 128 };
        let Some(bits) = bits.parse::<u8>().ok().filter(|bits| *bits <= most) else {
            return Err(refused("is no network, as `10.0.0.0/8` is"));
        };
        let ip = chosen(|interface| is_in(interface.ip(), net, bits));
        let ip = ip.ok_or_else(|| refused("is a network in which this machine has no address"))?;
        return Ok(SocketAddr::new(ip, port).to_string());
    }
    let no_host = || refused("is no `host` and no `host:port`");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(no_host)?),
        None => (text.as_str(), port),
    };
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match in_brackets {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && !host.contains([':', '/', '[', ']']) && !host.contains(char::is_whitespace)
        }
    };
    if is_host { Ok(format!("{host}:{port}")) } else { Err(no_host()) }
}

/// The first address of an interface of this machine that is one of those; one of IPv4 before others, and none that
/// counts on a single link alone.
fn chosen(is_one: impl Fn(&if_addrs::Interface) -> bool) -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = interfaces.iter().filter(|interface| !interface.is_link_local() && is_one(interface));
    usable.map(if_addrs::Interface::ip).min_by_key(IpAddr::is_ipv6)
}

/// Whether an address is in a network.
fn is_in(ip: IpAddr, net: IpAddr, bits: u8) -> bool {
    let beginning =
        |bits_of_ip: u128, width: u8| bits_of_ip.checked_shr(u32::from(width - bits)).unwrap_or(0);
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            beginning(ip.to_bits().into(), 32) == beginning(net.to_bits().into(), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => beginning(ip.to_bits(), 128) == beginning(net.to_bits(), 128),
        _ => false,
    }
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
    use super::{Advertised, AppError, is_in};
    use crate::net::Address;

    fn tcp(text: &str) -> Address {
        Address::Tcp(text.parse().expect("an address"))
    }

    fn told(text: &str, bound: &Address) -> Result<String, AppError> {
        let origin = "the `advertise` of [registry]".to_owned();
        super::address(Some(&Advertised { text: text.to_owned(), origin }), bound)
    }

    #[test]
    fn an_address_of_a_network_or_an_interface_is_found() {
        let bound = tcp("0.0.0.0:9000");
        assert_eq!(told("127.0.0.0/8", &bound).expect("loopback is there"), "127.0.0.1:9000");
        #[cfg(target_os = "linux")]
        assert_eq!(told("interface:lo", &bound).expect("loopback is there"), "127.0.0.1:9000");
        for (wrong, why) in [
            ("203.0.113.0/24", "is a network in which this machine has no address"),
            ("10.0.0.0/33", "is no network, as `10.0.0.0/8` is"),
            ("ten/8", "is no `host` and no `host:port`"),
            ("interface:none9", "is no interface of this machine that has an address"),
        ] {
            let error = told(wrong, &bound).expect_err(wrong).to_string();
            assert_eq!(error, format!("`{wrong}`, the `advertise` of [registry], {why}"));
        }
        for (ip, net, bits, is_there) in [
            ("10.1.0.7", "10.0.0.0", 8, true),
            ("11.1.0.7", "10.0.0.0", 8, false),
            ("11.1.0.7", "10.0.0.0", 0, true),
            ("10.1.0.7", "10.1.0.7", 32, true),
            ("fd00::7", "fd00::", 64, true),
            ("fd00::7", "fe00::", 64, false),
            ("fd00::7", "::", 0, true),
            ("10.1.0.7", "::", 0, false),
        ] {
            let (ip_, net_) = (ip.parse().expect(ip), net.parse().expect(net));
            assert_eq!(is_in(ip_, net_, bits), is_there, "{ip} in {net}/{bits}");
        }
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
            assert_eq!(told(configured, &bound).expect(configured), expected);
        }
        for wrong in ["", ":80", "host:", "host:http", "host:0", "http://host", "a b", "[::g]:1"] {
            let error = told(wrong, &bound).expect_err(wrong).to_string();
            assert_eq!(
                error,
                format!("`{wrong}`, the `advertise` of [registry], is no `host` and no `host:port`")
            );
        }
    }

    #[test]
    fn all_addresses_become_one() {
        let loopback = tcp("127.0.0.1:9000");
        assert_eq!(super::address(None, &loopback).expect("it is reachable"), "127.0.0.1:9000");
        let all = tcp("0.0.0.0:9000");
        let told = super::address(None, &all).expect("there is one");
        assert!(told.ends_with(":9000") && !told.starts_with("0.0.0.0"), "{told}");
    }

    #[test]
    fn a_socket_is_its_file_unless_something_forwards_to_it() {
        let socket = Address::Unix("/run/orders.sock".into());
        assert_eq!(super::address(None, &socket).expect("it is reachable"), "unix:/run/orders.sock");
        assert_eq!(told("orders:80", &socket).expect("it is reachable"), "orders:80");
        let here = std::env::current_dir().expect("a folder");
        let near = Address::Unix("run/orders.sock".into());
        let told = super::address(None, &near).expect("it is reachable");
        assert_eq!(told, format!("unix:{}/run/orders.sock", here.display()));
    }
}
