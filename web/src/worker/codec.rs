//! How messages cross the worker boundary: as JavaScript values, so that files and blobs pass through by reference, with big
//! arrays as byte strings instead of boxed numbers.

use espalier_methods::bytes::as_bytes;
use gloo::worker::Codec;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

/// `serde_wasm_bindgen` as gloo's codec.
#[derive(Debug)]
pub struct JsCodec;

impl Codec for JsCodec {
    fn encode<I: Serialize>(input: I) -> JsValue {
        // Seeds are 64 bits wide; a JavaScript number holds 53.
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
        as_bytes(|| input.serialize(&serializer)).expect("every protocol type can be a JavaScript value")
    }

    fn decode<O: for<'de> Deserialize<'de>>(input: JsValue) -> O {
        as_bytes(|| serde_wasm_bindgen::from_value(input)).expect("page and worker are built together and speak one protocol")
    }
}
