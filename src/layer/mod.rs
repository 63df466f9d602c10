//! The `tower` layer: one choke point between a client and an inference server.
//!
//! [`DefenseLayer`] wraps any HTTP service that answers requests to the endpoints in
//! [`wire`](crate::wire). For each request it asks a [`RiskSource`](crate::risk::RiskSource) who is
//! calling and how risky they are, lets the [`Policy`](crate::policy::Policy) decide, and carries
//! the decision out on the request, its answer, or both. A caller below the first grade gets the
//! inner service's bytes, unread.
//!
//! Put it inside any compression layer, since it cannot read compressed bodies, and outside
//! whatever adds credentials for the upstream. It strips the headers that risk scores and decisions
//! travel in, so nothing in front of it can be impersonated by a client, and nothing behind it sees
//! a score.
//!
//! ```
//! use bytes::Bytes;
//! use guilloche::{layer::DefenseLayer, policy::Policy, risk};
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::parse("ladder.toml", r#"
//!     version = 1
//!     name = "ladder"
//!     mode = "enforce"
//!     [[grade]]
//!     name = "withhold"
//!     at = 0.5
//!     reasoning = { keep = "none" }
//! "#)?;
//! // Any service that answers chat completions: here, one that thinks aloud.
//! let server = service_fn(async |_: Request<_>| {
//!     let answer = r#"{"choices":[{"message":{"reasoning_content":"2 and 2","content":"4"}}]}"#;
//!     let response = Response::builder().header("content-type", "application/json");
//!     response.body(Full::new(Bytes::from(answer)))
//! });
//! let defended = DefenseLayer::new(policy)?.layer(server);
//!
//! // A detector in the same process leaves its assessment in the request's extensions.
//! let validity = risk::Validity {
//!     issued: jiff::Timestamp::now(),
//!     ttl: std::time::Duration::from_secs(60),
//! };
//! let suspicious = risk::Assessment {
//!     principal: risk::Principal::of(risk::AccountId::new("account-1")?),
//!     risk: risk::Risk::Known(risk::RiskScore::new(0.9, validity)?),
//! };
//! let request = Request::post("/v1/chat/completions")
//!     .extension(suspicious)
//!     .body(Full::new(Bytes::from(r#"{"model":"m","messages":[]}"#)))?;
//! let answer = defended.oneshot(request).await?.into_body().collect().await?.to_bytes();
//! assert_eq!(answer, r#"{"choices":[{"message":{"reasoning_content":"","content":"4"}}]}"#);
//! # Ok(())
//! # }
//! ```

mod admission;
mod applied;
mod arms;
mod arrival;
mod begun;
mod body;
mod budget;
mod builder;
mod carrier;
mod copied;
mod cumulative;
mod document;
mod dry_run;
mod dry_runs;
mod ending;
mod error;
mod estimate;
mod exchange;
mod fields;
mod form;
mod future;
mod guard;
mod handle;
mod head;
mod history;
mod hook;
mod inline_reasoning;
mod lanes;
mod late;
mod numbering;
mod open_lane;
mod outcome;
mod reading;
mod recalled;
mod record;
mod refusal;
mod refused;
mod repeating;
mod request_body;
mod rewrite;
mod sealing;
mod sequence;
mod service;
mod shared;
mod socket;
mod stream;
mod summarizer;
mod summarizing;
mod teed;
mod timing;
mod tokens;
mod trials;
mod turns;
mod unmarking;
mod unsealing;
mod volume;

pub use body::DefenseBody;
pub use builder::{DefenseBuilder, DefenseHandle, DefenseLayer};
pub use error::{BodyError, BoxError};
pub use future::ResponseFuture;
pub use hook::{AtEnd, Decided, End, Hook};
pub use request_body::RequestBody;
pub use service::Defense;
pub use shared::Caps;
pub use summarizer::{Summarizer, SummaryLimits};

// For the proxy, which holds what waits on a WebSocket.
#[cfg(feature = "proxy")]
pub(crate) use budget::{Held, NoRoom, Room};
// For the proxy, which says the same to those who have reached no grade.
#[cfg(feature = "proxy")]
pub(crate) use refusal::too_slow;
#[cfg(feature = "proxy")]
pub(crate) use socket::{AskedBy, CarriesAnswers};
