//! The signals to stop, and to read the configuration again.

use std::future::Future;
use std::io;

use super::reload::{Reloader, Trigger};

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

/// Has the configuration read again at each SIGHUP, as long as it is polled. How that ended is in the
/// log. Elsewhere than on Unix there is no such signal, and this waits for good.
///
/// # Errors
/// When the system refuses to have its signals handled.
#[cfg(unix)]
pub fn reload_at_signal(
    reloader: Reloader,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        while hang_up.recv().await.is_some() {
            // What is wrong has been told.
            let _ = reloader.order(Trigger::Signal).await;
        }
    })
}

/// Has the configuration read again at each SIGHUP, as long as it is polled. How that ended is in the
/// log. Elsewhere than on Unix there is no such signal, and this waits for good.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn reload_at_signal(
    _reloader: Reloader,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(std::future::pending())
}
