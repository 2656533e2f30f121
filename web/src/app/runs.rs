//! Records of recent runs in the browser's storage: one key a record, so that two tabs never write the same one.

use std::rc::Rc;

use gloo::events::EventListener;
use wasm_bindgen_futures::spawn_local;
use web_sys::Storage;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::address;
use crate::app::context::{Lab, now};
use crate::app::journal;

const PREFIX: &str = "espalier.run.";

/// A record that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its key; those of later visits sort behind those of earlier ones.
    pub id: String,
    /// One line.
    pub title: String,
    /// The record.
    pub text: Rc<str>,
    /// In the storage, not only in this tab.
    pub stored: bool,
}

/// The storage, where the browser allows one: not in every frame, not in every private window.
pub fn storage() -> Option<Storage> {
    gloo::utils::window().local_storage().ok().flatten()
}

/// Everything that is stored, newest first. What is no record of ours is left alone and not listed.
fn stored() -> Vec<Kept> {
    let Some(s) = storage() else { return Vec::new() };
    let keys = (0..s.length().unwrap_or(0)).filter_map(|i| s.key(i).ok().flatten()).filter(|k| k.starts_with(PREFIX));
    let read = |id: String| {
        let text = s.get_item(&id).ok().flatten()?;
        let title = journal::title(&journal::read(&text).ok()?);
        Some(Kept { id, title, text: text.into(), stored: true })
    };
    let mut all: Vec<Kept> = keys.filter_map(read).collect();
    espalier_methods::order::by(&mut all, |a, b| b.id.cmp(&a.id));
    all
}

/// All records: those of this tab that could not be stored, then the stored ones.
fn list(held: &[Kept]) -> Rc<Vec<Kept>> {
    let held: Vec<Kept> = held.iter().filter(|k| !k.stored).cloned().collect();
    let older = stored().into_iter().filter(|k| held.iter().all(|h| h.id != k.id));
    Rc::new(held.iter().cloned().chain(older).collect())
}

/// Bytes in the storage: of our records, and of everything else at this address. A character takes two.
pub fn used() -> [f64; 2] {
    let Some(s) = storage() else { return [0.0; 2] };
    let keys = (0..s.length().unwrap_or(0)).filter_map(|i| s.key(i).ok().flatten());
    keys.fold([0.0; 2], |mut sum, key| {
        let length = s.get_item(&key).ok().flatten().map_or(0, |v| js_sys::JsString::from(v).length());
        sum[usize::from(!key.starts_with(PREFIX))] += 2.0 * (f64::from(length) + key.len() as f64);
        sum
    })
}

/// Forgets records. What found no room before is tried again.
pub fn delete(lab: &Lab, ids: &[String]) {
    let mut held: Vec<Kept> = lab.state.runs.iter().filter(|k| !k.stored && !ids.contains(&k.id)).cloned().collect();
    if let Some(s) = storage() {
        // Removing a key that another tab has removed already does nothing.
        ids.iter().for_each(|id| { s.remove_item(id).ok(); });
        held.retain(|k| s.set_item(&k.id, &k.text).is_err());
    }
    if held.is_empty() {
        lab.act(Action::NotStored(String::new()));
    }
    lab.act(Action::Runs(list(&held)));
}

/// Stores the record of what is shown after each run, and keeps the list up to date with other tabs.
#[hook]
pub fn use_runs(lab: &Lab) {
    let visit = use_memo((), |()| format!("{PREFIX}{:013.0}-{:04.0}", now(), js_sys::Math::random() * 1e4));
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    {
        let newest = newest.clone();
        use_effect_with((), move |()| {
            let first = newest.borrow().clone();
            first.act(Action::Runs(list(&[])));
            let others = EventListener::new(&gloo::utils::window(), "storage", move |_| {
                let lab = newest.borrow().clone();
                lab.act(Action::Runs(list(&lab.state.runs)));
            });
            move || drop(others)
        });
    }
    let shown = Rc::as_ptr(&lab.state.shown) as usize;
    let ran = lab.state.town.ran.as_ref().map(|r| Rc::as_ptr(r) as usize);
    use_effect_with((lab.state.opened, shown, ran), move |_| {
        let lab = newest.borrow().clone();
        if lab.state.shown.is_empty() && lab.state.town.ran.is_none() {
            return;
        }
        let id = format!("{}-{}", *visit, lab.state.opened);
        spawn_local(async move {
            let text: Rc<str> = journal::write(&lab.state, &format!("#{}", address::write(&lab.state).await), now()).into();
            let put = match storage() {
                Some(s) => s.set_item(&id, &text).map_err(|_| "it is full"),
                None => Err("this browser gives this page none"),
            };
            let mut held: Vec<Kept> = newest.borrow().state.runs.iter().filter(|k| k.id != id && !k.stored).cloned().collect();
            if put.is_err() {
                let title = journal::read(&text).map(|j| journal::title(&j)).unwrap_or_default();
                held.insert(0, Kept { id, title, text, stored: false });
            }
            let lab = newest.borrow().clone();
            lab.act(Action::Runs(list(&held)));
            lab.act(Action::NotStored(put.err().unwrap_or_default().into()));
        });
    });
}
