//! One helper: does what it is sent, one piece after the other.

use espalier_methods::pool::{Answer, Task};
use js_sys::{Array, Float32Array, Float64Array};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// The name under which helpers are started; a program tells by it what to be.
pub const NAME: &str = "helper";

/// Answers every piece that comes.
pub fn serve(scope: DedicatedWorkerGlobalScope) {
    let voice = scope.clone();
    let heard = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let answer = task_of(&event.data()).and_then(|task| task.run().ok()).map_or(JsValue::NULL, message);
        // A page that is gone hears nothing.
        voice.post_message(&answer).ok();
    });
    scope.set_onmessage(Some(heard.into_js_value().unchecked_ref()));
}

fn task_of(data: &JsValue) -> Option<Task> {
    let parts: &Array = data.dyn_ref()?;
    let number = |i: u32| parts.get(i).as_f64();
    let values = Float32Array::new(&parts.get(3)).to_vec();
    Task::from_parts(number(0)? as u32, [number(1)? as usize, number(2)? as usize], values)
}

fn message(answer: Answer) -> JsValue {
    let (kind, values, floor, words) = answer.into_parts();
    Array::of4(&kind.into(), &Float64Array::from(values.as_slice()), &floor.into(), &words.into()).into()
}

/// What a helper answered; `None` where it could not.
pub fn answer_of(data: &JsValue) -> Option<Answer> {
    let parts: &Array = data.dyn_ref()?;
    Answer::from_parts(parts.get(0).as_f64()? as u32, Float64Array::new(&parts.get(1)).to_vec(), parts.get(2).as_f64()?, parts.get(3).as_string()?)
}
