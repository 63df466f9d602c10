//! Where connections come from: a listener, or, for a thread that serves beside others, whoever deals them out.
//!
//! Threads that accept from one listener, or from several of one address, take what they happen to be awake for:
//! one had all connections of a burst while the other slept. So one task accepts for all of them, and gives each
//! connection to the thread that has the fewest.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::sleep;

/// Connections that may be on their way to a thread. It takes them at once, unless it is busy.
const WAITING: usize = 64;

/// Where connections come from.
#[derive(Debug)]
pub(super) enum Arrivals {
    /// Those of a listener, as long as there is room.
    Listener(TcpListener, Arc<Semaphore>),
    /// Those that are dealt to a thread.
    Dealt(mpsc::Receiver<Dealt>),
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) slot: Slot,
}

/// The room that a connection takes.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
    _among: Option<Among>,
}

/// A connection on its way to its thread: not registered with any runtime.
#[derive(Debug)]
pub(super) struct Dealt {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    slot: Slot,
}

/// One of the connections of a thread.
#[derive(Debug)]
struct Among(Arc<AtomicUsize>);

impl Drop for Among {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Arrivals {
    /// Those of a listener, so many at one time.
    pub(super) fn at(listener: TcpListener, max_connections: NonZeroU32) -> Self {
        let most = usize::try_from(max_connections.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self::Listener(listener, Arc::new(Semaphore::new(most)))
    }

    /// The next connection for which there is room. Until there is, the system lets clients wait. `None`
    /// when no more will come.
    pub(super) async fn next(&mut self) -> Option<Arrived> {
        let dealt = match self {
            Self::Listener(listener, slots) => return Some(accept(listener, slots).await),
            Self::Dealt(dealt) => dealt,
        };
        loop {
            let Dealt { stream, peer, slot } = dealt.recv().await?;
            match TcpStream::from_std(stream) {
                Ok(stream) => return Some(Arrived { stream, peer, slot }),
                Err(error) => tracing::warn!(%error, "a connection could not be taken over"),
            }
        }
    }
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Arrived {
    // The semaphore is never closed.
    let permit = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                return Arrived { stream, peer, slot: Slot { _permit: permit, _among: None } };
            }
            Err(error) => {
                // Out of file descriptors, most likely: some must be closed before it is worth
                // trying again.
                tracing::warn!(%error, "no connection could be accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// A thread that connections are dealt to.
#[derive(Debug)]
struct Hand {
    connections: Arc<AtomicUsize>,
    sender: mpsc::Sender<Dealt>,
}

/// Deals connections out.
#[derive(Debug)]
pub(super) struct Dealer {
    arrivals: Arrivals,
    hands: Vec<Hand>,
}

impl Dealer {
    pub(super) fn new(arrivals: Arrivals) -> Self {
        Self { arrivals, hands: Vec::new() }
    }

    /// What one more thread takes connections from.
    pub(super) fn hand(&mut self) -> Arrivals {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.hands.push(Hand { connections: Arc::default(), sender });
        Arrivals::Dealt(receiver)
    }

    /// Gives each connection to the thread with the fewest, until it is dropped: then no more are taken.
    pub(super) async fn deal(mut self) {
        while let Some(arrived) = self.arrivals.next().await {
            // One that has ended takes no more; that it has is not to be met by every connection.
            self.hands.retain(|hand| !hand.sender.is_closed());
            let fewest = self.hands.iter().min_by_key(|it| it.connections.load(Ordering::Relaxed));
            let Some(Hand { connections, sender }) = fewest else { return };
            match dealt(arrived, connections) {
                // If it has ended meanwhile, the client sees its connection closed.
                Ok(dealt) => drop(sender.send(dealt).await),
                Err(error) => tracing::warn!(%error, "a connection could not be handed on"),
            }
        }
    }
}

fn dealt(arrived: Arrived, connections: &Arc<AtomicUsize>) -> io::Result<Dealt> {
    let Arrived { stream, peer, mut slot } = arrived;
    let stream = stream.into_std()?;
    connections.fetch_add(1, Ordering::Relaxed);
    slot._among = Some(Among(Arc::clone(connections)));
    Ok(Dealt { stream, peer, slot })
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    async fn dealer() -> (Dealer, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Dealer::new(Arrivals::at(listener, NonZeroU32::new(64).unwrap())), address)
    }

    /// Takes so many from each hand.
    async fn take(hand: &mut Arrivals, count: usize) -> Vec<Arrived> {
        let mut taken = Vec::new();
        for _ in 0..count {
            // One that goes elsewhere would be waited for in vain.
            let next = timeout(Duration::from_secs(10), hand.next()).await;
            taken.push(next.unwrap().unwrap());
        }
        taken
    }

    async fn connect(address: SocketAddr, count: usize) -> Vec<TcpStream> {
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        clients
    }

    /// Fails when connections that have ended are counted still.
    #[tokio::test]
    async fn a_connection_goes_to_the_thread_that_has_the_fewest() {
        let (mut dealer, address) = dealer().await;
        let (mut first, mut second) = (dealer.hand(), dealer.hand());
        let dealing = tokio::spawn(dealer.deal());
        let _clients = connect(address, 8).await;
        let (kept, left) = (take(&mut first, 4).await, take(&mut second, 4).await);
        drop(left);
        let _more = connect(address, 4).await;
        let came = take(&mut second, 4).await;
        assert_eq!((kept.len(), came.len()), (4, 4));
        dealing.abort();
    }

    #[tokio::test]
    async fn a_thread_that_has_ended_is_dealt_nothing_more() {
        let (mut dealer, address) = dealer().await;
        let (ended, mut going) = (dealer.hand(), dealer.hand());
        drop(ended);
        let dealing = tokio::spawn(dealer.deal());
        let _clients = connect(address, 3).await;
        assert_eq!(take(&mut going, 3).await.len(), 3);
        drop(going);
        let _last = TcpStream::connect(address).await.unwrap();
        dealing.await.unwrap();
    }

    #[tokio::test]
    async fn there_are_no_more_than_may_be_whoever_has_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut dealer = Dealer::new(Arrivals::at(listener, NonZeroU32::MIN));
        let (mut first, mut second) = (dealer.hand(), dealer.hand());
        let dealing = tokio::spawn(dealer.deal());
        let _clients = connect(address, 2).await;
        let only = take(&mut first, 1).await;
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            _ = second.next() => panic!("there was room for one"),
        }
        drop(only);
        // Either has none now.
        tokio::select! {
            Some(_) = first.next() => {}
            Some(_) = second.next() => {}
        }
        dealing.abort();
    }
}
