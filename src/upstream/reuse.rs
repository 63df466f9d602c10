//! What has to be known of a connection to the upstream before it is used again.
//!
//! A server may close a connection whenever it is idle, and a request that is on its way by then gets
//! no answer. Where the server says how long it waits (`Keep-Alive: timeout=5`), the connection is
//! given up in time. Where it does not, the request is sent once more, on a new connection, if the old
//! one had answered before and broke without a byte of an answer: it was closing, and nobody has begun
//! to work on the request. Whether a byte came is told by what had come of the connection when the
//! request was given to it: the end of the answer before may be read by its own task only later.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::{Extensions, HeaderMap};
use hyper_util::client::legacy::connect::{CaptureConnection, Connected};
use tokio::time::sleep;

use super::link::{Given, Link, keep_alive};

/// Whether the peer says that it has done nothing about the request, so that it may be sent again
/// (RFC 9113, section 8.7): the stream was refused, or came after the last one that it takes.
pub(super) fn is_unprocessed(error: &(dyn Error + 'static)) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(error) = at.downcast_ref::<h2::Error>() {
            let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
            return error.is_remote() && (refused || error.is_go_away());
        }
        cause = at.source();
    }
    false
}

/// Whether the peer closed or reset the connection.
pub(super) fn is_close(error: &(dyn Error + 'static)) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(at) = cause {
        let closed = at.downcast_ref().is_some_and(|error: &hyper::Error| {
            error.is_incomplete_message() || error.is_closed() || error.is_canceled()
        });
        let reset = at.downcast_ref().is_some_and(|error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::NotConnected
            )
        });
        if closed || reset {
            return true;
        }
        cause = at.source();
    }
    false
}

/// Resolves when the connection that the request went to has ended, and nobody says so.
pub(super) async fn abandoned(connection: &mut CaptureConnection) {
    loop {
        let link = link(connection.wait_for_connection_metadata().await.as_ref());
        let Some(mut link) = link else { return std::future::pending().await };
        link.ended().await;
        // Meanwhile it may have gone to another one.
        if self::link(connection.connection_metadata().as_ref()).is_some_and(|now| now.is(&link)) {
            return;
        }
    }
}

/// The request is about to be written on the connection that was chosen for it.
pub(super) fn given(connection: &CaptureConnection) -> Option<Given> {
    link(connection.connection_metadata().as_ref()).map(|link| Given::to(link.uses()))
}

fn link(connected: Option<&Connected>) -> Option<Link> {
    let mut extras = Extensions::new();
    connected?.get_extras(&mut extras);
    extras.remove()
}

/// What happens to a connection when its answer has come to its end.
#[derive(Debug)]
pub(super) struct AfterAnswer {
    link: Link,
    /// How long it may be idle, if the server says so.
    idle: Option<Duration>,
    connection: CaptureConnection,
}

impl AfterAnswer {
    /// By the head of the answer, before the fields of the connection are removed.
    pub(super) fn of(
        headers: &HeaderMap,
        extensions: &Extensions,
        connection: CaptureConnection,
    ) -> Option<Self> {
        let link = extensions.get::<Link>()?.clone();
        Some(Self { link, idle: keep_alive(headers), connection })
    }

    /// The answer has ended.
    pub(super) fn ended(self) {
        let Self { link, idle, connection } = self;
        let answers = link.answered();
        // It is not used again then; one that is in use goes on to the end of its answer.
        let give_up = move || {
            connection.connection_metadata().as_ref().inspect(|connection| connection.poison());
        };
        match idle {
            None => {}
            Some(Duration::ZERO) => give_up(),
            Some(idle) => drop(tokio::spawn(async move {
                sleep(idle).await;
                if link.answers() == answers {
                    give_up();
                }
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http::{Request, Uri};
    use http_body_util::Empty;
    use hyper_util::client::legacy;
    use hyper_util::client::legacy::connect::{Connection, capture_connection};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

    use super::super::link::{Counted, LAST_WORD};
    use super::*;

    /// One end of a pipe, as a connection.
    struct Pipe(DuplexStream);

    impl Connection for Pipe {
        fn connected(&self) -> Connected {
            Connected::new()
        }
    }

    impl AsyncRead for Pipe {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }

    /// A connection that ends without a word is one whose sender is gone while the client library
    /// still waits. Fails when only the library is asked: it waits for ever.
    #[tokio::test(start_paused = true)]
    async fn a_request_whose_connection_is_gone_is_known_to_be_abandoned() {
        let (near, far) = tokio::io::duplex(1024);
        let mut counted = Counted::new(Pipe(near), false);
        // What tells of the connection's end is kept here, and let go below.
        let open = counted.end_told_by();
        let connection = Arc::new(Mutex::new(Some(counted)));
        let connector = tower::service_fn(move |_: Uri| {
            let connection = connection.lock().unwrap().take().unwrap();
            std::future::ready(Ok::<_, Infallible>(TokioIo::new(connection)))
        });
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let mut request = Request::get("http://upstream/").body(Empty::<Bytes>::new()).unwrap();
        let mut captured = capture_connection(&mut request);
        let answer = tokio::spawn(client.request(request));

        let still_open = tokio::time::timeout(LAST_WORD * 10, abandoned(&mut captured)).await;
        assert!(still_open.is_err());
        drop(open);
        abandoned(&mut captured).await;
        assert!(!answer.is_finished());
        drop(far);
    }
}
