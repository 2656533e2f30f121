//! What runs in a worker's thread: the lab, or one of its helpers.

use std::cell::Cell;

use espalier_lab::Repertoire;
use gloo::worker::Registrable;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use super::codec::JsCodec;
use super::lab_worker::{LabWorker, say};
use super::message::FromLab;
use super::pool_member;

thread_local!(static RUNNING: Cell<Option<(Repertoire, &'static str)>> = const { Cell::new(None) });

/// Runs the lab with `repertoire`, or a helper where the thread was started as one; `helper` is the script of this program's helpers.
pub fn run(repertoire: Repertoire, helper: &'static str) {
    RUNNING.set(Some((repertoire, helper)));
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    if scope.name() == pool_member::NAME {
        console_error_panic_hook::set_once();
        return pool_member::serve(scope);
    }
    std::panic::set_hook(Box::new(|info| {
        say(FromLab::Panicked { message: info.to_string() });
        console_error_panic_hook::hook(info);
    }));
    multiply(scope);
    LabWorker::registrar().encoding::<JsCodec>().register();
}

/// What this thread's lab can do.
pub(super) fn repertoire() -> Repertoire {
    RUNNING.get().map_or(Repertoire::DATA_FREE, |(repertoire, _)| repertoire)
}

/// The script of its helpers.
pub(super) fn helper() -> &'static str {
    RUNNING.get().map_or("./pool.js", |(_, helper)| helper)
}

/// The first matrix product, before anything else is done. The worker that the page has started itself says that it came out right.
fn multiply(scope: DedicatedWorkerGlobalScope) {
    spawn_local(async move {
        if espalier_lab::first_product().await.is_ok() && scope.name() == "first" {
            let word = js_sys::Object::new();
            let told = js_sys::Reflect::set(&word, &JsValue::from_str("firstProduct"), &JsValue::TRUE).and_then(|_| scope.post_message(&word));
            // A page that does not hear it only lacks a measurement.
            drop(told);
        }
    });
}
