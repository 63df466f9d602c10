//! What a client has sent of a message that is not whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frames::Frames;
use crate::layer::{Held, NoRoom, Room};

/// The most bytes that are thrown away, how many at once, and how long that may take.
const REST: usize = 8 << 20;
const PIECE: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of a client's frame before what a short one says.
const FRAME: usize = 6;

/// A connection whose unfinished message is held: how long it is in all, its frames do not tell.
pub(super) struct Incoming<T> {
    io: T,
    room: Room,
    held: Held,
    bytes: usize,
    frames: Frames,
    /// What has come and is not read yet.
    ready: Vec<u8>,
    /// How much of it is.
    read: usize,
}

impl<T> Incoming<T> {
    /// `longest` is how many bytes a frame may have.
    pub(super) fn new(io: T, room: Room, longest: usize) -> Self {
        let (held, frames) = (room.take(), Frames::new(longest));
        Self { io, room, held, bytes: 0, frames, ready: Vec::new(), read: 0 }
    }

    /// Gives what is ready, as far as there is place for it; nothing if there is none.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let ready = self.ready.get(self.read..).unwrap_or_default();
        let (now, later) = ready.split_at_checked(buffer.remaining()).unwrap_or((ready, &[]));
        buffer.put_slice(now);
        self.read += now.len();
        let gave = !now.is_empty();
        if later.is_empty() {
            self.ready.clear();
            self.read = 0;
        }
        gave
    }

    /// What was read was this message. Gives what is held of it.
    pub(super) fn was(&mut self, message: &Message) -> Held {
        match message {
            // They come between the frames of others as well.
            Message::Ping(said) | Message::Pong(said) => {
                self.bytes = self.bytes.saturating_sub(said.len() + FRAME);
                self.room.take()
            }
            _ => {
                self.bytes = 0;
                std::mem::replace(&mut self.held, self.room.take())
            }
        }
    }
}

impl<T: AsyncRead + Unpin> Incoming<T> {
    /// Reads what a client goes on to send, and throws it away. If the connection were closed over it, the
    /// system would reset it, and the client might lose what it was told.
    pub(super) async fn discard(&mut self) {
        let rest = async {
            let (mut bytes, mut scratch) = (0, vec![0; PIECE]);
            while bytes < REST {
                match self.io.read(&mut scratch).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => bytes += read,
                }
            }
        };
        // Who goes on for longer does not listen.
        let _ = timeout(PATIENCE, rest).await;
    }
}

/// Why there was no room for what came over a connection, if it was given up for that.
pub(super) fn had_no_room(error: &Error) -> Option<NoRoom> {
    let Error::Io(error) = error else { return None };
    error.get_ref()?.downcast_ref().copied()
}

impl<T: AsyncRead + Unpin> AsyncRead for Incoming<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 || self.give(buffer) {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; PIECE];
        let mut scratch = ReadBuf::new(&mut scratch);
        loop {
            scratch.clear();
            ready!(Pin::new(&mut self.io).poll_read(context, &mut scratch))?;
            let come = scratch.filled();
            let bytes = self.bytes.saturating_add(come.len());
            self.bytes = bytes;
            self.held.resize(bytes).map_err(io::Error::other)?;
            let Self { frames, ready, .. } = &mut *self;
            frames.take(come, ready);
            // Of the end nothing comes, and of a head that is not whole nothing goes on.
            if come.is_empty() || self.give(buffer) {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Incoming<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when what a client sends between the frames of a message makes its beginning forgotten, or
    /// what it sends while it asks for nothing stays counted.
    #[tokio::test(start_paused = true)]
    async fn pings_neither_hide_an_unfinished_message_nor_count_as_one() {
        let ping = Message::Ping(vec![0; 100].into());
        let mut incoming = Incoming::new(tokio::io::repeat(0), Room::of(64 << 10), 1 << 20);
        for _ in 0..10_000 {
            incoming.read_exact(&mut [0; 100 + FRAME]).await.unwrap();
            incoming.was(&ping);
        }
        incoming.read_exact(&mut [0; 40 << 10]).await.unwrap();
        incoming.was(&ping);
        let error = incoming.read_exact(&mut [0; 40 << 10]).await.unwrap_err();
        assert_eq!(had_no_room(&Error::Io(error)), Some(NoRoom::Ever));
    }

    /// Fails when a message is not held from its first frame until it is done with.
    #[tokio::test(start_paused = true)]
    async fn a_message_that_has_come_is_held_as_long_as_anyone_holds_it() {
        let mut incoming = Incoming::new(tokio::io::repeat(0), Room::of(64 << 10), 1 << 20);
        incoming.read_exact(&mut [0; 40 << 10]).await.unwrap();
        let held = incoming.was(&Message::text("one"));
        assert!(incoming.read_exact(&mut [0; 40 << 10]).await.is_err());
        drop((held, incoming.was(&Message::text("two"))));
        incoming.read_exact(&mut [0; 40 << 10]).await.unwrap();
    }
}
