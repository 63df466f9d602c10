//! The reverse proxy: the defense as a service of its own, in front of one inference server.
//!
//! ```text
//! client ─ server ─ front ─ stack (the defense) ─ upstream
//!          bounds   checks,   one layer call       pool, TLS,
//!                   log, metrics                   time limits
//! ```
//!
//! What is not touched by the defense passes as it came: the same frames and bytes, all fields but
//! those of the connection itself, and nothing added. The answer's body wraps the upstream's, so a
//! client that leaves cancels the upstream, and an upstream that breaks off is seen by the client
//! as a failure.
//!
//! ```no_run
//! use guilloche::proxy::{Config, Proxy, shutdown_signal};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::load("guilloche.toml", &Default::default())?;
//! let proxy = Proxy::bind(config).await?;
//! let address = proxy.address();
//! proxy.run(shutdown_signal()?).await?;
//! # Ok(())
//! # }
//! ```

mod admin;
mod arrivals;
mod browser;
pub mod config;
mod connection;
mod cors;
mod decided;
mod delivery;
mod ending;
mod experiments;
mod failure;
mod forwarded;
mod front;
mod head_timer;
mod history;
mod marks;
mod metrics;
mod notices;
mod page;
mod passed;
mod probe;
mod proxy_protocol;
mod recent;
mod rehearsal;
mod reload;
mod report;
mod request_body;
mod run;
mod seen;
mod server;
mod signal;
mod socket;
mod stack;
mod start_error;
mod summaries;
mod summarizer;
mod target;
mod tls;
#[cfg(feature = "otel")]
mod traces;
mod traffic;
mod tunnel;
mod unread;
#[cfg(not(feature = "otel"))]
mod untraced;
mod workers;

#[cfg(not(feature = "otel"))]
use untraced as traces;

pub use config::{Config, ConfigError, ConfigErrors};
pub use forwarded::Forwarded;
pub use history::{History, Served};
pub use rehearsal::Rehearsal;
pub use reload::{ReloadError, Reloaded, Reloader};
pub use run::Proxy;
pub use server::serve_service;
pub use signal::{reload_at_signal, shutdown_signal};
pub use start_error::StartError;
pub use tls::TlsFileError;
