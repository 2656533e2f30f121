//! The state as an address.

use espalier_lab::protocol::DeviceChoice;

use super::target::Target;
use super::{VERSION, base64, escape};
use crate::app::state::State;

/// Everything but the packed part: `v=1&page=rank&…`.
pub fn readable(state: &State) -> String {
    let mut out = format!("v={VERSION}&page={}", state.place.slug());
    let mut put = |key: &str, value: &str| {
        if value.is_empty() {
            return;
        }
        out.push('&');
        out.push_str(key);
        out.push('=');
        out.push_str(&escape(value));
    };
    match &state.source {
        Some(Target::Bundled(name)) => put("open", name),
        Some(Target::Remote { address, sha }) => {
            put("from", address);
            put("sha", sha);
        }
        Some(Target::Local { name, size, sha }) => {
            put("file", name);
            put("size", &size.to_string());
            put("sha", sha);
        }
        None => {}
    }
    if let Some(run) = state.shown.last() {
        put("method", &run.method);
    }
    put("seed", &state.seed.to_string());
    match state.choice {
        DeviceChoice::Auto => {}
        DeviceChoice::Cpu => put("device", "cpu"),
        DeviceChoice::Gpu => put("device", "gpu"),
    }
    if let Some(name) = state.selected_name() {
        put("tensor", &name);
    }
    let lesson = &state.lesson;
    if lesson.embed {
        put("embed", "1");
    }
    for (key, list) in [("hide", &lesson.hide), ("lock", &lesson.lock)] {
        put(key, &list.join(","));
    }
    put("task", &lesson.task);
    out
}

/// The whole hash: the readable keys, then the packed one with its check. `kind` says how `bytes` hold the rest: `j` as JSON, `d` deflated.
pub fn write(state: &State, kind: char, bytes: &[u8]) -> String {
    let packed = format!("{kind}{}", base64::encode(bytes));
    format!("{}&s={packed}.{}", readable(state), base64::check(&packed))
}
