//! The signal to stop, and one that must not.

use std::future::Future;
use std::io;

/// Resolves at the first SIGTERM or SIGINT; elsewhere than on Unix, at Ctrl-C.
///
/// SIGHUP is logged and changes nothing: it would kill a process that does not handle it, and is
/// what operators send to servers to have them read their configuration again.
///
/// # Errors
/// When the system refuses to have its signals handled.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                _ = hang_up.recv() => tracing::warn!(
                    "SIGHUP: the configuration is not read again while serving; restart to change it"
                ),
            }
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
