//! Answers that a WebSocket carries.
//!
//! Nothing reads a WebSocket, so a caller for whom something is done is told to ask without one. A
//! server in front that can carry answers over one says so in the request. It learns whom the request
//! is from, and asks for each answer by a request of its own, which is decided about as any other is.

use super::budget::Room;
use crate::risk::Assessment;

/// Among the extensions of a request that asks for a WebSocket: answers can be carried over one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CarriesAnswers;

/// Among the extensions of the answer to such a request, and of the requests that come of it: whom they
/// are from, as was found when the WebSocket was opened. What was signed for one request is not signed
/// for the others, and a score that has expired meanwhile must not make its caller unknown.
#[derive(Clone, Debug)]
pub(crate) struct AskedBy {
    pub(super) assessment: Assessment,
    /// Where what the WebSocket holds of its caller's is counted.
    #[cfg_attr(
        not(feature = "proxy"),
        expect(dead_code, reason = "only the proxy has WebSockets")
    )]
    room: Room,
}

impl AskedBy {
    pub(super) fn new(assessment: Assessment, room: Room) -> Self {
        Self { assessment, room }
    }

    #[cfg(feature = "proxy")]
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }
}
