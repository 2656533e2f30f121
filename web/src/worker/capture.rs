//! The native `Worker` behind a gloo bridge.
//!
//! gloo keeps it to itself, and its bridge can only ask a worker to end, which a worker inside a long library call does not hear. "Stop now"
//! needs `terminate()`, and noticing a crash needs the `error` event, so the constructor is watched for as long as the spawn takes.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Proxy, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Worker;

/// Runs `spawn` and returns with its result the last `Worker` that it made.
pub fn capture<T>(spawn: impl FnOnce() -> T) -> (T, Option<Worker>) {
    let made = Rc::new(RefCell::new(None));
    let seen = made.clone();
    let construct = Closure::<dyn Fn(JsValue, Array) -> JsValue>::new(move |class: JsValue, arguments: Array| {
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
    let worker = made.borrow_mut().take();
    (out, worker)
}
