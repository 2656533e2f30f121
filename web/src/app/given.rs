//! Files that were dropped or chosen: which way each goes.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::File;

use crate::app::context::Lab;
use crate::app::state::Place;
use crate::app::{journal, training};

/// A run record that was dropped is done again; other JSON goes the way of all files.
fn taken_as_record(lab: &Lab, file: &File) -> bool {
    if !file.name().ends_with(".json") || file.name() == "config.json" || file.size() > journal::LONGEST {
        return false;
    }
    let (lab, name, text) = (lab.clone(), file.name(), file.text());
    spawn_local(async move {
        let text = JsFuture::from(text).await.ok().and_then(|t| t.as_string()).unwrap_or_default();
        lab.replay(&text, &name);
    });
    true
}

/// Files that were dropped or chosen: a run record is done again, a saved run taken up, all else is opened.
pub fn given(lab: &Lab, mut files: Vec<File>) {
    let open = {
        let lab = lab.clone();
        move |files: Vec<File>| {
            lab.go(Place::Open);
            lab.port.open.emit(files);
        }
    };
    match files.len() {
        0 => {}
        1 if taken_as_record(lab, &files[0]) => {}
        1 => {
            let file = files.remove(0);
            training::taken_up(lab, file.clone(), move || open(vec![file]));
        }
        _ => open(files),
    }
}
