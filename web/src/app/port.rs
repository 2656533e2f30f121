//! Starts the worker and turns what it says into actions.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_lab::protocol::{Command, DeviceChoice, Reply, Slot};
use gloo::timers::callback::Timeout;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::bundled;
use crate::app::context::{Port, now};
use crate::app::link::{Link, Target};
use crate::app::state::{Place, Run, State};
use crate::app::texts::Texts;
use crate::figures::download::{save_blob, save_text};
use crate::worker::client::{Client, FromWorker};

/// Answers of one frame are folded in together: a job over a small model says hundreds of things a second.
const FRAME_MS: u32 = 16;

/// The device that the address asks for: `?device=gpu` or `?device=cpu`, or the same in a link.
pub fn asked_device() -> DeviceChoice {
    if let Some(device) = Link::read(&crate::app::address::hash()).device {
        return device;
    }
    let query = gloo::utils::window().location().search().unwrap_or_default();
    let asked = query.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("device="));
    match asked {
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

fn make(dispatch: UseReducerDispatcher<State>) -> Port {
    let waiting: Rc<RefCell<Vec<Reply>>> = Rc::default();
    let hear = {
        let dispatch = dispatch.clone();
        Callback::from(move |message: FromWorker| match message {
            FromWorker::Reply(Reply::Record { text, .. }) => save_text(&text, "application/json", "espalier-run.json"),
            FromWorker::Reply(reply) => {
                if matches!(reply, Reply::Device(_)) {
                    first_product();
                }
                let first = waiting.borrow().is_empty();
                waiting.borrow_mut().push(reply);
                if first {
                    let (waiting, dispatch) = (waiting.clone(), dispatch.clone());
                    Timeout::new(FRAME_MS, move || {
                        let replies = std::mem::take(&mut *waiting.borrow_mut());
                        dispatch.dispatch(Action::Replies { replies, now: now() });
                    })
                    .forget();
                }
            }
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
