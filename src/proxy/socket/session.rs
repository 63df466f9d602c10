//! A WebSocket from its opening to its end.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;

use futures_util::{SinkExt, StreamExt};
use http::{Request, request};
use hyper_util::rt::TokioIo;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::body::MessageBody;
use super::incoming::{Incoming, had_no_room};
use super::message::{self, Create, MessageError};
use super::outbox::Outbox;
use super::{Accepted, Patience, answer};
use crate::layer::Held;

/// Lanes in which responses are under way at once.
const LANES: usize = 8;
/// Messages that wait for their turn.
const WAITING: usize = 16;
/// Bytes that are read at once.
const READ: usize = 16 << 10;
/// How long a client may take to read a message, or to say goodbye.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Asks the stack behind, and sends what it answers as messages of a lane.
pub(in crate::proxy) type Asking =
    Box<dyn FnMut(Request<MessageBody>, Option<String>, Outbox) -> Answering + Send>;

type Answering = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A WebSocket whose server is the proxy.
pub(in crate::proxy) struct Session {
    pub(in crate::proxy) accepted: Accepted,
    pub(in crate::proxy) asking: Asking,
    pub(in crate::proxy) patience: Patience,
    /// Bytes of a message.
    pub(in crate::proxy) longest: usize,
}

impl Session {
    /// Serves it until the client leaves, nothing has been asked for too long, or the whole has taken
    /// too long.
    pub(in crate::proxy) async fn run(self) {
        let Self { accepted: Accepted { client, head, room }, asking, patience, longest } = self;
        let Ok(client) = client.await else {
            return tracing::debug!("a connection was not upgraded");
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .max_message_size(Some(longest))
            .max_frame_size(Some(longest));
        let client = Incoming::new(TokioIo::new(client), room.clone(), longest);
        let mut socket = WebSocketStream::from_raw_socket(client, Role::Server, Some(config)).await;
        let (messages, mut unsent) = Outbox::new(room);
        let mut lanes = Lanes::new(head, asking, messages);
        let due = Instant::now() + patience.total;
        let mut since = Instant::now();
        let (code, reason) = loop {
            let end = if lanes.is_idle() { due.min(since + patience.idle) } else { due };
            let received = tokio::select! {
                Some(message) = unsent.recv() => {
                    let sent = socket.send(Message::text(message.text));
                    if !matches!(timeout(PATIENCE, sent).await, Ok(Ok(()))) {
                        return;
                    }
                    continue;
                }
                Some(ended) = lanes.ended() => match ended {
                    Ok(()) => {
                        since = Instant::now();
                        continue;
                    }
                    Err(error) => {
                        tracing::error!(%error, "a response over a WebSocket was not finished");
                        break (CloseCode::Error, "a response failed");
                    }
                },
                received = socket.next() => received,
                () = sleep_until(end) => break (CloseCode::Away, "the connection has lasted too long"),
            };
            let message = match received {
                Some(Ok(message)) => message,
                Some(Err(Error::Capacity(_))) => break (CloseCode::Size, "too long a message"),
                Some(Err(error)) => match had_no_room(&error) {
                    // The rest of the message cannot be told from the next one.
                    Some(no_room) => {
                        let refused = message::refused(no_room.into(), None);
                        let _ = timeout(PATIENCE, socket.send(Message::text(refused))).await;
                        break (CloseCode::Again, "there is no room for the message");
                    }
                    None => return,
                },
                None => return,
            };
            let held = socket.get_mut().was(&message);
            let asked = match message {
                Message::Text(text) => {
                    since = Instant::now();
                    message::read(&text).and_then(|create| lanes.ask(create, held))
                }
                Message::Binary(_) => Err(MessageError::NoObject),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                Message::Close(_) => return,
            };
            let Err(error) = asked else { continue };
            let refused = socket.send(Message::text(message::refused(error, None)));
            if !matches!(timeout(PATIENCE, refused).await, Ok(Ok(()))) {
                return;
            }
        };
        let goodbye = CloseFrame { code, reason: reason.into() };
        drop(lanes);
        // A client that does not hear it has left.
        if matches!(timeout(PATIENCE, socket.send(Message::Close(Some(goodbye)))).await, Ok(Ok(())))
        {
            socket.get_mut().discard().await;
        }
    }
}

/// Responses under way, and those that wait for another of their lane.
struct Lanes {
    head: request::Parts,
    asking: Asking,
    messages: Outbox,
    /// Those under way; each ends with the name of its lane.
    active: JoinSet<Option<String>>,
    /// What waits, by lanes in which a response is under way.
    waiting: HashMap<Option<String>, VecDeque<MessageBody>>,
}

impl Lanes {
    fn new(head: request::Parts, asking: Asking, messages: Outbox) -> Self {
        Self { head, asking, messages, active: JoinSet::new(), waiting: HashMap::new() }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Asks for a response when it is its turn. Its message is `held` until then.
    fn ask(&mut self, create: Create, mut held: Held) -> Result<(), MessageError> {
        let Create { lane, body } = create;
        held.resize(body.len())?;
        let body = MessageBody::new(body, held);
        let waiting: usize = self.waiting.values().map(VecDeque::len).sum();
        let lanes = self.waiting.len();
        match self.waiting.get_mut(&lane) {
            Some(_) if waiting >= WAITING => Err(MessageError::TooMany),
            Some(waiting) => {
                waiting.push_back(body);
                Ok(())
            }
            None if lanes >= LANES => Err(MessageError::TooMany),
            None => {
                self.waiting.insert(lane.clone(), VecDeque::new());
                self.begin(lane, body);
                Ok(())
            }
        }
    }

    fn begin(&mut self, lane: Option<String>, body: MessageBody) {
        let request = answer::request(&self.head, body);
        let answering = (self.asking)(request, lane.clone(), self.messages.clone());
        self.active.spawn(async move {
            answering.await;
            lane
        });
    }

    /// A response has ended, and the next of its lane begins; `None` if none is under way.
    async fn ended(&mut self) -> Option<Result<(), JoinError>> {
        let lane = match self.active.join_next().await? {
            Ok(lane) => lane,
            Err(error) => return Some(Err(error)),
        };
        match self.waiting.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(next) => self.begin(lane, next),
            None => drop(self.waiting.remove(&lane)),
        }
        Some(Ok(()))
    }
}
