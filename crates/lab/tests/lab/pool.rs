//! Work that is independent by matrix, with helpers and without.

use std::cell::Cell;
use std::rc::Rc;

use espalier_lab::Host;
use espalier_lab::protocol::{Command, Reply};
use espalier_lab::threads::Threads;
use espalier_methods::method::LocalFuture;
use espalier_methods::pool::{Answer, Pool, Task};
use espalier_nets::testing::Builder;
use serde_json::json;

use crate::common::{Bench, answer, bench, open, run, run_command};

/// Methods whose matrices are shared out.
const SHARED: [&str; 2] = ["spectra", "profile"];

/// Enough work for a pool to be asked, whichever the method: 24 matrices of various shapes.
fn model(method: &str) -> Vec<u8> {
    let shapes: [[u64; 2]; 4] = if method == "spectra" { [[320, 400], [400, 320], [288, 512], [350, 350]] } else { [[320, 1900], [1900, 320], [600, 1024], [780, 780]] };
    (0..24).fold(Builder::new(), |b, i| b.made_up(&format!("model.layers.{i}.mlp.up_proj.weight"), &shapes[i % 4])).build()
}

/// A pool that does nothing, or nothing right; it counts what it is asked.
struct Idle {
    asked: Cell<u32>,
    answers: bool,
}

impl Pool for Idle {
    fn width(&self) -> usize {
        2
    }
    fn start(&self, _: Task) -> LocalFuture<'static, Option<Answer>> {
        self.asked.set(self.asked.get() + 1);
        if self.answers { Box::pin(std::future::ready(None)) } else { Box::pin(std::future::pending()) }
    }
}

fn with(method: &str, pool: Option<Rc<dyn Pool>>) -> (espalier_lab::Engine, Rc<Bench>) {
    let (engine, face) = bench();
    face.pool.replace(pool);
    open(&engine, &face, "model.safetensors", &model(method)).expect("opens");
    (engine, face)
}

#[test]
fn a_report_is_the_same_with_threads_and_without() {
    for method in SHARED {
        let (alone, face) = with(method, None);
        let expected = run(&alone, &face, method, json!({}));
        assert_eq!(expected.findings.len(), 24);
        for width in [1, 3] {
            let (engine, face) = with(method, Some(Rc::new(Threads::new(width))));
            assert_eq!(run(&engine, &face, method, json!({})), expected, "{method}, {width} threads");
        }
    }
}

#[test]
fn what_helpers_cannot_do_is_done_here() {
    for method in SHARED {
        let (alone, face) = with(method, None);
        let expected = run(&alone, &face, method, json!({}));
        let pool = Rc::new(Idle { asked: Cell::new(0), answers: true });
        let (engine, face) = with(method, Some(pool.clone()));
        assert_eq!(run(&engine, &face, method, json!({})), expected, "{method}");
        assert_eq!(pool.asked.get(), 24, "{method}");
    }
}

#[test]
fn a_cancel_does_not_wait_for_helpers() {
    for method in SHARED {
        let pool = Rc::new(Idle { asked: Cell::new(0), answers: false });
        let (engine, face) = with(method, Some(pool.clone()));
        let stop = engine.clone();
        let job = engine.handle(run_command(7, method, json!({})));
        let cancel = async {
            while pool.asked.get() < 2 {
                face.pause().await;
            }
            stop.handle(Command::Cancel { job: 7 }).await;
        };
        pollster::block_on(async { futures::join!(job, cancel) });
        assert!(matches!(face.replies.borrow().last(), Some(Reply::Cancelled { job: 7 })), "{:?}", face.replies.borrow().last());
        assert!(pool.asked.get() <= 3, "no more is begun than helpers and one");
        // The engine is free for the next.
        assert!(matches!(answer(&engine, &face, Command::Stats { job: 8, tensor: 0 }), Reply::Stats { .. }));
    }
}
