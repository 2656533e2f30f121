//! Saving a file from the page.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlCanvasElement, Url};

use super::canvas::paint;
use crate::plot::scene::{Anchor, Scene};
use crate::plot::svg::{Frame, MARGIN, layout, wrapped};
use crate::plot::theme::Theme;

/// PNGs have two pixels for one of the page.
const PNG_DENSITY: f64 = 2.0;
/// An address made for a download is given back after this long; taking it at once would stop slow browsers.
const KEEP_MS: u32 = 60_000;

/// Saves a blob under a name, as a click on a link does.
pub fn save_blob(blob: &Blob, name: &str) {
    let Ok(url) = Url::create_object_url_with_blob(blob) else { return };
    let document = web_sys::window().and_then(|w| w.document());
    let link = document.and_then(|d| d.create_element("a").ok()).and_then(|e| e.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(a) = link {
        a.set_href(&url);
        a.set_download(name);
        a.click();
    }
    gloo::timers::callback::Timeout::new(KEEP_MS, move || {
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
}

/// Saves text.
pub fn save_text(text: &str, kind: &str, name: &str) {
    let parts: js_sys::Array = std::iter::once(JsValue::from_str(text)).collect();
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    if let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &options) {
        save_blob(&blob, name);
    }
}

/// Saves the whole exported picture as a PNG, once the page's fonts are there: a canvas does not wait for them by itself.
pub fn save_png(scene: &Scene, frame: &Frame, theme: Theme, name: &str) {
    let (scene, frame, name) = (scene.clone(), frame.clone(), name.to_owned());
    let fonts = web_sys::window().and_then(|w| w.document()).and_then(|d| d.fonts().ready().ok());
    wasm_bindgen_futures::spawn_local(async move {
        if let Some(ready) = fonts {
            // A font that fails to load leaves the system's in its place, on the page as in the picture.
            let _ = wasm_bindgen_futures::JsFuture::from(ready).await;
        }
        png(&scene, &frame, theme, &name);
    });
}

fn png(scene: &Scene, frame: &Frame, theme: Theme, name: &str) {
    let document = web_sys::window().and_then(|w| w.document());
    let Some(canvas) = document.and_then(|d| d.create_element("canvas").ok()).and_then(|e| e.dyn_into::<HtmlCanvasElement>().ok()) else { return };
    let ([w, h], top) = layout(scene, frame);
    canvas.set_width((w * PNG_DENSITY) as u32);
    canvas.set_height((h * PNG_DENSITY) as u32);
    let Some(c) = super::canvas::context(&canvas) else { return };
    let _ = c.scale(PNG_DENSITY, PNG_DENSITY);
    paint(&c, &surround(scene, frame, w, h, top), theme);
    c.set_font("400 13.5px Charter, Georgia, serif");
    c.set_text_align("left");
    c.set_fill_style_str(&theme.hex("ink-2"));
    for (i, line) in wrapped(&frame.sentence, scene.width).iter().enumerate() {
        let _ = c.fill_text(line, MARGIN, top + scene.height + 25.0 + 18.0 * i as f64);
    }
    let _ = c.translate(MARGIN, top);
    paint(&c, scene, theme);
    let name = name.to_string();
    let done = Closure::once_into_js(move |blob: JsValue| {
        if let Ok(blob) = blob.dyn_into::<Blob>() {
            save_blob(&blob, &name);
        }
    });
    let _ = canvas.to_blob(done.unchecked_ref());
}

/// Ground, head and source line.
fn surround(scene: &Scene, frame: &Frame, w: f64, h: f64, top: f64) -> Scene {
    let mut s = Scene::new(w, h);
    s.rect([0.0, 0.0, w, h], "ground");
    s.text(MARGIN, MARGIN + 11.0, frame.title.clone(), Anchor::Start).paint("ink").bold();
    s.text(MARGIN + 12.0 + 7.0 * frame.title.chars().count() as f64, MARGIN + 11.0, frame.what.clone(), Anchor::Start);
    let mut x = MARGIN;
    for (paint, name) in &frame.legend {
        s.rect([x, MARGIN + 24.0, 12.0, 3.0], paint.clone());
        s.text(x + 17.0, MARGIN + 29.0, name.clone(), Anchor::Start).paint("ink-2");
        x += 31.0 + 7.0 * name.chars().count() as f64;
    }
    let lines = wrapped(&frame.sentence, scene.width).len() as f64;
    s.text(MARGIN, top + scene.height + 23.0 + 18.0 * lines, frame.source.clone(), Anchor::Start);
    s
}
