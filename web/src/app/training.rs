//! A training run that can be gone on with: asked of the worker now and then, kept in the browser's storage for the next visit, taken up from a file.

use std::rc::Rc;

use espalier_lab::protocol::{Command, Pace};
use espalier_methods::urban::calliper::{CARD_ID, Config};
use espalier_methods::urban::saved::About;
use espalier_methods::urban::town::PointFile;
use espalier_nets::checkpoint::header_end;
use gloo::events::EventListener;
use gloo::timers::callback::Interval;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, Cache, File, Response};
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::Lab;
use crate::app::state::Place;
use crate::app::town::{Kept, SAVED, TownAct};
use crate::figures::download::save_blob;

/// The worker is asked for the run this often: what a reload loses at most.
const EVERY_MS: u32 = 15_000;
/// Where the last run lies. The storage of the page's own files is tidied by its prefix, `espalier-`: this one has another.
const STORE: &str = "kept-by-espalier";
/// Its name there; no such address is ever asked for.
const KEY: &str = "./kept-run";
/// Longest header of a saved run that is looked at: curves of a million steps are not drawn anyway.
const HEADER: u64 = 64 << 20;

async fn bytes(blob: &Blob) -> Option<Vec<u8>> {
    Some(Uint8Array::new(&JsFuture::from(blob.array_buffer()).await.ok()?).to_vec())
}

fn blob(bytes: &[u8]) -> Option<Blob> {
    let parts: js_sys::Array = std::iter::once(JsValue::from(Uint8Array::from(bytes))).collect();
    Blob::new_with_u8_array_sequence(&parts).ok()
}

/// The storage, where the browser allows one: not on plain http, not in every frame.
async fn store() -> Option<Cache> {
    let caches = gloo::utils::window().caches().ok()?;
    JsFuture::from(caches.open(STORE)).await.ok()?.dyn_into().ok()
}

async fn stored() -> Option<Kept> {
    let found: Response = JsFuture::from(store().await?.match_with_str(KEY)).await.ok()?.dyn_into().ok()?;
    let whole: Blob = JsFuture::from(found.blob().ok()?).await.ok()?.dyn_into().ok()?;
    Kept::read(PointFile { name: SAVED.into(), bytes: bytes(&whole).await?.into() }, true)
}

/// A storage that is full or forbidden only means that a reload begins anew.
async fn put(file: &PointFile) -> Option<()> {
    let answer = Response::new_with_opt_blob(blob(&file.bytes).as_ref()).ok()?;
    JsFuture::from(store().await?.put_with_str(KEY, &answer)).await.ok().map(|_| ())
}

/// Forgets the kept run, here and in the storage.
pub fn forget(lab: &Lab) {
    lab.act(Action::Town(TownAct::Kept(None)));
    spawn_local(async {
        if let Some(store) = store().await {
            // One that is not there any more is forgotten, too.
            JsFuture::from(store.delete_with_str(KEY)).await.ok();
        }
    });
}

/// Saves a run as a file.
pub fn save(kept: &Kept) {
    if let Some(blob) = blob(&kept.file.bytes) {
        save_blob(&blob, &format!("calliper-step-{}.safetensors", kept.about.step));
    }
}

/// Goes on with the kept run. How long it trains, how often it is looked at and what is probed may have been set anew; all else is the run's own.
pub fn go_on(lab: &Lab, kept: &Kept) {
    let (now, then) = (&*lab.state.town.config, &kept.about.config);
    let longer = Config { epochs: now.epochs, look_every: now.look_every, seeds: now.seeds, neighbours: now.neighbours, supervised_steps: now.supervised_steps, steps: None, ..then.clone() };
    let config = if longer == (Config { steps: None, ..now.clone() }) { longer } else { then.clone() };
    take_settings(lab, &config, kept.about.seed);
    lab.port.command.emit(Command::Points(PointFile { name: SAVED.into(), bytes: kept.file.bytes.clone() }));
    if let Ok(mut config) = serde_json::to_value(config) {
        config["resume"] = SAVED.into();
        lab.again(crate::app::state::Asked { method: CARD_ID.into(), config, matrices: None, seed: kept.about.seed });
    }
}

fn take_settings(lab: &Lab, config: &Config, seed: u64) {
    lab.act(Action::Seed(seed));
    lab.act(Action::Town(TownAct::Config(Box::new(config.clone()))));
}

/// Takes up a saved run that was dropped or chosen: the Map shows its city and offers to go on. Any other file is left to `otherwise`.
pub fn taken_up(lab: &Lab, file: File, otherwise: impl FnOnce() + 'static) {
    if !file.name().ends_with(".safetensors") {
        return otherwise();
    }
    let lab = lab.clone();
    spawn_local(async move {
        match read(&file).await {
            Some(kept) => {
                take_settings(&lab, &kept.about.config, kept.about.seed);
                lab.act(Action::Town(TownAct::Kept(Some(Rc::new(kept)))));
                lab.act(Action::Town(TownAct::City));
                lab.go(Place::Map);
            }
            None => otherwise(),
        }
    });
}

/// A saved run; of other files no more is read than their head.
async fn read(file: &File) -> Option<Kept> {
    let part = async |from: f64, to: f64| bytes(&file.slice_with_f64_and_f64(from, to).ok()?).await;
    let end = header_end(&part(0.0, 8.0).await?).filter(|end| *end <= HEADER)?;
    About::of(&part(0.0, end as f64).await?)?;
    Kept::read(PointFile { name: file.name(), bytes: bytes(file).await?.into() }, true)
}

/// Keeps the last run: asks the worker for it while it trains, when it is made to wait, and when the page is left; stores what comes; and finds it again.
#[hook]
pub fn use_training(lab: &Lab) {
    let newest = use_mut_ref(|| lab.clone());
    *newest.borrow_mut() = lab.clone();
    {
        // Only who comes to the Map waits for it: the page's start reads nothing.
        let (found, looked) = (newest.clone(), use_mut_ref(|| false));
        use_effect_with(lab.state.place == Place::Map, move |here| {
            if *here && !looked.replace(true) {
                spawn_local(async move {
                    if let Some(kept) = stored().await {
                        let lab = found.borrow().clone();
                        if lab.state.town.kept.is_none() {
                            lab.act(Action::Town(TownAct::Kept(Some(Rc::new(kept)))));
                        }
                    }
                });
            }
        });
    }
    {
        let newest = newest.clone();
        use_effect_with((), move |()| {
            let left = EventListener::new(&gloo::utils::document(), "visibilitychange", move |_| {
                if gloo::utils::document().hidden() {
                    newest.borrow().ask_for_run();
                }
            });
            move || drop(left)
        });
    }
    let job = lab.state.running(CARD_ID).filter(|r| r.unit == "steps").map(|r| r.job);
    use_effect_with(job, move |job| {
        let asks = job.map(|_| Interval::new(EVERY_MS, move || newest.borrow().ask_for_run()));
        move || drop(asks)
    });
    let (lab, kept) = (lab.clone(), lab.state.town.kept.clone());
    // By its address: comparing a megabyte at every change of the page would be work for nothing.
    let which = kept.as_ref().map(|k| Rc::as_ptr(k) as usize);
    use_effect_with((which, lab.state.town.wish), move |(_, wish)| {
        let Some(kept) = kept.filter(|k| !k.stored) else { return };
        if *wish {
            save(&kept);
        }
        let stored = Kept { stored: true, ..(*kept).clone() };
        lab.act(Action::Town(TownAct::Wish(false)));
        lab.act(Action::Town(TownAct::Kept(Some(Rc::new(stored)))));
        spawn_local(async move {
            put(&kept.file).await;
        });
    });
}

impl Lab {
    /// Asks for the run of the Map as it stands, where one trains.
    pub fn ask_for_run(&self) {
        if let Some(run) = self.state.running(CARD_ID) {
            self.port.command.emit(Command::Pace { job: run.job, pace: Pace::Save });
        }
    }
}
