//! The page's side of the tokenizer: starts it when it is first asked, and waits for answers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures::channel::oneshot::{self, Sender};
use gloo::events::EventListener;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, Worker};

use super::message::{Answer, Ask, Told, What};
use crate::worker::wire::{from_bytes, to_bytes};

/// The loader that Trunk writes beside the program.
const LOADER: &str = "./tokens_loader.js";
const GONE: &str = "The tokenizer's program did not come, or it ended. It is part of this site (tokens_bg.wasm); is the network, or the copy of the site, whole?";

type Waiting = Rc<RefCell<HashMap<u32, Sender<Result<Told, String>>>>>;

struct Link {
    worker: Worker,
    /// Questions asked before the program was there.
    early: Rc<RefCell<Option<Vec<Vec<u8>>>>>,
    _listeners: [EventListener; 2],
}

/// The tokenizer; clones are the same one.
#[derive(Clone, Default)]
pub struct Tokens(Rc<Inner>);

#[derive(Default)]
struct Inner {
    link: RefCell<Option<Link>>,
    waiting: Waiting,
    next: Cell<u32>,
}

impl Tokens {
    /// Asks and waits.
    ///
    /// # Errors
    /// What the tokenizer says, or that there is none.
    pub async fn ask(&self, what: What) -> Result<Told, String> {
        let id = self.0.next.get();
        self.0.next.set(id.wrapping_add(1));
        let bytes = to_bytes(&Ask { id, what }).map_err(|e| e.to_string())?;
        let (tell, told) = oneshot::channel();
        self.0.waiting.borrow_mut().insert(id, tell);
        self.start()?;
        if let Some(link) = &*self.0.link.borrow() {
            match &mut *link.early.borrow_mut() {
                Some(early) => early.push(bytes),
                None => post(&link.worker, &bytes),
            }
        }
        told.await.unwrap_or_else(|_| Err(GONE.into()))
    }

    fn start(&self) -> Result<(), String> {
        if self.0.link.borrow().is_some() {
            return Ok(());
        }
        let worker = Worker::new(LOADER).map_err(|_| GONE.to_owned())?;
        let early = Rc::new(RefCell::new(Some(Vec::<Vec<u8>>::new())));
        let (waiting, first, to) = (self.0.waiting.clone(), early.clone(), worker.clone());
        let hear = EventListener::new(&worker, "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
            let Ok(bytes) = event.data().dyn_into::<Uint8Array>() else {
                // The program's first word.
                let held = first.borrow_mut().take();
                held.into_iter().flatten().for_each(|b| post(&to, &b));
                return;
            };
            if let Ok(answer) = from_bytes::<Answer>(&bytes.to_vec())
                && let Some(tell) = waiting.borrow_mut().remove(&answer.id)
            {
                // Whoever asked may have gone.
                let _ = tell.send(answer.told);
            }
        });
        let inner = Rc::downgrade(&self.0);
        let fall = EventListener::new(&worker, "error", move |_| {
            if let Some(inner) = inner.upgrade() {
                // All who wait hear that it is gone; the next question starts it again.
                inner.waiting.borrow_mut().clear();
                if let Some(link) = inner.link.take() {
                    link.worker.terminate();
                    // The listener that is running now must outlive its own call.
                    wasm_bindgen_futures::spawn_local(async move { drop(link) });
                }
            }
        });
        self.0.link.replace(Some(Link { worker, early, _listeners: [hear, fall] }));
        Ok(())
    }
}

fn post(worker: &Worker, bytes: &[u8]) {
    // A worker that has ended says so by its error event.
    let _ = worker.post_message(&Uint8Array::from(bytes));
}
