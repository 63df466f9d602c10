//! A copy of a request's body, taken as it passes.
//!
//! What is only observed may not keep a request waiting, nor change how it is framed. So its body goes
//! on frame by frame, and what passed is read when the answer comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http_body::Frame;

use super::budget::{Held, grown};

/// A body that is being copied; shared by the body and by who reads the copy.
#[derive(Clone, Debug)]
pub(super) struct Copying(Arc<Mutex<Taken>>);

struct Taken {
    bytes: BytesMut,
    /// The most bytes that are copied.
    cap: usize,
    held: Held,
    state: State,
}

enum State {
    Begun,
    Whole,
    TooLong,
    /// It failed, or there was no room.
    Lost,
}

/// What came of it.
pub(super) enum Copied {
    Whole(Bytes),
    /// It has more bytes than may be read of a body.
    TooLong,
    /// Not all of it was copied.
    Part,
}

/// Prints no text of the client's.
impl std::fmt::Debug for Taken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Taken").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Copying {
    pub(super) fn new(cap: usize, held: Held) -> Self {
        let taken = Taken { bytes: BytesMut::new(), cap, held, state: State::Begun };
        Self(Arc::new(Mutex::new(taken)))
    }

    /// Takes what the body gave.
    pub(super) fn take<E>(&self, frame: Option<&Result<Frame<Bytes>, E>>, is_last: bool) {
        let mut taken = self.taken();
        match frame {
            Some(Ok(frame)) => taken.add(frame.data_ref().map_or(&[][..], |bytes| bytes)),
            Some(Err(_)) => taken.stop(State::Lost),
            None => {}
        }
        if (frame.is_none() || is_last) && matches!(taken.state, State::Begun) {
            taken.state = State::Whole;
        }
    }

    /// What was copied; nothing is copied from then on.
    pub(super) fn copied(&self) -> Copied {
        let mut taken = self.taken();
        let bytes = std::mem::take(&mut taken.bytes).freeze();
        let copied = match taken.state {
            State::Whole => Copied::Whole(bytes),
            State::TooLong => Copied::TooLong,
            State::Begun | State::Lost => Copied::Part,
        };
        taken.stop(State::Lost);
        copied
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn add(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Begun) {
            return;
        }
        if self.bytes.len() + bytes.len() > self.cap {
            return self.stop(State::TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        if self.held.resize(grown(self.bytes.capacity())).is_err() {
            self.stop(State::Lost);
        }
    }

    fn stop(&mut self, state: State) {
        self.state = state;
        self.bytes = BytesMut::new();
        // Less is always room enough.
        let _ = self.held.resize(0);
    }
}
