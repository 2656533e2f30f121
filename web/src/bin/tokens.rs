//! The tokenizer's program: a worker that the page starts when a text is first tokenized.

use wasm_bindgen::JsCast;
use web_sys::DedicatedWorkerGlobalScope;

fn main() {
    console_error_panic_hook::set_once();
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    espalier_web::tokens::serve::serve(scope);
}
