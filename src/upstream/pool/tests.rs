use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{advance, pause, resume, timeout};

use super::super::replay::Replay;
use super::*;
use crate::upstream::own;

const LONG: Duration = Duration::from_secs(100_000);

/// An upstream that answers as the tests say.
struct Server(TcpListener);

impl Server {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn pool(&self, most_idle: usize) -> Pool {
        let url = format!("http://{}", self.0.local_addr().unwrap()).parse().unwrap();
        let settings = own::settings(url, None, Duration::from_secs(60), most_idle).unwrap();
        Pool::new(Connector::new(&settings).unwrap(), 1 << 16, most_idle)
    }

    /// The connection that the next request comes on.
    async fn asked(&self) -> TcpStream {
        let (mut stream, _) = soon(self.0.accept()).await.unwrap();
        asked_on(&mut stream).await;
        stream
    }

    /// The connection that this request comes on, which is not answered.
    async fn asked_by<F: Future + Unpin>(&self, asking: &mut F) -> TcpStream {
        tokio::select! {
            _ = asking => panic!("nobody has answered"),
            stream = self.asked() => stream,
        }
    }

    /// A request on a new connection, answered with `fields` in its head; the connection is idle then.
    async fn serves(&self, pool: &Pool, fields: &str) -> TcpStream {
        let (status, stream) = tokio::join!(status(pool), async {
            let mut stream = self.asked().await;
            answer(&mut stream, fields).await;
            stream
        });
        assert_eq!(status, 200);
        stream
    }

    /// Whether nobody connects any more.
    fn is_left_alone(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.0.poll_accept(&mut context).is_pending()
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("it never happened")
}

async fn asked_on(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"the end") {
        assert!(soon(stream.read_buf(&mut request)).await.unwrap() > 0);
    }
}

async fn answer(stream: &mut TcpStream, fields: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\nok");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Fails when the connection is not closed.
async fn closed(stream: &mut TcpStream) {
    assert!(!matches!(soon(stream.read(&mut [0])).await, Ok(1..)));
}

fn request() -> Request<Replayed> {
    let body = Full::new(Bytes::from_static(b"the end")).map_err(|never| match never {});
    Request::post("/").body(Replay::new(body.boxed_unsync()).first()).unwrap()
}

/// Sends a request that may take as long as it likes.
async fn ask(pool: &Pool) -> Result<Response<Incoming>, PoolError> {
    pool.ask(request(), false, Instant::now() + LONG).await
}

async fn status(pool: &Pool) -> u16 {
    let response = soon(ask(pool)).await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    status
}

/// A request on a connection that the upstream knows.
async fn asks_on(pool: &Pool, stream: &mut TcpStream, fields: &str) {
    let (status, ()) = tokio::join!(status(pool), async {
        asked_on(stream).await;
        answer(stream, fields).await;
    });
    assert_eq!(status, 200);
}

fn polled<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn pass(time: Duration) {
    // What was spawned has begun to wait before.
    tokio::task::yield_now().await;
    pause();
    advance(time).await;
    resume();
}

/// Fails when the oldest is taken: a burst would keep all connections busy enough never to be given up.
#[tokio::test]
async fn the_connection_that_was_used_last_is_used_next() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let mut first = Box::pin(ask(&pool));
    let mut older = server.asked_by(&mut first).await;
    let mut second = Box::pin(ask(&pool));
    let mut newer = server.asked_by(&mut second).await;
    answer(&mut older, "").await;
    drop(soon(first).await.unwrap().into_body().collect().await.unwrap());
    answer(&mut newer, "").await;
    drop(soon(second).await.unwrap().into_body().collect().await.unwrap());
    for _ in 0..3 {
        asks_on(&pool, &mut newer, "").await;
    }
    assert!(server.is_left_alone());
}

#[tokio::test]
async fn what_nobody_comes_for_is_closed_and_so_is_everything_with_the_pool() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let mut old = server.serves(&pool, "").await;
    pass(IDLE - Duration::from_secs(1)).await;
    asks_on(&pool, &mut old, "").await;
    // Once by the request that comes too late, and once by nobody.
    pass(IDLE + Duration::from_secs(1)).await;
    let mut new = server.serves(&pool, "").await;
    closed(&mut old).await;
    pass(IDLE * 2).await;
    closed(&mut new).await;
    let mut last = server.serves(&pool, "").await;
    drop(pool);
    closed(&mut last).await;
}

/// Fails when the server's own limit is ignored, or the margin before it.
#[tokio::test]
async fn a_connection_is_used_for_as_long_as_the_server_says_and_a_second_less() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let mut stream = server.serves(&pool, "keep-alive: timeout=5\r\n").await;
    pass(Duration::from_millis(3900)).await;
    asks_on(&pool, &mut stream, "").await;
    // That answer said nothing.
    pass(Duration::from_secs(80)).await;
    asks_on(&pool, &mut stream, "").await;
    asks_on(&pool, &mut stream, "keep-alive: timeout=5\r\n").await;
    pass(Duration::from_millis(4100)).await;
    server.serves(&pool, "").await;
    closed(&mut stream).await;
}

/// Fails when an upstream can have more connections kept than are to be.
#[tokio::test]
async fn no_more_are_kept_than_may_be_idle() {
    let server = Server::new().await;
    let pool = server.pool(2);
    let mut asking = tokio::task::JoinSet::new();
    let mut streams = Vec::new();
    for _ in 0..5 {
        let pool = pool.clone();
        asking.spawn(async move { status(&pool).await });
        streams.push(server.asked().await);
    }
    for stream in &mut streams {
        answer(stream, "").await;
        assert_eq!(soon(asking.join_next()).await.unwrap().unwrap(), 200);
    }
    for stream in &mut streams.split_off(2) {
        closed(stream).await;
    }
    for stream in streams.iter_mut().rev() {
        asks_on(&pool, stream, "connection: close\r\n").await;
        closed(stream).await;
    }
}

/// Fails when a request whose connection is long in coming does not take one that is free meanwhile, or when that
/// one is lost with a request that is gone.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_waits_for_a_connection_takes_the_first_that_is_free() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = Server(socket.listen(1).unwrap());
    let pool = server.pool(8);
    let mut busy = Box::pin(ask(&pool));
    let mut stream = server.asked_by(&mut busy).await;
    // No others are let in.
    let address = server.0.local_addr().unwrap();
    let crowd = [TcpStream::connect(address).await, TcpStream::connect(address).await];
    let mut gone = Box::pin(ask(&pool));
    assert!(polled(gone.as_mut()).is_pending());
    let mut waiting = Box::pin(ask(&pool));
    assert!(polled(waiting.as_mut()).is_pending());
    answer(&mut stream, "").await;
    drop(soon(busy).await.unwrap().into_body().collect().await.unwrap());
    // It has been given the connection, and does not know it.
    drop(gone);
    let (response, ()) = tokio::join!(soon(waiting), async {
        asked_on(&mut stream).await;
        answer(&mut stream, "").await;
    });
    assert_eq!(response.unwrap().status(), 200);
    drop(crowd);
}

/// Fails when the time for one answer is the time for the next.
#[tokio::test]
async fn an_answer_that_is_late_is_given_up_and_those_before_do_not_count() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let mut stream = server.serves(&pool, "").await;
    for seconds in [10, 1000, 20, 5000] {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut asking = pin!(pool.ask(request(), false, until));
        tokio::select! {
            _ = &mut asking => panic!("nobody has answered"),
            () = asked_on(&mut stream) => {}
        }
        pass(Duration::from_secs(seconds - 1)).await;
        assert!(timeout(Duration::ZERO, &mut asking).await.is_err());
        if seconds < 5000 {
            answer(&mut stream, "").await;
            drop(soon(asking).await.unwrap().into_body().collect().await.unwrap());
            continue;
        }
        pass(Duration::from_secs(2)).await;
        assert!(matches!(soon(asking).await, Err(PoolError::Late)));
    }
    closed(&mut stream).await;
}

#[tokio::test]
async fn who_leaves_before_the_answer_takes_the_connection_along() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let mut stream = server.serves(&pool, "").await;
    {
        let mut asking = pin!(ask(&pool));
        tokio::select! {
            _ = &mut asking => panic!("nobody has answered"),
            () = asked_on(&mut stream) => {}
        }
    }
    closed(&mut stream).await;
    server.serves(&pool, "").await;
}

/// Fails when what was written without being asked for is taken for the next answer.
#[tokio::test]
async fn bytes_that_nobody_asked_for_end_the_connection() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let mut stream = server.serves(&pool, "").await;
    stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    closed(&mut stream).await;
    // The same as soon as the connection is there, before or after the request is.
    let (failed, ()) = tokio::join!(ask(&pool), async {
        let (mut stream, _) = soon(server.0.accept()).await.unwrap();
        stream.write_all(b"ok ok ok\r\n\r\n").await.unwrap();
        closed(&mut stream).await;
    });
    assert!(matches!(failed, Err(PoolError::Exchange(_))));
    server.serves(&pool, "").await;
}

/// Fails when a connection counts as free whose request is still being sent.
#[tokio::test]
async fn an_answer_before_the_request_has_ended_does_not_free_the_connection() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let never = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, BoxError>>();
    let body = http_body_util::StreamBody::new(never).boxed_unsync();
    let long = Request::post("/").body(Replay::new(body).first()).unwrap();
    let (early, mut stream) = tokio::join!(pool.ask(long, false, Instant::now() + LONG), async {
        let (mut stream, _) = soon(server.0.accept()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            soon(stream.read_buf(&mut head)).await.unwrap();
        }
        answer(&mut stream, "").await;
        stream
    });
    assert_eq!(early.unwrap().into_body().collect().await.unwrap().to_bytes(), "ok");
    server.serves(&pool, "").await;
    drop(pool);
    let _ = stream.shutdown().await;
    closed(&mut stream).await;
}

/// Fails when an address that nobody answers at is not known for what it is.
#[tokio::test]
async fn no_connection_is_an_error_of_its_own_and_one_that_closes_at_once_another() {
    let server = Server::new().await;
    let pool = server.pool(8);
    let (closing, ()) = tokio::join!(ask(&pool), async {
        drop(soon(server.0.accept()).await.unwrap());
    });
    assert!(matches!(closing, Err(PoolError::Exchange(_))));
    drop(server);
    assert!(matches!(ask(&pool).await, Err(PoolError::Connect(_))));
}

/// Fails when a request is lost that meets a connection just as its task ends: it would wait for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_is_lost_between_connections_that_close() {
    let server = Server::new().await;
    let pool = server.pool(64);
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = server.0.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = [0; 256];
                if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                }
            });
        }
    });
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let pool = pool.clone();
        asking.spawn(async move {
            for _ in 0..250 {
                // One that met a connection as it closed has failed, which is known at once.
                if let Ok(response) = soon(ask(&pool)).await {
                    drop(response.into_body().collect().await);
                }
            }
        });
    }
    asking.join_all().await;
    serving.abort();
}
