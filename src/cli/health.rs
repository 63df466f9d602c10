//! `guilloche health`: whether a running proxy is ready, for containers without a shell.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use http::{StatusCode, Uri};

use super::{Answer, Failure, admin};

const EXAMPLES: &str = "Examples:
  guilloche health
  guilloche health --admin 127.0.0.1:9081 --alive

Exit status: 0 it is; 1 it is not, or does not answer; 2 wrong usage.";

/// Tell whether a running proxy is ready: not stopping, and its upstream takes connections.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Its admin listener, as `admin.address` of the configuration says.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "GUILLOCHE_ADMIN_ADDRESS",
        default_value = "127.0.0.1:8081"
    )]
    admin: SocketAddr,
    /// Whether the process is alive, whatever becomes of the upstream.
    #[arg(long)]
    alive: bool,
    /// Seconds to wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    timeout: u64,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { admin: address, alive, timeout } = arguments;
    let path = if alive { "/healthz" } else { "/readyz" };
    let uri: Uri = format!("http://{}{path}", reached_at(address)).parse()?;
    let (answer, said) = match admin::ask(&uri, Duration::from_secs(timeout)) {
        Ok((StatusCode::OK, said)) => (Answer::Done, String::from_utf8_lossy(&said).into_owned()),
        Ok((_, said)) => (Answer::No, String::from_utf8_lossy(&said).into_owned()),
        Err(error) => (Answer::No, error.to_string()),
    };
    writeln!(io::stdout().lock(), "{}", said.trim_end())?;
    Ok(answer)
}

/// Who listens everywhere is asked on this machine.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
