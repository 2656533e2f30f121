//! A file on the disk that browsers give each origin, written from the worker: its bytes are in no memory. Large exports go there on their way to the visitor's downloads.

use js_sys::{Array, AsyncIterator, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};

/// When a file has certainly been taken to the downloads (milliseconds). Nobody says so, and one that is removed before breaks off.
const TAKEN_MS: f64 = 3_600_000.0;

#[wasm_bindgen]
extern "C" {
    /// A `FileSystemSyncAccessHandle`, as much of it as is used.
    type Access;
    #[wasm_bindgen(method, catch)]
    fn write(this: &Access, bytes: &[u8]) -> Result<f64, JsValue>;
    #[wasm_bindgen(method)]
    fn close(this: &Access);
}

/// A file being written. One that is dropped before [`DiskFile::close`] is removed.
pub struct DiskFile {
    folder: JsValue,
    name: JsValue,
    handle: JsValue,
    access: Option<Access>,
    written: f64,
}

/// Calls a method that answers with a promise. One that a browser lacks is an error like any other.
async fn ask(of: &JsValue, method: &str, arguments: Array) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(of, &method.into())?.dyn_into()?;
    JsFuture::from(Promise::resolve(&function.apply(of, &arguments)?)).await
}

async fn folder() -> Result<JsValue, JsValue> {
    let storage = Reflect::get(&Reflect::get(&js_sys::global(), &"navigator".into())?, &"storage".into())?;
    let root = ask(&storage, "getDirectory", Array::new()).await?;
    ask(&root, "getDirectoryHandle", Array::of2(&"exports".into(), &make()?)).await
}

fn make() -> Result<JsValue, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"create".into(), &true.into())?;
    Ok(options.into())
}

impl DiskFile {
    /// A new file.
    ///
    /// # Errors
    /// The browser has no such disk, or not for this visit.
    pub async fn new() -> Result<Self, JsValue> {
        let folder = folder().await?;
        sweep(&folder).await?;
        // Its age is in its name, and by chance no other tab takes the same.
        let name = JsValue::from(format!("{} {}", js_sys::Date::now(), js_sys::Math::random()));
        let handle = ask(&folder, "getFileHandle", Array::of2(&name, &make()?)).await?;
        let access = Some(ask(&handle, "createSyncAccessHandle", Array::new()).await?.unchecked_into());
        Ok(Self { folder, name, handle, access, written: 0.0 })
    }

    /// Appends bytes; false where there is no room: then the file ends before them.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        let all = bytes.len() as f64;
        let done = self.access.as_ref().is_some_and(|a| a.write(bytes).is_ok_and(|n| n == all));
        self.written += if done { all } else { 0.0 };
        done
    }

    /// What was written.
    ///
    /// # Errors
    /// The file is gone.
    pub async fn close(mut self) -> Result<Blob, JsValue> {
        if let Some(access) = self.access.take() {
            access.close();
        }
        let file: File = ask(&self.handle, "getFile", Array::new()).await?.unchecked_into();
        file.slice_with_f64_and_f64(0.0, self.written)
    }
}

impl Drop for DiskFile {
    fn drop(&mut self) {
        if let Some(access) = self.access.take() {
            access.close();
            let (folder, name) = (self.folder.clone(), self.name.clone());
            // One that cannot be removed now is swept later.
            spawn_local(async move { drop(ask(&folder, "removeEntry", Array::of1(&name)).await) });
        }
    }
}

/// Removes the files of former exports. Those that are being written cannot be removed.
async fn sweep(folder: &JsValue) -> Result<(), JsValue> {
    let old = |name: &str| name.split(' ').next().and_then(|ms| ms.parse::<f64>().ok()).is_none_or(|ms| ms < js_sys::Date::now() - TAKEN_MS);
    let names: AsyncIterator = Reflect::get(folder, &"keys".into())?.dyn_into::<Function>()?.call0(folder)?.unchecked_into();
    loop {
        let next = JsFuture::from(names.next()?).await?;
        let Some(name) = Reflect::get(&next, &"value".into())?.as_string() else { return Ok(()) };
        if old(&name) {
            ask(folder, "removeEntry", Array::of1(&name.into())).await.ok();
        }
    }
}

/// Removes what former visits have left.
pub async fn tidy() {
    // Without such a disk nothing lies there.
    if let Ok(folder) = folder().await {
        sweep(&folder).await.ok();
    }
}
