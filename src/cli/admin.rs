//! Asks the admin listener of a running proxy.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::Failure;

/// A status is a page.
const MOST_BYTES: usize = 1 << 20;

/// Asks `uri`, as `http://127.0.0.1:8081/status`, and blocks at most for `patience`.
pub(super) fn ask(uri: &Uri, patience: Duration) -> Result<(StatusCode, Bytes), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async { timeout(patience, exchange(uri)).await });
    let answer = answer.map_err(|_| format!("{uri} does not answer"))?;
    Ok(answer.map_err(|error| format!("{uri} cannot be asked: {error}"))?)
}

async fn exchange(uri: &Uri) -> Result<(StatusCode, Bytes), Failure> {
    let authority = uri.authority().ok_or("an address as http://127.0.0.1:8081 is needed")?;
    if uri.scheme_str() != Some("http") {
        return Err("the admin listener speaks plain `http`".into());
    }
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender and the body that is being read.
    tokio::spawn(async move { drop(connection.await) });
    let request =
        Request::get(uri.path()).header(HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, Limited::new(response.into_body(), MOST_BYTES).collect().await?.to_bytes()))
}
