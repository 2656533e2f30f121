//! An address as what it asks for. Whatever cannot be read is noted and the rest is kept.

use espalier_lab::protocol::DeviceChoice;

use super::lesson::PARTS;
use super::{Link, Target, VERSION, base64, unescape};
use crate::app::state::Place;

const CUT: &str = "This link was cut: its end is missing. What it says in plain keys is shown, the settings of figures and bars are not.";

/// Reads the text after the `#`.
pub fn read(hash: &str) -> Link {
    let mut link = Link::default();
    let (mut unknown, mut version, mut wrong) = (Vec::new(), 0, Vec::new());
    let (mut from, mut file, mut sha, mut size) = (None, None, String::new(), None);
    let mut packed = None;
    for pair in hash.split('&').filter(|p| !p.is_empty()) {
        let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
        let value = unescape(raw);
        let list = || value.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        match key {
            "v" => version = value.parse().unwrap_or(0),
            "page" => match Place::ALL.into_iter().find(|p| p.slug() == value) {
                Some(place) => link.place = Some(place),
                None => wrong.push(format!("{key}={value}")),
            },
            "open" => link.target = Some(Target::Bundled(value)),
            "from" => from = Some(value),
            "file" => file = Some(value),
            "size" => size = value.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0),
            "sha" if value.chars().all(|c| c.is_ascii_hexdigit()) => sha = value.to_ascii_lowercase(),
            "seed" => match value.parse() {
                Ok(seed) => link.seed = Some(seed),
                Err(_) => wrong.push(format!("{key}={value}")),
            },
            "device" => match value.as_str() {
                "cpu" => link.device = Some(DeviceChoice::Cpu),
                "gpu" => link.device = Some(DeviceChoice::Gpu),
                "auto" => link.device = Some(DeviceChoice::Auto),
                _ => wrong.push(format!("{key}={value}")),
            },
            "tensor" => link.tensor = Some(value),
            // Which run was the last; what was run stands in the packed part.
            "method" => {}
            "embed" => link.lesson.embed = value != "0",
            "hide" => {
                let (known, strange): (Vec<_>, Vec<_>) = list().into_iter().partition(|p| PARTS.contains(&p.as_str()));
                link.lesson.hide = known;
                wrong.extend(strange.into_iter().map(|s| format!("hide={s}")));
            }
            "lock" => link.lesson.lock = list(),
            "task" => link.lesson.task = value,
            "s" => packed = Some(value),
            _ => unknown.push(key.to_owned()),
        }
    }
    if let Some(address) = from {
        link.target = Some(Target::Remote { address, sha });
    } else if let Some(name) = file {
        link.target = Some(Target::Local { name, size: size.unwrap_or(0.0), sha });
    }
    match packed.as_deref().map(|p| p.rsplit_once('.')) {
        Some(Some((body, check))) if base64::check(body) == check => link.packed = Some(body.to_owned()),
        Some(_) => link.notes.push(CUT.into()),
        // This page always writes one; a link made by hand has no version and needs none.
        None if version > 0 => link.notes.push(CUT.into()),
        None => {}
    }
    if version > VERSION {
        link.notes.push(newer(&unknown));
    } else if !unknown.is_empty() {
        link.notes.push(format!("{} not known here and left out: {}. All else is shown.", if unknown.len() == 1 { "One key of this link is" } else { "Some keys of this link are" }, unknown.join(", ")));
    }
    if !wrong.is_empty() {
        link.notes.push(format!("This link holds values that cannot be used: {}. All else is shown.", wrong.join(", ")));
    }
    link
}

fn newer(unknown: &[String]) -> String {
    match unknown {
        [] => "This link was made by a newer version; every key of it is known here, but what they hold may not be.".into(),
        [one] => format!("This link was made by a newer version. One of its keys is not known here: {one}. All else is shown."),
        more => format!("This link was made by a newer version. {} of its keys are not known here: {}. All else is shown.", more.len(), more.join(", ")),
    }
}
