//! The layer in an axum application that serves its own model.
//!
//! `cargo run --example axum_app`
//!
//! A middleware of the application's own plays the detector: it leaves an assessment in the
//! request's extensions. The defense is a `Router::layer` inside it.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use guilloche::layer::DefenseLayer;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A model that thinks aloud.
async fn completions(Json(_): Json<Value>) -> Json<Value> {
    Json(json!({
        "object": "chat.completion",
        "model": "m",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "reasoning_content": "Six sevens. Seven, fourteen, twenty-one, …",
                "content": "42",
            },
            "finish_reason": "stop",
        }],
    }))
}

/// Where a real application asks its detector.
async fn detect(mut request: Request, next: Next) -> Response {
    if let Ok(assessment) = assess(&request) {
        request.extensions_mut().insert(assessment);
    }
    next.run(request).await
}

fn assess(request: &Request) -> Result<Assessment, Error> {
    let account = request
        .headers()
        .get("x-account")
        .map_or("anonymous", |value| value.to_str().unwrap_or("?"));
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(60) };
    let score = if account == "harvester" { 0.8 } else { 0.1 };
    Ok(Assessment {
        principal: Principal::of(AccountId::new(account)?),
        risk: Risk::Known(RiskScore::new(score, validity)?),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let policy = Policy::load("policies/reasoning-only.toml")?;
    let application = Router::new()
        .route("/v1/chat/completions", post(completions))
        .layer(DefenseLayer::new(policy)?)
        .layer(from_fn(detect));

    // In production: `axum::serve(listener, application)`. Here each caller asks once.
    for account in ["ordinary", "harvester"] {
        let request = Request::post("/v1/chat/completions")
            .header("content-type", "application/json")
            .header("x-account", account)
            .body(axum::body::Body::from(json!({"model": "m", "messages": []}).to_string()))?;
        let response = application.clone().oneshot(request).await?;
        let body = response.into_body().collect().await?.to_bytes();
        let answer: Value = serde_json::from_slice(&body)?;
        let message = answer.pointer("/choices/0/message").cloned().unwrap_or_default();
        println!("{account}: {message}");
        let reasoning = message.get("reasoning_content").and_then(Value::as_str);
        assert_eq!(reasoning == Some(""), account == "harvester");
    }
    Ok(())
}
