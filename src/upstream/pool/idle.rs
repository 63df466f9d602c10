//! Connections that nobody uses, and requests that wait for one.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::{Connection, IDLE, Shared, lock};

/// A connection that nobody uses.
pub(super) struct Idle {
    pub(super) connection: Connection,
    /// When it is given up.
    pub(super) until: Instant,
}

impl Idle {
    fn is_usable(&self, now: Instant) -> bool {
        self.connection.sender.is_ready() && now <= self.until
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Resting {
    /// The one that was used last is last, and is used next.
    idle: Vec<Idle>,
    /// Who waits, the longest first.
    waiting: BTreeMap<u64, oneshot::Sender<Idle>>,
    /// How many have waited.
    waited: u64,
    /// Gives up those that nobody comes for.
    sweeper: Option<AbortHandle>,
}

/// What the pool has for a request.
pub(super) enum Taken {
    Idle(Connection),
    /// Nothing, but a place among those who wait.
    None(Waiting),
}

impl Shared {
    /// Takes the connection that was used last, if there is a usable one.
    pub(super) fn take(shared: &Arc<Self>) -> Taken {
        let now = Instant::now();
        let mut resting = lock(&shared.resting);
        while let Some(idle) = resting.idle.pop() {
            if idle.is_usable(now) {
                return Taken::Idle(idle.connection);
            }
        }
        let (sender, receiver) = oneshot::channel();
        let number = resting.waited;
        resting.waited += 1;
        resting.waiting.insert(number, sender);
        Taken::None(Waiting { shared: Arc::clone(shared), number, receiver })
    }

    /// Gives a connection to who has waited longest, or keeps it, if there is room.
    pub(super) fn rest(shared: &Arc<Self>, mut idle: Idle) {
        if !idle.connection.sender.is_ready() {
            return;
        }
        let mut resting = lock(&shared.resting);
        while let Some((_, waiting)) = resting.waiting.pop_first() {
            match waiting.send(idle) {
                Ok(()) => return,
                Err(back) => idle = back,
            }
        }
        if resting.idle.len() >= shared.most_idle {
            return;
        }
        resting.idle.push(idle);
        // One that has ended with its runtime is none.
        if resting.sweeper.as_ref().is_none_or(AbortHandle::is_finished) {
            let sweeper = sweep(Arc::downgrade(shared));
            let runtime = Handle::try_current();
            resting.sweeper = runtime.ok().map(|runtime| runtime.spawn(sweeper).abort_handle());
        }
    }

    /// Gives up those that are no longer usable; whether any are left.
    fn give_up(&self) -> bool {
        let now = Instant::now();
        let mut resting = lock(&self.resting);
        let all = std::mem::take(&mut resting.idle);
        let (usable, gone): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.is_usable(now));
        let any = !usable.is_empty();
        resting.idle = usable;
        if !any {
            resting.sweeper = None;
        }
        drop(resting);
        drop(gone);
        any
    }
}

/// Gives up connections that nobody comes for, as long as there are any.
async fn sweep(shared: Weak<Shared>) {
    loop {
        sleep(IDLE).await;
        if !shared.upgrade().is_some_and(|shared| shared.give_up()) {
            return;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(sweeper) = &lock(&self.resting).sweeper {
            sweeper.abort();
        }
    }
}

/// A request that waits for a connection.
pub(super) struct Waiting {
    shared: Arc<Shared>,
    number: u64,
    receiver: oneshot::Receiver<Idle>,
}

impl Waiting {
    /// The connection that it is given; `None` if that one has closed since.
    pub(super) async fn connection(&mut self) -> Option<Connection> {
        let idle = (&mut self.receiver).await.ok()?;
        idle.is_usable(Instant::now()).then_some(idle.connection)
    }
}

impl Drop for Waiting {
    /// Who is gone needs no connection: what it was given meanwhile goes to the next.
    fn drop(&mut self) {
        lock(&self.shared.resting).waiting.remove(&self.number);
        self.receiver.close();
        if let Ok(idle) = self.receiver.try_recv() {
            Shared::rest(&self.shared, idle);
        }
    }
}
