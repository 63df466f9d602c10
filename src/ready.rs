//! What is there at once, or has to be waited for.
//!
//! Most of what decides about a request is known in this process, and must cost no more than a call.
//! Some has to be asked elsewhere: a detector, a store that replicas share. An `async` method would
//! allocate for both; this allocates where something is waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A value, or the future of one.
///
/// ```
/// use guilloche::ready::MaybeReady;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let known = MaybeReady::Ready(1);
/// let asked = MaybeReady::wait(async { 2 });
/// assert_eq!(known.get().await + asked.get().await, 3);
/// # }
/// ```
pub enum MaybeReady<T> {
    /// It is there.
    Ready(T),
    /// It comes. Whoever drops it does not want it any more.
    Waiting(Waiting<T>),
}

/// A value that comes.
pub type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T> MaybeReady<T> {
    /// What has to be waited for.
    pub fn wait(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Waiting(Box::pin(future))
    }

    /// The value, once it is there.
    pub async fn get(self) -> T {
        match self {
            Self::Ready(value) => value,
            Self::Waiting(waiting) => waiting.await,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for MaybeReady<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(value) => formatter.debug_tuple("Ready").field(value).finish(),
            Self::Waiting(_) => formatter.debug_tuple("Waiting").finish_non_exhaustive(),
        }
    }
}
