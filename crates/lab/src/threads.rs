//! A pool of threads, for faces that have them.

use std::num::NonZero;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use espalier_methods::method::LocalFuture;
use espalier_methods::pool::{Answer, Pool, Task};
use futures::channel::oneshot;

type Piece = (Task, oneshot::Sender<Option<Answer>>);

/// Threads that wait for work; they end when the pool is dropped.
pub struct Threads {
    width: usize,
    pieces: mpsc::Sender<Piece>,
}

impl Threads {
    /// So many threads. Where the system refuses one, there are fewer.
    pub fn new(width: usize) -> Self {
        let (pieces, todo) = mpsc::channel::<Piece>();
        let todo = Arc::new(Mutex::new(todo));
        let spawn = |i: usize| {
            let todo = todo.clone();
            thread::Builder::new().name(format!("matrix {i}")).spawn(move || work(&todo))
        };
        let width = (0..width).map(spawn).filter(Result::is_ok).count();
        Self { width, pieces }
    }

    /// As many as the machine has cores; `None` where that is one.
    pub fn all() -> Option<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        (cores > 1).then(|| Self::new(cores))
    }
}

fn work(todo: &Mutex<mpsc::Receiver<Piece>>) {
    loop {
        let piece = todo.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
        let Ok((task, tell)) = piece else { return };
        // Nobody waits for a piece that was given up.
        if !tell.is_canceled() {
            tell.send(task.run().ok()).ok();
        }
    }
}

impl Pool for Threads {
    fn width(&self) -> usize {
        self.width
    }

    fn start(&self, task: Task) -> LocalFuture<'static, Option<Answer>> {
        let (tell, told) = oneshot::channel();
        let sent = self.pieces.send((task, tell));
        Box::pin(async move { if sent.is_ok() { told.await.ok().flatten() } else { None } })
    }
}
