//! The worker as the engine's host.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use espalier_lab::protocol::Reply;
use espalier_methods::pool::Pool;
use espalier_lab::{Host, NoAdapter};
use espalier_nets::checkpoint::remote::Fetch;
use espalier_nets::checkpoint::{ByteSink, LocalFuture, SinkError};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageChannel, MessagePort, Performance, WorkerGlobalScope};

use super::blob_sink::BlobSink;
use super::disk::tidy;
use super::fetch::BrowserFetch;
use super::lab_worker::{answer, say};
use super::message::FromLab;
use super::pool::Helpers;

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Clock, voice and breath of the worker.
pub struct WorkerHost {
    clock: Option<Performance>,
    breath: Option<Breath>,
    pool: OnceCell<Option<Rc<dyn Pool>>>,
}

impl WorkerHost {
    /// Looks the worker's surroundings up once.
    pub fn new() -> Self {
        Self { clock: scope().performance(), breath: Breath::new(), pool: OnceCell::new() }
    }
}

impl Default for WorkerHost {
    fn default() -> Self {
        Self::new()
    }
}

impl Host for WorkerHost {
    fn reply(&self, reply: Reply) {
        if matches!(reply, Reply::Device(_)) {
            say(FromLab::Multiplied);
            spawn_local(tidy());
        }
        answer(&reply);
    }

    fn noted(&self, step: &str) {
        say(FromLab::Noted(step.into()));
    }

    fn now_ms(&self) -> f64 {
        self.clock.as_ref().map_or_else(js_sys::Date::now, Performance::now)
    }

    fn clock(&self) -> fn() -> f64 {
        || scope().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
    }

    fn begins_anew(&self) -> bool {
        false
    }

    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.pool.get_or_init(|| Helpers::new().map(|p| Rc::new(p) as Rc<dyn Pool>)).clone()
    }

    fn pause(&self) -> LocalFuture<'_, ()> {
        Box::pin(async move {
            match &self.breath {
                Some(breath) => breath.turn().await,
                None => sleep(0).await,
            }
        })
    }

    fn sink(&self, job: u32, name: &str) -> Result<Box<dyn ByteSink>, SinkError> {
        Ok(Box::new(BlobSink::new(job, name)))
    }

    fn fetch(&self) -> Option<Rc<dyn Fetch>> {
        Some(Rc::new(BrowserFetch))
    }

    fn no_gpu(&self) -> Option<NoAdapter> {
        if !scope().is_secure_context() {
            return Some(NoAdapter::InsecureContext);
        }
        let gpu = Reflect::get(&scope().navigator(), &JsValue::from_str("gpu"));
        gpu.map_or(true, |g| g.is_undefined() || g.is_null()).then_some(NoAdapter::Missing)
    }
}

/// Waits by the worker's own timer.
pub async fn sleep(ms: i32) {
    let waited = Promise::new(&mut |resolve, _| {
        if scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms).is_err() {
            // Without a timer there is no wait, and going on at once is all that is left.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    // It is only ever resolved.
    let _ = JsFuture::from(waited).await;
}

/// One turn of the event loop by a message to oneself: a timer would be held back to 4 ms after a few rounds.
struct Breath {
    port: MessagePort,
    waiting: Rc<RefCell<Vec<Function>>>,
    _heard: Closure<dyn Fn()>,
}

impl Breath {
    fn new() -> Option<Self> {
        let channel = MessageChannel::new().ok()?;
        let waiting: Rc<RefCell<Vec<Function>>> = Rc::default();
        let due = waiting.clone();
        let heard = Closure::<dyn Fn()>::new(move || {
            for resolve in due.take() {
                // A promise's own resolve function does not throw.
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
        channel.port1().set_onmessage(Some(heard.as_ref().unchecked_ref()));
        Some(Self { port: channel.port2(), waiting, _heard: heard })
    }

    async fn turn(&self) {
        let turned = Promise::new(&mut |resolve, _| {
            self.waiting.borrow_mut().push(resolve.unchecked_into());
            if self.port.post_message(&JsValue::NULL).is_err() {
                self.waiting.take().into_iter().for_each(|r| drop(r.call0(&JsValue::UNDEFINED)));
            }
        });
        // It is only ever resolved.
        let _ = JsFuture::from(turned).await;
    }
}
