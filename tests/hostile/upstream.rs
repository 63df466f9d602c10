//! An upstream that is no HTTP server: it reads requests as strictly as a cautious server does and
//! writes whatever bytes a case wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::process::soon;

/// The bytes of an answer, head included, in the pieces in which they are written. The connection
/// is closed behind them.
pub(crate) type Answer = Arc<dyn Fn() -> Box<dyn Iterator<Item = Bytes> + Send> + Send + Sync>;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
pub(crate) struct Upstream {
    pub(crate) address: String,
    /// Answers by the value of `x-case`; a request without one gets [`PLAIN`].
    answers: Mutex<HashMap<String, Answer>>,
    /// What lets the second half of a witness's stream go, by the value of `x-witness`.
    witnesses: Mutex<HashMap<String, Arc<Notify>>>,
    /// Every request but those of witnesses.
    seen: Mutex<Vec<Seen>>,
    /// Connections on which an answer is being played, to the end of the connection.
    answering: watch::Sender<usize>,
    /// What the proxy forwarded and never should have.
    violations: Mutex<Vec<String>>,
}

/// What chat clients are answered unless a case says otherwise.
pub(crate) const PLAIN: &str = r#"{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"hidden-thought","content":"visible-answer"},"finish_reason":"stop"}]}"#;

/// The two halves of a witness's stream: odd on purpose, so that a byte touched is a byte seen.
pub(crate) const WITNESS: [&str; 2] = [
    ": hi\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"caf\\u00e9\"}} ]}\n\n",
    "id: 7\ndata:{\"choices\": [{\"delta\":{\"content\":\"1.10\"},\"index\":0}]}\r\n\r\ndata: [DONE]\n\n",
];

impl Upstream {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let upstream = Arc::new(Self { address, ..Self::default() });
        let shared = Arc::clone(&upstream);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let kept = Arc::clone(&shared);
                    // An error is a proxy that has closed the connection.
                    let served = tokio::spawn(async move { drop(shared.serve(stream).await) });
                    if let Err(panic) = served.await {
                        kept.violations.lock().unwrap().push(panic.to_string());
                    }
                });
            }
        });
        upstream
    }

    pub(crate) fn answers(&self, case: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(case.to_owned(), answer);
    }

    /// Prepares the stream of a witness; [`Notify::notify_one`] lets its second half go.
    pub(crate) fn witness(&self, name: &str) -> Arc<Notify> {
        let half = Arc::new(Notify::new());
        self.witnesses.lock().unwrap().insert(name.to_owned(), Arc::clone(&half));
        half
    }

    /// The requests that have arrived since the last call, but for those of witnesses.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Waits until the connections of all answers are closed on both sides. Until then the proxy
    /// may give one of them to the next request, which is lost with it: HTTP/1.1 has no remedy for
    /// a server that closes a connection without having said so (RFC 9112 section 9.5).
    pub(crate) async fn settled(&self) {
        let mut answering = self.answering.subscribe();
        soon(answering.wait_for(|count| *count == 0)).await.unwrap();
    }

    /// What the proxy forwarded and never should have, so far.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let _ = stream.set_nodelay(true);
        let mut stream = BufReader::new(stream);
        while let Some(seen) = read(&mut stream).await? {
            if let Some(name) = seen.field("x-witness") {
                let half = Arc::clone(&self.witnesses.lock().unwrap()[name]);
                self.stream_to_witness(&mut stream, &half).await?;
                continue;
            }
            let case = seen.field("x-case").unwrap_or_default().to_owned();
            let says_nothing =
                seen.line.starts_with("OPTIONS") || seen.line.contains(" /v1/models ");
            self.seen.lock().unwrap().push(seen);
            let answer = self.answers.lock().unwrap().get(&case).cloned();
            let Some(answer) = answer else {
                let body = if says_nothing { "{}" } else { PLAIN };
                stream.write_all(json_answer(body).as_bytes()).await?;
                continue;
            };
            self.answering.send_modify(|count| *count += 1);
            let played = play(&mut stream, &answer).await;
            self.answering.send_modify(|count| *count -= 1);
            return played;
        }
        Ok(())
    }

    async fn stream_to_witness(
        &self,
        stream: &mut BufReader<TcpStream>,
        half: &Notify,
    ) -> std::io::Result<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = |data: &str| format!("{:x}\r\n{data}\r\n", data.len());
        stream.write_all(format!("{head}{}", chunk(WITNESS[0])).as_bytes()).await?;
        stream.flush().await?;
        half.notified().await;
        stream.write_all(format!("{}0\r\n\r\n", chunk(WITNESS[1])).as_bytes()).await?;
        stream.flush().await
    }
}

/// Writes an answer, ends the connection, and waits for the proxy to end it too.
async fn play(stream: &mut BufReader<TcpStream>, answer: &Answer) -> std::io::Result<()> {
    for piece in answer() {
        stream.write_all(&piece).await?;
        stream.flush().await?;
    }
    stream.shutdown().await?;
    let _rest = stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// A well-formed answer with a JSON body.
pub(crate) fn json_answer(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Reads one request; `None` at the end of the connection. Panics on what a proxy must never
/// forward: what two servers could read differently.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Seen>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut fields = Vec::new();
    loop {
        let mut field = Vec::new();
        if stream.read_until(b'\n', &mut field).await? == 0 {
            return Ok(None);
        }
        let field = field.strip_suffix(b"\r\n").expect("a field that ends in CRLF");
        if field.is_empty() {
            break;
        }
        let colon = field.iter().position(|byte| *byte == b':').expect("a field with a colon");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(!field[..colon].iter().any(u8::is_ascii_whitespace), "{}", text(field));
        fields.push((text(&field[..colon]).to_ascii_lowercase(), text(&field[colon + 1..])));
    }
    let mut seen = Seen { line: line.trim_end().to_owned(), fields, body: Vec::new() };
    let framings: Vec<&str> = seen
        .fields
        .iter()
        .filter(|(name, _)| name == "content-length" || name == "transfer-encoding")
        .map(|(_, value)| value.as_str())
        .collect();
    match framings[..] {
        [] => {}
        ["chunked"] => loop {
            let mut size = String::new();
            if stream.read_line(&mut size).await? == 0 {
                // The proxy has given the request up.
                return Ok(None);
            }
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap_or_else(|_| {
                panic!("a chunk of size {size:?} behind {} bytes: {}", seen.body.len(), seen.line)
            });
            let start = seen.body.len();
            seen.body.resize(start + size + 2, 0);
            stream.read_exact(&mut seen.body[start..]).await?;
            seen.body.truncate(start + size);
            if size == 0 {
                break;
            }
        },
        [length] => {
            seen.body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut seen.body).await?;
        }
        _ => panic!("a request framed twice was forwarded: {seen:?}"),
    }
    Ok(Some(seen))
}
