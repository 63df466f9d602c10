//! Rates and leases that are kept per subject: a hashed account, a cluster of accounts.
//!
//! A request is admitted by all of its limits or charged to none ([`Limiter::reserve`]). What a
//! language model will use is not known before it has answered: an estimate is reserved, what is
//! used is charged as it streams, and the difference is settled at the end ([`Reservation`]).
//! Neither `governor`, which refuses more than a burst and cannot refund, nor tower's
//! `ConcurrencyLimit`, which frees its permit at the response head, can do that.
//!
//! [`Pacer`] holds streams to a token rate that a subject's streams share; [`first_token_delay`]
//! is a delay that averaging does not remove. All of it takes the time as an argument, and none
//! of it grows with the number of subjects seen. The limiter is one [`Store`]; another may keep rates
//! where replicas share them, and be waited for.
//!
//! A refund gives back what was reserved, also where time has since paid for it. So what is
//! admitted within any window is at most the burst, what the rate gives in the window, and what
//! is refunded in it; use beyond an estimate comes on top, as debt.
//!
//! ```
//! use std::{num::NonZeroU64, time::Duration};
//! use guilloche::limit::{Amounts, Demand, Dimension, Enforcement, Limiter, Limits, Quota, Subject};
//! use tokio::time::Instant;
//!
//! let start = Instant::now();
//! let limiter = Limiter::new(100_000, start);
//! let thousand = NonZeroU64::new(1000).unwrap();
//! let limits = Limits {
//!     output_tokens: Some(Quota { amount: thousand, period: Duration::from_secs(60), burst: thousand }),
//!     ..Limits::default()
//! };
//! let demand = Demand {
//!     subject: Subject::derive(&[7; 32], "account", b"alice"),
//!     scope: "account",
//!     limits,
//!     estimate: Amounts { requests: 1, output_tokens: 800, ..Amounts::default() },
//!     enforcement: Enforcement::Enforce,
//! };
//!
//! let first = limiter.reserve(&[demand], start)?;
//! let denied = limiter.reserve(&[demand], start).unwrap_err();
//! assert_eq!((denied.dimension, denied.retry_after), (Dimension::OutputTokens, Duration::from_secs(36)));
//!
//! first.settle(Amounts { requests: 1, output_tokens: 150, ..Amounts::default() }, start);
//! let second = limiter.reserve(&[demand], start)?;
//! # drop(second);
//! # Ok::<(), guilloche::limit::Denied>(())
//! ```

mod delay;
mod demand;
mod fields;
mod gcra;
mod limiter;
mod pacer;
mod quota;
mod reservation;
mod settlements;
mod state;
mod store;
mod subject;
mod table;

pub use delay::first_token_delay;
pub use demand::{Demand, Denied, Enforcement, retry_after_seconds};
pub use fields::{FieldNames, RateLimitFields};
pub use limiter::Limiter;
pub use pacer::{Expected, Pacer, Turn};
pub use quota::{Amounts, Dimension, Limits, Metered, Quota, QuotaState};
pub use reservation::Reservation;
pub use settlements::{Reserving, Settled, Settlements};
pub use store::{Admission, Advertised, Granted, Lease, Refused, Store};
pub(crate) use subject::BySubject;
pub use subject::Subject;
pub use table::Occupancy;
