//! The tokenizer's own program.

use std::cell::RefCell;

use espalier_methods::calibration::corpus;
use espalier_tokens::Tokens;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::message::{Answer, Ask, Told, What};
use crate::worker::wire::{from_bytes, to_bytes};

/// Answers questions until the page ends it.
pub fn serve(scope: DedicatedWorkerGlobalScope) {
    let tokens = RefCell::new(Tokens::Bytes);
    let mouth = scope.clone();
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let Ok(bytes) = event.data().dyn_into::<Uint8Array>() else { return };
        let Ok(ask) = from_bytes::<Ask>(&bytes.to_vec()) else { return };
        let answer = Answer { id: ask.id, told: answer(&tokens, ask.what) };
        if let Ok(bytes) = to_bytes(&answer) {
            // A page that is gone hears nothing.
            let _ = mouth.post_message(&Uint8Array::from(bytes.as_slice()));
        }
    });
    scope.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    hear.forget();
    // Questions that come before the program is there would be lost: it says when it is.
    let _ = scope.post_message(&wasm_bindgen::JsValue::NULL);
}

fn answer(tokens: &RefCell<Tokens>, what: What) -> Result<Told, String> {
    let said = |e: espalier_tokens::TokensError| format!("{e}.");
    match what {
        What::Tokenizer { json, vocabulary } => {
            let new = json.map_or(Ok(Tokens::Bytes), |j| Tokens::from_json(j.as_bytes())).map_err(said)?;
            if let Some(v) = vocabulary {
                new.fits(v as usize).map_err(said)?;
            }
            let words = new.words() as u32;
            tokens.replace(new);
            Ok(Told::Ready { words })
        }
        What::Corpus { name, lines, text } => corpus(&name, &text, lines, |t| tokens.borrow().encode(t, true)).map(Told::Corpus).map_err(|e| format!("{e}.")),
        What::Encode { text } => tokens.borrow().encode(&text, true).map(|i| Told::Ids(i.into())).map_err(said),
        What::View { text } => {
            let pieces = tokens.borrow().view(&text).map_err(said)?;
            Ok(Told::View(pieces.into_iter().map(|p| (p.id, p.word, p.range.1 as u32)).collect()))
        }
        What::Decode { ids } => ids.iter().map(|i| tokens.borrow().decode(i)).collect::<Result<_, _>>().map(Told::Texts).map_err(said),
    }
}
