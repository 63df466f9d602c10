//! Messages on their way to a client.

use tokio::sync::mpsc;

use crate::layer::{Held, Room};
use crate::secret::opaque_debug;

/// Messages that wait to be sent; an answer whose client does not read waits with them.
const UNSENT: usize = 16;

/// Bytes of a message that is not counted: so few of them wait that they take little.
pub(super) const SHORT: usize = 16 << 10;

/// Where the messages of a WebSocket are put that are to be sent.
#[derive(Clone)]
pub(in crate::proxy) struct Outbox {
    unsent: mpsc::Sender<Unsent>,
    room: Room,
}

/// A message, held until it is sent.
pub(super) struct Unsent {
    pub(super) text: String,
    _held: Held,
}

opaque_debug!(Outbox, Unsent);

/// Why a message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSent {
    /// There is no room for it.
    NoRoom,
    /// Nobody listens any more.
    Left,
}

impl Outbox {
    pub(super) fn new(room: Room) -> (Self, mpsc::Receiver<Unsent>) {
        let (unsent, receiver) = mpsc::channel(UNSENT);
        (Self { unsent, room }, receiver)
    }

    /// Room for what is to become a message.
    pub(super) fn room(&self) -> Held {
        self.room.take()
    }

    /// Has a message sent when those before it are.
    pub(super) async fn put(&self, text: String) -> Result<(), NotSent> {
        let mut held = self.room.take();
        let bytes = if text.len() < SHORT { 0 } else { text.len() };
        held.resize(bytes).map_err(|_| NotSent::NoRoom)?;
        self.unsent.send(Unsent { text, _held: held }).await.map_err(|_| NotSent::Left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when what a client does not read is held outside of what may be held.
    #[tokio::test(start_paused = true)]
    async fn what_waits_to_be_sent_is_held_until_it_is_sent() {
        let (outbox, mut unsent) = Outbox::new(Room::of(64 << 10));
        let long = || "x".repeat(40 << 10);
        outbox.put(long()).await.unwrap();
        assert_eq!(outbox.put(long()).await, Err(NotSent::NoRoom));
        outbox.put("short".to_owned()).await.unwrap();
        drop(unsent.recv().await.unwrap());
        outbox.put(long()).await.unwrap();
        drop(unsent);
        assert_eq!(outbox.put("short".to_owned()).await, Err(NotSent::Left));
    }
}
