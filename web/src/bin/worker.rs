//! The worker, and under another name one of its helpers.

use espalier_web::worker::lab_worker::LabWorker;
use espalier_web::worker::{codec::JsCodec, message::FromLab, lab_worker::say, pool_member};
use gloo::worker::Registrable;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

fn main() {
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
