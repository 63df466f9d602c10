//! The signal to stop.

use std::future::Future;
use std::io;

/// Resolves at the first SIGTERM or SIGINT; elsewhere than on Unix, at Ctrl-C.
///
/// # Errors
/// When the system refuses to have its signals handled.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves at the first SIGTERM or SIGINT; elsewhere than on Unix, at Ctrl-C.
///
/// # Errors
/// None here: a system that refuses is noticed when it is waited for.
#[cfg(not(unix))]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
