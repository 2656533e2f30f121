//! The native `Worker` behind a gloo bridge.
//!
//! gloo keeps it to itself, and its bridge can only ask a worker to end, which a worker inside a long library call does not hear. "Stop now"
//! needs `terminate()`, and noticing a crash needs the `error` event, so the constructor is watched for as long as the spawn takes.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Proxy, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, MessageEventInit, Worker};

/// The worker that `assets/app/early.js` started, with what it said so far; there is one, once.
fn first() -> Option<(JsValue, Array)> {
    let global = js_sys::global();
    let key = JsValue::from_str("espalierFirst");
    let found = Reflect::get(&global, &key).ok().filter(JsValue::is_object)?;
    Reflect::delete_property(&global, &key).ok()?;
    let part = |name: &str| Reflect::get(&found, &JsValue::from_str(name)).ok();
    Some((part("worker")?, part("said")?.dyn_into().ok()?))
}

/// Runs `spawn` and returns with its result the last `Worker` that it made. The first time it is given the worker that the page has
/// started already, and then hears what that one said.
pub fn capture<T>(spawn: impl FnOnce() -> T) -> (T, Option<Worker>) {
    let made = Rc::new(RefCell::new(None));
    let seen = made.clone();
    let said = Rc::new(RefCell::new(Array::new()));
    let kept = said.clone();
    let construct = Closure::<dyn Fn(JsValue, Array) -> JsValue>::new(move |class: JsValue, arguments: Array| {
        if let Some((worker, said)) = first() {
            *seen.borrow_mut() = Some(worker.clone().unchecked_into::<Worker>());
            kept.replace(said);
            return worker;
        }
        match Reflect::construct(class.unchecked_ref::<Function>(), &arguments) {
            Ok(worker) => {
                *seen.borrow_mut() = Some(worker.clone().unchecked_into::<Worker>());
                worker
            }
            Err(error) => wasm_bindgen::throw_val(error),
        }
    });
    let global = js_sys::global();
    let key = JsValue::from_str("Worker");
    let class = Reflect::get(&global, &key).unwrap_or(JsValue::UNDEFINED);
    let handler = Object::new();
    let watched = Reflect::set(&handler, &JsValue::from_str("construct"), construct.as_ref()).is_ok()
        && class.is_function()
        && Reflect::set(&global, &key, &Proxy::new(&class, &handler)).is_ok();
    let out = spawn();
    if watched {
        let restored = Reflect::set(&global, &key, &class);
        debug_assert!(restored.is_ok());
    }
    let worker: Option<Worker> = made.borrow_mut().take();
    for data in said.take().iter() {
        let event = MessageEventInit::new();
        event.set_data(&data);
        if let (Some(worker), Ok(event)) = (&worker, MessageEvent::new_with_event_init_dict("message", &event)) {
            // An event of our own making is never refused.
            let _ = worker.dispatch_event(&event);
        }
    }
    (out, worker)
}
