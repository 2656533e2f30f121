//! The worker.

use espalier_web::worker::lab_worker::LabWorker;
use espalier_web::worker::{codec::JsCodec, message::FromLab, lab_worker::say};
use gloo::worker::Registrable;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        say(FromLab::Panicked { message: info.to_string() });
        console_error_panic_hook::hook(info);
    }));
    LabWorker::registrar().encoding::<JsCodec>().register();
}
