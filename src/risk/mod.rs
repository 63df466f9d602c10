//! Who is calling, and how suspicious they are.
//!
//! An upstream detector of distillation attacks knows both; this room takes its word, from the same
//! process ([`FromExtension`]), from a signed header ([`SignedHeader`]) or from a trusted peer
//! ([`PeerHeader`]), and refuses anyone else's. Risk that cannot be relied on is
//! [`Risk::Unknown`] with a reason: never "clean", and never a licence to act as the account that a
//! bad header names.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use guilloche::risk::{
//!     AccountId, Context, Principal, Reports, Risk, RiskClaim, RiskScore, RiskSource, SignedHeader,
//!     Signer, SigningKey, Validity,
//! };
//!
//! let key = SigningKey::new("2026-11", &[7; 32])?;
//! let now = jiff::Timestamp::from_second(1_763_856_000)?;
//!
//! // The detector:
//! let score = RiskScore::new(0.87, Validity { issued: now, ttl: Duration::from_secs(300) })?;
//! let claim = RiskClaim::new(Principal::of(AccountId::new("acct-1")?), score.clone());
//! let (mut request, ()) = http::Request::post("/v1/messages").body(())?.into_parts();
//! let fields = Signer::new(key.clone()).sign(&claim, &request.method, request.uri.path(), now)?;
//! fields.apply(&mut request.headers)?;
//!
//! // This side:
//! let reports = Arc::new(Reports::default());
//! let source = SignedHeader::new(Context::new(reports)?, vec![key]);
//! assert_eq!(source.assess(&request, now).risk, Risk::Known(score));
//! source.strip(&mut request.headers);
//! assert!(request.headers.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc = include_str!("../../docs/risk-header.md")]
pub mod contract {}

pub mod assessment;
pub mod certified;
pub mod claim;
pub mod credential;
pub mod fields;
pub mod key;
pub mod principal;
pub mod reports;
pub mod score;
pub mod settings;
mod signature;
pub mod signer;
pub mod source;
mod unknown;

pub use assessment::{Assessment, Risk};
pub use certified::{CertifiedPeer, ClientNames};
pub use claim::RiskClaim;
pub use credential::Credentials;
pub use fields::{DEFAULT_LABEL, strip};
pub use key::{KeyError, SigningKey};
pub use principal::{AccountId, ClusterId, IdentifierError, Principal, TenantId};
pub use reports::Reports;
pub use score::{RiskScore, ScoreError, Validity};
pub use settings::RiskSettings;
pub use signer::{SignedFields, Signer};
pub use source::{Context, FirstKnown, FromExtension, PeerHeader, RiskSource, SignedHeader};
pub use unknown::UnknownReason;
