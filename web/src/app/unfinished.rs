//! What the last calibration study has measured, in the browser's storage: one that was stopped by a reload goes on where it was.

use serde_json::{Map, Value, json};
use yew::prelude::*;

use crate::app::context::Lab;
use crate::app::runs::storage;
use crate::app::state::{Asked, State};

const KEY: &str = "espalier.study";

/// Whose results they are. A seed is text: numbers in JSON hold 53 bits for most readers.
fn whose(state: &State, asked: &Asked) -> Option<Value> {
    Some(json!([state.summary.as_ref()?.header_hash, asked.config, asked.seed.to_string()]))
}

/// What is stored of exactly this study over exactly this checkpoint, as the method takes it.
pub fn known(state: &State, asked: &Asked) -> Value {
    let stored = storage().and_then(|s| s.get_item(KEY).ok().flatten()).and_then(|t| serde_json::from_str::<Value>(&t).ok()).unwrap_or_default();
    let same = asked.method == "calibration_study" && whose(state, asked).is_some_and(|w| stored.get("of") == Some(&w));
    stored.get("known").filter(|_| same).cloned().unwrap_or_else(|| Value::Object(Map::new()))
}

/// Stores the study's results as they come.
#[hook]
pub fn use_unfinished(lab: &Lab) {
    let lab = lab.clone();
    let ended = !lab.state.language.claims.is_empty();
    use_effect_with((lab.state.opened, lab.state.language.study.len(), ended), move |(_, runs, ended)| {
        let of = lab.state.language.study_of.as_ref();
        if let (Some(asked), Some(storage), true) = (of, storage(), *runs > 0)
            && let Some(whose) = whose(&lab.state, asked)
        {
            if *ended {
                // A whole study is run again from its link like every run, with its masks.
                storage.remove_item(KEY).ok();
                return;
            }
            // A full storage only means that a reload begins anew.
            storage.set_item(KEY, &json!({ "of": whose, "known": lab.state.language.known(asked) }).to_string()).ok();
        }
    });
}
