//! The worker: gloo's actor around the engine.

use std::cell::RefCell;

use gloo::worker::{HandlerId, WorkerScope};

use super::message::{FromLab, ToLab};

thread_local!(static MOUTH: RefCell<Option<Box<dyn Fn(FromLab)>>> = const { RefCell::new(None) });

/// Says something to the page; before the page has connected nobody hears it.
pub fn say(message: FromLab) {
    MOUTH.with_borrow(|mouth| {
        if let Some(mouth) = mouth {
            mouth(message);
        }
    });
}

/// gloo's actor.
pub struct LabWorker;

impl gloo::worker::Worker for LabWorker {
    type Message = ();
    type Input = ToLab;
    type Output = FromLab;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, id: HandlerId) {
        let scope = scope.clone();
        MOUTH.set(Some(Box::new(move |message| scope.respond(id, message))));
        say(FromLab::Alive);
    }

    fn received(&mut self, _: &WorkerScope<Self>, _message: ToLab, _: HandlerId) {}
}
