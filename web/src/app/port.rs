//! Starts the worker and turns what it says into actions.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_lab::protocol::{Command, DeviceChoice, Reply, Slot};
use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::bundled;
use crate::app::context::{Port, now};
use crate::app::link::Target;
use crate::app::state::{Place, Run, State};
use crate::app::texts::Texts;
use crate::app::part;
use crate::figures::download::save_blob;
use crate::worker::client::{Client, FromWorker};
use crate::worker::wire::Sealed;

/// Answers of one frame are folded in together: a job over a small model says hundreds of things a second.
const FRAME_MS: u32 = 16;
/// A missing file is asked for again after this.
const AGAIN_MS: u32 = 2000;

/// The device that the address asks for: `?device=gpu` or `?device=cpu`, or the same in a link.
pub fn asked_device() -> DeviceChoice {
    let location = gloo::utils::window().location();
    let asked = |text: Result<String, _>| text.unwrap_or_default().trim_start_matches(['#', '?']).split('&').find_map(|pair| pair.strip_prefix("device=").map(str::to_owned));
    // What a link says goes before the query.
    match asked(location.hash()).or_else(|| asked(location.search())).as_deref() {
        Some("gpu") => DeviceChoice::Gpu,
        Some("cpu") => DeviceChoice::Cpu,
        _ => DeviceChoice::Auto,
    }
}

/// The way to the worker, made once.
#[hook]
pub fn use_port(dispatch: UseReducerDispatcher<State>) -> Port {
    (*use_memo((), move |()| make(dispatch))).clone()
}

/// Notes when the first matrix product had come, in milliseconds from navigation: a device is announced when it has multiplied.
fn first_product() {
    let Some(root) = gloo::utils::document().document_element() else { return };
    if let (false, Some(clock)) = (root.has_attribute("data-first-product"), gloo::utils::window().performance()) {
        root.set_attribute("data-first-product", &format!("{:.1}", clock.now())).ok();
    }
}

/// Folds what has been heard into the state, by the code that understands it; that is fetched first, once, and asked for until it comes.
async fn folded(waiting: Rc<RefCell<Vec<Sealed<Reply>>>>, dispatch: UseReducerDispatcher<State>) {
    let mut told = false;
    let fold = loop {
        if let Ok(hands) = part::hands().await {
            break hands.fold;
        }
        if !std::mem::replace(&mut told, true) {
            dispatch.dispatch(Action::Fault { place: Place::Open, fault: part::missing("the file that reads the worker's answers", "It is asked for again every two seconds; what the worker says meanwhile is kept."), now: now() });
        }
        pause(AGAIN_MS).await;
    };
    let sealed = std::mem::take(&mut *waiting.borrow_mut());
    dispatch.dispatch(fold(sealed, now()));
}

async fn pause(ms: u32) {
    let (done, at) = futures::channel::oneshot::channel();
    Timeout::new(ms, move || done.send(()).unwrap_or_default()).forget();
    // The timer cannot go without having sent.
    at.await.unwrap_or_default();
}

fn make(dispatch: UseReducerDispatcher<State>) -> Port {
    let waiting: Rc<RefCell<Vec<Sealed<Reply>>>> = Rc::default();
    let hear = {
        let dispatch = dispatch.clone();
        Callback::from(move |message: FromWorker| match message {
            FromWorker::Multiplied => {
                first_product();
                part::at_rest();
            }
            FromWorker::Reply(reply) => {
                let first = waiting.borrow().is_empty();
                waiting.borrow_mut().push(reply);
                if first {
                    let (waiting, dispatch) = (waiting.clone(), dispatch.clone());
                    Timeout::new(FRAME_MS, move || spawn_local(folded(waiting, dispatch))).forget();
                }
            }
            FromWorker::Cancelled { job } => dispatch.dispatch(Action::Ended { job, fault: None, now: now() }),
            FromWorker::Exported { job, blob, name } => {
                save_blob(&blob, &name);
                dispatch.dispatch(Action::FileSaved { job, name });
            }
            FromWorker::Crashed { message } => dispatch.dispatch(Action::Crashed { why: message, now: now() }),
            FromWorker::Grown => dispatch.dispatch(Action::Grown { now: now() }),
            FromWorker::Restarted => dispatch.dispatch(Action::Restarted { now: now() }),
        })
    };
    let client = Client::start(hear);
    let choice = asked_device();
    client.send(Command::Device(choice));
    dispatch.dispatch(Action::Choose(choice));

    let command = {
        let (client, dispatch) = (client.clone(), dispatch.clone());
        Callback::from(move |command: Command| {
            if let Command::Device(choice) = &command {
                dispatch.dispatch(Action::Choose(*choice));
            }
            client.send(command);
        })
    };
    let opening = {
        let dispatch = dispatch.clone();
        // Openings are answered without a job number; 0 is no job's number.
        move |from: Option<Target>| {
            dispatch.dispatch(Action::Asked(from));
            dispatch.dispatch(Action::Started(Run::new(0, "open", Place::Open, now())));
        }
    };
    let texts = Texts::default();
    let open = {
        let (client, opening, texts) = (client.clone(), opening.clone(), texts.clone());
        Callback::from(move |files: Vec<web_sys::File>| {
            texts.opening(&files);
            opening(None);
            client.open_files(files);
        })
    };
    let bundled = {
        let (client, opening) = (client.clone(), opening.clone());
        Callback::from(move |name: String| {
            opening(Some(Target::Bundled(name.clone())));
            client.open_bundled(&name, bundled::urls(&name));
        })
    };
    let address = {
        let (client, opening) = (client.clone(), opening.clone());
        Callback::from(move |address: String| {
            opening(Some(Target::Remote { address: address.clone(), sha: String::new() }));
            client.open_address(Slot::First, &address, None);
        })
    };
    let second = {
        let client = client.clone();
        Callback::from(move |files| client.open_second(files))
    };
    let stop_now = Callback::from(move |()| client.stop_now());
    Port::new(command, open, bundled, address, second, stop_now, texts)
}
