//! Environment variables that Kubernetes injects.
//!
//! For a service called `guilloche` (or `guilloche-admin`, …) every container of its namespace gets
//! `GUILLOCHE_SERVICE_HOST`, `GUILLOCHE_PORT` and their kin, whether it wants them or not. They look
//! like settings and are none. Names alone do not tell them from misspelt settings
//! (`GUILLOCHE_LISTEN_PORT=80`); names and values together do.

use std::net::IpAddr;

/// The transport protocols of a service.
const TRANSPORTS: [&str; 3] = ["tcp", "udp", "sctp"];

/// Whether a variable is one of those that are injected for services.
pub(super) fn is_injected(name: &str, value: &str) -> bool {
    let number = || value.parse::<u16>().is_ok();
    let address = || value.parse::<IpAddr>().is_ok();
    if name.ends_with("_SERVICE_HOST") {
        return address();
    }
    if let Some((_, port_name)) = name.split_once("_SERVICE_PORT") {
        return (port_name.is_empty() || port_name.starts_with('_')) && number();
    }
    if name.ends_with("_PORT") && !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return is_endpoint(value);
    }
    // `…_PORT_8080_TCP`, and `…_PORT_8080_TCP_PROTO`, `_PORT`, `_ADDR`.
    let Some((before, part)) = split_at_transport(name) else { return false };
    let Some((_, port)) = before.rsplit_once("_PORT_") else { return false };
    port.parse::<u16>().is_ok()
        && match part {
            "" => is_endpoint(value),
            "_PROTO" => TRANSPORTS.contains(&value),
            "_PORT" => number(),
            "_ADDR" => address(),
            _ => false,
        }
}

/// `tcp://10.96.0.1:8080` and the like.
fn is_endpoint(value: &str) -> bool {
    let Some((transport, authority)) = value.split_once("://") else { return false };
    let Some((host, port)) = authority.rsplit_once(':') else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TRANSPORTS.contains(&transport) && host.parse::<IpAddr>().is_ok() && port.parse::<u16>().is_ok()
}

fn split_at_transport(name: &str) -> Option<(&str, &str)> {
    ["_TCP", "_UDP", "_SCTP"].into_iter().find_map(|transport| {
        let at = name.rfind(transport)?;
        Some((name.get(..at)?, name.get(at + transport.len()..)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_injects_is_told_from_what_somebody_misspelt() {
        for (name, value) in [
            ("GUILLOCHE_SERVICE_HOST", "10.96.11.7"),
            ("GUILLOCHE_SERVICE_HOST", "fd00::1"),
            ("GUILLOCHE_SERVICE_PORT", "8080"),
            ("GUILLOCHE_SERVICE_PORT_HTTP", "8080"),
            ("GUILLOCHE_SERVICE_PORT_HTTP_ADMIN", "8081"),
            ("GUILLOCHE_PORT", "tcp://10.96.11.7:8080"),
            ("GUILLOCHE_PORT", "tcp://[fd00::1]:8080"),
            ("GUILLOCHE_PORT_8080_TCP", "tcp://10.96.11.7:8080"),
            ("GUILLOCHE_PORT_8080_TCP_PROTO", "tcp"),
            ("GUILLOCHE_PORT_8080_TCP_PORT", "8080"),
            ("GUILLOCHE_PORT_8080_TCP_ADDR", "10.96.11.7"),
            ("GUILLOCHE_PORT_53_UDP_ADDR", "10.96.11.7"),
            ("GUILLOCHE_ADMIN_SERVICE_PORT", "8081"),
            ("GUILLOCHE_RISK_PORT", "tcp://10.96.11.8:80"),
            ("GUILLOCHE_RISK_PORT_80_TCP", "tcp://10.96.11.8:80"),
        ] {
            assert!(is_injected(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("GUILLOCHE_LISTEN_PORT", "80"),
            ("GUILLOCHE_PORT", "8080"),
            ("GUILLOCHE_PORT", "0.0.0.0:8080"),
            ("GUILLOCHE_PORT", "http://127.0.0.1:8080"),
            ("GUILLOCHE_SERVICE_HOST", "upstream.internal"),
            ("GUILLOCHE_SERVICE_PORTS", "80"),
            ("GUILLOCHE_UPSTREAM_URI", "http://127.0.0.1:8000"),
            ("GUILLOCHE_PORT_8080", "tcp://10.96.11.7:8080"),
            ("GUILLOCHE_PORT_8080_TCP_HOST", "10.96.11.7"),
            ("GUILLOCHE_PORT_HTTP_TCP", "tcp://10.96.11.7:8080"),
            ("GUILLOCHE_", ""),
        ] {
            assert!(!is_injected(name, value), "{name}={value}");
        }
    }
}
