//! Upstreams, clients and a running proxy. Nothing here sleeps: tests wait for what they caused.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use guilloche::proxy::{Config, Proxy};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type BoxBody = UnsyncBoxBody<Bytes, BoxError>;
pub(crate) type HttpClient = Client<HttpConnector, BoxBody>;

/// A wait that would otherwise never end fails the test instead.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("it never happened")
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> BoxBody {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Sends the frames of a body; [`mpsc::Sender::closed`] resolves when the body is dropped.
pub(crate) type Frames = mpsc::Sender<Result<Frame<Bytes>, BoxError>>;

pub(crate) fn channel() -> (Frames, BoxBody) {
    let (frames, mut queue) = mpsc::channel(1);
    let stream = futures_util::stream::poll_fn(move |context| queue.poll_recv(context));
    (frames, StreamBody::new(stream).boxed_unsync())
}

pub(crate) async fn send(frames: &Frames, data: &'static [u8]) {
    soon(frames.send(Ok(Frame::data(Bytes::from_static(data))))).await.unwrap();
}

/// An upstream that answers each request as `handler` does.
pub(crate) async fn upstream<H, F>(handler: H) -> SocketAddr
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<BoxBody>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let handler = handler.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = handler(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// An upstream that answers its one request with a body that the test sends.
pub(crate) async fn streaming_upstream() -> (SocketAddr, mpsc::Receiver<Frames>) {
    let (bodies, receiver) = mpsc::channel(8);
    let address = upstream(move |request| {
        let bodies = bodies.clone();
        async move {
            // A server of hyper's that has not read the request does not notice its client leave.
            request.into_body().collect().await.unwrap();
            let (frames, body) = channel();
            bodies.send(frames).await.unwrap();
            Response::new(body)
        }
    })
    .await;
    (address, receiver)
}

/// A running proxy.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) ended: JoinHandle<()>,
}

pub(crate) fn config(upstream: &str, more: &[(&str, &str)]) -> Config {
    let text = format!("[upstream]\nurl = \"{upstream}\"\n");
    let mut environment = BTreeMap::from([
        ("GUILLOCHE_LISTEN_ADDRESS".to_owned(), "127.0.0.1:0".to_owned()),
        ("GUILLOCHE_ADMIN_ADDRESS".to_owned(), "127.0.0.1:0".to_owned()),
        // As `guilloche serve` has them. Without, the test's own runtime would serve.
        ("GUILLOCHE_LISTEN_WORKERS".to_owned(), "2".to_owned()),
    ]);
    for (name, value) in more {
        environment.insert(format!("GUILLOCHE_{name}"), (*value).to_owned());
    }
    Config::parse("test.toml", &text, &environment).unwrap()
}

pub(crate) async fn run(config: Config) -> Running {
    let proxy = Proxy::bind(config).await.unwrap();
    let (address, admin) = (proxy.address(), proxy.admin_address().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        proxy.run(async { drop(stopped.await) }).await.unwrap();
    });
    Running { address, admin, stop, ended }
}

/// A proxy in front of `upstream` with the fields that `more` names.
pub(crate) async fn proxy(upstream: SocketAddr, more: &[(&str, &str)]) -> Running {
    run(config(&format!("http://{upstream}"), more)).await
}

pub(crate) fn client(http2: bool) -> HttpClient {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

pub(crate) fn request(address: SocketAddr, path: &str, body: BoxBody) -> Request<BoxBody> {
    Request::post(format!("http://{address}{path}")).body(body).unwrap()
}

/// Sends `head` as it stands and reads until the connection ends.
pub(crate) async fn raw(address: SocketAddr, head: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// The body of a `GET` of the admin listener's, and its status.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let request = Request::get(format!("http://{address}{path}")).body(full("")).unwrap();
    let response = soon(client(false).request(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
