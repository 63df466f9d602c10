//! A WebSocket from its opening to its end.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, request};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::message::{self, Create, MessageError};
use super::{Patience, answer};

/// Lanes in which responses are under way at once.
const LANES: usize = 8;
/// Messages that wait for their turn.
const WAITING: usize = 16;
/// Messages that wait to be sent; an answer whose client does not read waits with them.
const UNSENT: usize = 16;
/// How long a client may take to read a message, or to say goodbye.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Asks the stack behind, and sends what it answers as messages of a lane.
pub(in crate::proxy) type Asking =
    Box<dyn FnMut(Request<Bytes>, Option<String>, mpsc::Sender<String>) -> Answering + Send>;

type Answering = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A WebSocket whose server is the proxy.
pub(in crate::proxy) struct Session {
    pub(in crate::proxy) client: OnUpgrade,
    /// The head of all its requests.
    pub(in crate::proxy) head: request::Parts,
    pub(in crate::proxy) asking: Asking,
    pub(in crate::proxy) patience: Patience,
    /// Bytes of a message.
    pub(in crate::proxy) longest: usize,
}

impl Session {
    /// Serves it until the client leaves, nothing has been asked for too long, or the whole has taken
    /// too long.
    pub(in crate::proxy) async fn run(self) {
        let Self { client, head, asking, patience, longest } = self;
        let Ok(client) = client.await else {
            return tracing::debug!("a connection was not upgraded");
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(longest))
            .max_frame_size(Some(longest));
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(client), Role::Server, Some(config))
                .await;
        let (mut sink, mut stream) = socket.split();
        let (messages, mut unsent) = mpsc::channel(UNSENT);
        let mut lanes = Lanes::new(head, asking, messages);
        let due = Instant::now() + patience.total;
        let mut since = Instant::now();
        let (code, reason) = loop {
            let end = if lanes.is_idle() { due.min(since + patience.idle) } else { due };
            let message = tokio::select! {
                Some(message) = unsent.recv() => message,
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
                received = stream.next() => match received {
                    Some(Ok(Message::Text(text))) => {
                        since = Instant::now();
                        match message::read(&text).and_then(|create| lanes.ask(create)) {
                            Ok(()) => continue,
                            Err(error) => message::refused(error, None),
                        }
                    }
                    Some(Ok(Message::Binary(_))) => message::refused(MessageError::NoObject, None),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Err(Error::Capacity(_))) => break (CloseCode::Size, "too long a message"),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                },
                () = sleep_until(end) => break (CloseCode::Away, "the connection has lasted too long"),
            };
            if !matches!(timeout(PATIENCE, sink.send(Message::text(message))).await, Ok(Ok(()))) {
                return;
            }
        };
        let goodbye = CloseFrame { code, reason: reason.into() };
        // A client that does not hear it has left.
        let _ = timeout(PATIENCE, sink.send(Message::Close(Some(goodbye)))).await;
    }
}

/// Responses under way, and those that wait for another of their lane.
struct Lanes {
    head: request::Parts,
    asking: Asking,
    messages: mpsc::Sender<String>,
    /// Those under way; each ends with the name of its lane.
    active: JoinSet<Option<String>>,
    /// What waits, by lanes in which a response is under way.
    waiting: HashMap<Option<String>, VecDeque<Create>>,
}

impl Lanes {
    fn new(head: request::Parts, asking: Asking, messages: mpsc::Sender<String>) -> Self {
        Self { head, asking, messages, active: JoinSet::new(), waiting: HashMap::new() }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Asks for a response when it is its turn.
    fn ask(&mut self, create: Create) -> Result<(), MessageError> {
        let waiting: usize = self.waiting.values().map(VecDeque::len).sum();
        let lanes = self.waiting.len();
        match self.waiting.get_mut(&create.lane) {
            Some(_) if waiting >= WAITING => Err(MessageError::TooMany),
            Some(lane) => {
                lane.push_back(create);
                Ok(())
            }
            None if lanes >= LANES => Err(MessageError::TooMany),
            None => {
                self.waiting.insert(create.lane.clone(), VecDeque::new());
                self.begin(create);
                Ok(())
            }
        }
    }

    fn begin(&mut self, create: Create) {
        let Create { lane, body } = create;
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
            Some(next) => self.begin(next),
            None => drop(self.waiting.remove(&lane)),
        }
        Some(Ok(()))
    }
}
