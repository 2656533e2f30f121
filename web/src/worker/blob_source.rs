//! Local files in the browser, read by slices: nothing is read that is not asked for.

use std::ops::Range;

use espalier_nets::checkpoint::{ByteSource, LocalFuture, SourceError};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// A `File` as a source of bytes.
pub struct BlobSource {
    name: String,
    file: File,
}

impl BlobSource {
    /// Takes a file; in a dropped folder its path inside the folder is its name.
    pub fn new(file: File) -> Self {
        let path = Reflect::get(&file, &JsValue::from_str("webkitRelativePath")).ok().and_then(|p| p.as_string());
        Self { name: path.filter(|p| !p.is_empty()).unwrap_or_else(|| file.name()), file }
    }

    async fn slice(&self, range: &Range<u64>) -> Result<Vec<u8>, JsValue> {
        let part = self.file.slice_with_f64_and_f64(range.start as f64, range.end as f64)?;
        let buffer = JsFuture::from(part.array_buffer()).await?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }
}

impl ByteSource for BlobSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.file.size() as u64
    }

    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        Box::pin(async move {
            let read = self.slice(&range).await;
            match read {
                Ok(bytes) if bytes.len() as u64 == range.end - range.start => Ok(bytes),
                Ok(bytes) => Err(SourceError::changed(&self.name, range, format!("{} bytes came: it has become shorter", bytes.len()))),
                // What browsers say of a file that was written to, moved or deleted after it was chosen.
                Err(e) if matches!(name(&e).as_str(), "NotReadableError" | "NotFoundError") => {
                    let why = format!("the browser no longer lets it be read ({}): it was written to, moved or deleted", words(&e).trim_end_matches('.'));
                    Err(SourceError::changed(&self.name, range, why))
                }
                Err(e) => Err(SourceError::new(&self.name, range, words(&e))),
            }
        })
    }
}

/// The kind of an exception: `NotReadableError`.
fn name(error: &JsValue) -> String {
    Reflect::get(error, &JsValue::from_str("name")).ok().and_then(|n| n.as_string()).unwrap_or_default()
}

/// What an exception says.
pub fn words(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(e) => String::from(e.message()),
        None => Reflect::get(error, &JsValue::from_str("message")).ok().and_then(|m| m.as_string()).unwrap_or_else(|| format!("{error:?}")),
    }
}
