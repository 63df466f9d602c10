//! The layer around a hyper client: countermeasures in a service that calls a model server itself.
//!
//! `cargo run --example hyper_client`
//!
//! A stream is rewritten on its way from the server's socket to the caller of the client.

use std::time::Duration;

use bytes::Bytes;
use guilloche::layer::DefenseLayer;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

type Error = Box<dyn std::error::Error + Send + Sync>;

const STREAM: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"Six sevens.\"}}]}\n\n\
                      data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"42\"}}]}\n\n\
                      data: [DONE]\n\n";

/// A model server that answers one request with a stream.
async fn serve(listener: TcpListener) -> Result<(), Error> {
    let (stream, _) = listener.accept().await?;
    let service = hyper::service::service_fn(|_: Request<hyper::body::Incoming>| async {
        let response = http::Response::builder().header("content-type", "text/event-stream");
        response.body(Full::new(Bytes::from(STREAM)))
    });
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener));

    let policy = Policy::load("policies/reasoning-only.toml")?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let defended = DefenseLayer::new(policy)?.layer(client);

    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(60) };
    let suspicious = Assessment {
        principal: Principal::of(AccountId::new("account-7")?),
        risk: Risk::Known(RiskScore::new(0.9, validity)?),
    };
    let request = Request::post(format!("http://{address}/v1/chat/completions"))
        .extension(suspicious)
        .body(Full::new(Bytes::from(r#"{"model":"m","stream":true,"messages":[]}"#)))?;
    let response = defended.oneshot(request).await?;
    let received = response.into_body().collect().await?.to_bytes();
    tokio::io::stdout().write_all(&received).await?;
    assert!(!received.windows(3).any(|window| window == b"Six"));
    assert!(received.ends_with(b"data: [DONE]\n\n"));
    Ok(())
}
