//! Addresses that cannot go together.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::Uri;

use super::reader::Reader;

/// Reports an address that two listeners want, and an upstream that is the proxy itself.
pub(super) fn check(
    reader: &mut Reader<'_>,
    listen: SocketAddr,
    admin: Option<SocketAddr>,
    upstream: Option<&Uri>,
) {
    if let Some(admin) = admin.filter(|admin| overlap(listen, *admin)) {
        let message = format!("{admin} is taken by listen.address, {listen}");
        reader.wrong("admin", "address", message);
    }
    let upstream = upstream.and_then(address_of);
    if let Some(upstream) = upstream.filter(|upstream| is_reached_at(listen, *upstream)) {
        let message = format!("{upstream} is where the proxy itself listens (listen.address)");
        reader.wrong("upstream", "url", message);
    }
}

/// Whether the system would refuse the second of two listeners.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same = one.ip() == other.ip();
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (same || any)
}

/// Whether a connection to `address` would be one to `listener`.
fn is_reached_at(listener: SocketAddr, address: SocketAddr) -> bool {
    let everywhere = listener.ip().is_unspecified() && address.ip().is_loopback();
    address.port() == listener.port() && (everywhere || address.ip() == listener.ip())
}

/// The address of a URL that names one.
fn address_of(url: &Uri) -> Option<SocketAddr> {
    let host = url.host()?.trim_start_matches('[').trim_end_matches(']');
    let ip = match host {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok()?,
    };
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 });
    Some(SocketAddr::new(ip, port))
}
