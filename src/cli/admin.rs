//! The admin listener of a running proxy: where it is, and what it answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::HOST;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::{Failure, configuration, serve};
use crate::proxy::Config;

/// A status is a page.
const MOST_BYTES: usize = 1 << 20;

/// Which proxy is meant.
#[derive(Debug, Args)]
pub(super) struct Listener {
    /// Its admin listener [default: as `admin.address` of the configuration says]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// Its configuration, of which no more is read than that [default: the one that `serve` takes]
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    config: Option<PathBuf>,
}

impl Listener {
    /// What a path of it is reached at.
    pub(super) fn uri(self, path: &str) -> Result<Uri, Failure> {
        let Self { admin, config } = self;
        let address = match admin {
            Some(address) => address,
            None => {
                let path = configuration::find(config)?;
                let address = Config::admin_address(&path, &serve::environment());
                let address = address.map_err(|error| {
                    format!(
                        "{error}\n  so it does not tell whom to ask, and nobody was asked: mend it, or \
                         name the proxy's listener by --admin"
                    )
                })?;
                address.ok_or_else(|| {
                    format!("{}: admin.address is \"off\": nobody can be asked", path.display())
                })?
            }
        };
        Ok(format!("http://{}{path}", reached_at(address)).parse()?)
    }
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

/// Asks `uri`, as `http://127.0.0.1:8081/status`, and blocks at most for `patience`.
pub(super) fn ask(
    method: Method,
    uri: &Uri,
    patience: Duration,
) -> Result<(StatusCode, Bytes), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async { timeout(patience, exchange(method, uri)).await });
    let answer = answer.map_err(|_| format!("{uri} does not answer"))?;
    Ok(answer.map_err(|error| format!("{uri} cannot be asked: {error}"))?)
}

async fn exchange(method: Method, uri: &Uri) -> Result<(StatusCode, Bytes), Failure> {
    let authority = uri.authority().ok_or("an address as http://127.0.0.1:8081 is needed")?;
    if uri.scheme_str() != Some("http") {
        return Err("the admin listener speaks plain `http`".into());
    }
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender and the body that is being read.
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::builder().method(method).uri(uri.path());
    let request = request.header(HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, Limited::new(response.into_body(), MOST_BYTES).collect().await?.to_bytes()))
}
