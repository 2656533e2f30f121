//! The worker's helpers: plain workers without shared memory, which get a matrix's bytes and give its answer back.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use espalier_methods::pool::{Answer, Pool, Task};
use espalier_methods::method::LocalFuture;
use futures::channel::oneshot;
use js_sys::{Array, Float32Array};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker, WorkerGlobalScope, WorkerOptions};

use super::pool_member::{NAME, answer_of};
use super::program;

/// Helpers at most: each holds a copy of the matrix it works on.
const MOST: usize = 4;

struct Piece {
    ticket: u32,
    task: Task,
    tell: oneshot::Sender<Option<Answer>>,
}

/// One helper.
struct Member {
    number: u32,
    worker: Worker,
    /// What it works on.
    busy: Option<(u32, oneshot::Sender<Option<Answer>>)>,
    _heard: Closure<dyn Fn(MessageEvent)>,
    _failed: Closure<dyn Fn()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

#[derive(Default)]
struct State {
    members: Vec<Member>,
    todo: VecDeque<Piece>,
    /// Numbers given to helpers and pieces.
    last: u32,
}

struct Inner {
    width: usize,
    state: RefCell<State>,
}

/// Helpers, started when they are first needed and kept.
pub struct Helpers(Rc<Inner>);

impl Helpers {
    /// One for each core but the page's own, two to four: on two cores the worker itself waits while both compute. `None` on one core.
    pub fn new() -> Option<Self> {
        let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
        let cores = scope.navigator().hardware_concurrency() as usize;
        (cores > 1).then(|| Self(Rc::new(Inner { width: (cores - 1).clamp(2, MOST), state: RefCell::default() })))
    }
}

impl Inner {
    /// Hands pieces to helpers that are free, and starts those that lack.
    fn pump(self: &Rc<Self>) {
        loop {
            let free = {
                let mut state = self.state.borrow_mut();
                while state.todo.front().is_some_and(|p| p.tell.is_canceled()) {
                    state.todo.pop_front();
                }
                if state.todo.is_empty() {
                    return;
                }
                state.members.iter().position(|m| m.busy.is_none())
            };
            let place = match free {
                Some(place) => place,
                None if self.state.borrow().members.len() < self.width => match self.spawn() {
                    Some(place) => place,
                    // Without helpers everything is done by the worker itself: a piece that is dropped is done there.
                    None => return self.state.borrow_mut().todo.clear(),
                },
                None => return,
            };
            let mut state = self.state.borrow_mut();
            let Some(piece) = state.todo.pop_front() else { return };
            let member = &mut state.members[place];
            if post(&member.worker, piece.task).is_ok() {
                member.busy = Some((piece.ticket, piece.tell));
            }
        }
    }

    fn spawn(self: &Rc<Self>) -> Option<usize> {
        let options = WorkerOptions::new();
        options.set_name(NAME);
        let worker = Worker::new_with_options(program::helper(), &options).ok()?;
        let mut state = self.state.borrow_mut();
        state.last += 1;
        let number = state.last;
        let weak = Rc::downgrade(self);
        let heard = Closure::<dyn Fn(MessageEvent)>::new({
            let weak = weak.clone();
            move |event: MessageEvent| with(&weak, |inner| inner.heard(number, &event.data()))
        });
        let failed = Closure::<dyn Fn()>::new(move || with(&weak, |inner| inner.failed(number)));
        worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
        worker.post_message(&wasm_bindgen::module()).ok()?;
        state.members.push(Member { number, worker, busy: None, _heard: heard, _failed: failed });
        Some(state.members.len() - 1)
    }

    fn heard(self: &Rc<Self>, number: u32, data: &JsValue) {
        let busy = self.state.borrow_mut().members.iter_mut().find(|m| m.number == number).and_then(|m| m.busy.take());
        if let Some((_, tell)) = busy {
            // Whoever asked may be gone.
            tell.send(answer_of(data)).ok();
        }
        self.pump();
    }

    /// A helper has ended; its piece is dropped with it.
    fn failed(self: &Rc<Self>, number: u32) {
        let gone: Vec<Member> = self.state.borrow_mut().members.extract_if(.., |m| m.number == number).collect();
        // Its own callback is running: it must not be dropped before that returns.
        gone.into_iter().for_each(|mut m| {
            m.busy = None;
            wasm_bindgen_futures::spawn_local(async move { drop(m) });
        });
        self.pump();
    }

    /// Nobody waits for a piece any more: a helper inside it is ended.
    fn give_up(self: &Rc<Self>, ticket: u32) {
        let mut state = self.state.borrow_mut();
        let gone: Vec<Member> = state.members.extract_if(.., |m| m.busy.as_ref().is_some_and(|b| b.0 == ticket)).collect();
        drop(state);
        drop(gone);
        self.pump();
    }
}

fn with(weak: &Weak<Inner>, then: impl FnOnce(&Rc<Inner>)) {
    if let Some(inner) = weak.upgrade() {
        then(&inner);
    }
}

fn post(worker: &Worker, task: Task) -> Result<(), JsValue> {
    let (kind, [rows, columns], values) = task.into_parts();
    let values = Float32Array::from(values.as_slice()).buffer();
    let message = Array::of4(&kind.into(), &(rows as f64).into(), &(columns as f64).into(), &values);
    worker.post_message_with_transfer(&message, &Array::of1(&values))
}

/// Gives a piece up where its future ends before the piece does.
struct Guard {
    inner: Rc<Inner>,
    ticket: u32,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Of a piece that has ended nobody holds the ticket.
        self.inner.give_up(self.ticket);
    }
}

impl Pool for Helpers {
    fn width(&self) -> usize {
        self.0.width
    }

    fn start(&self, task: Task) -> LocalFuture<'static, Option<Answer>> {
        let (tell, told) = oneshot::channel();
        let ticket = {
            let mut state = self.0.state.borrow_mut();
            state.last += 1;
            let ticket = state.last;
            state.todo.push_back(Piece { ticket, task, tell });
            ticket
        };
        self.0.pump();
        let guard = Guard { inner: self.0.clone(), ticket };
        Box::pin(async move {
            let answer = told.await.ok().flatten();
            drop(guard);
            answer
        })
    }
}
