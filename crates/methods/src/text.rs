//! Which texts a method works on, and how long its windows are.

use espalier_nets::models::Model;

use crate::calibration::Corpus;
use crate::config::bad;
use crate::layerwise::Evaluation;
use crate::method::{Inputs, Knob, MethodError, Range};
use crate::work::Desk;

/// The knob of a method that reads one text.
pub const CALIBRATION: Knob = Knob { key: "calibration", label: "Calibration text", help: "The text whose windows calibrate; the first one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" };
/// How many windows, as the papers on pruning have it.
pub const SAMPLES: Knob = Knob { key: "samples", label: "Samples", help: "Calibration windows.", unit: "windows", range: Range::Number { min: 1.0, max: 4096.0, step: 1.0 }, paper: "128" };
/// How long they are, as those papers have it.
pub const LENGTH: Knob = Knob { key: "length", label: "Length", help: "Tokens a window; the model's context where it is shorter.", unit: "tokens", range: Range::Number { min: 2.0, max: 131_072.0, step: 64.0 }, paper: "2048" };
/// What becomes of padding.
pub const COUNT_PADDING: Knob = Knob { key: "count_padding", label: "Count padding", help: "Whether positions of padding enter the statistics, as they do in the published code.", unit: "", range: Range::Switch, paper: "true" };

/// The text of this name; without a name the first, or the last.
///
/// # Errors
/// No text at all, or none of that name.
pub fn named<'i>(inputs: &'i Inputs<'_>, name: &str, key: &str, last: bool) -> Result<&'i Corpus, MethodError> {
    let texts = &inputs.texts;
    if texts.is_empty() {
        return Err(MethodError::Inputs("this needs a text; choose a bundled one, type one, or give a .txt or .jsonl file".into()));
    }
    let found = if name.is_empty() {
        if last { texts.last() } else { texts.first() }
    } else {
        texts.iter().find(|t| t.name == name)
    };
    found.map(|t| &**t).ok_or_else(|| {
        let known: Vec<&str> = texts.iter().map(|t| t.name.as_str()).collect();
        bad(key, format!("there is no text named “{name}”; there are {}", known.join(", ")))
    })
}

/// The asked length, or the model's context where that is shorter, said aloud.
pub fn window_length(model: &Model<'_>, asked: usize, desk: &Desk<'_>) -> usize {
    match model.architecture().context {
        Some(context) if context < asked => {
            desk.note(format!("windows have {context} tokens, the model's context, instead of {asked}"));
            context
        }
        _ => asked,
    }
}

/// [`evaluation`] over several texts: one name, or several separated by commas.
///
/// # Errors
/// As [`evaluation`].
pub fn evaluations(inputs: &Inputs<'_>, names: &str, length: usize, most: usize, desk: &Desk<'_>) -> Result<Vec<Evaluation>, MethodError> {
    let whole = names.trim().is_empty() || inputs.texts.iter().any(|t| t.name == names);
    let each: Vec<&str> = if whole { vec![names] } else { names.split(',').map(str::trim).filter(|n| !n.is_empty()).collect() };
    each.into_iter().filter_map(|name| evaluation(inputs, name, length, most, desk).transpose()).collect()
}

/// Windows behind one another, without overlap, from the start of the text: what perplexity is defined over. `None` where none are wanted.
///
/// # Errors
/// A text shorter than one window.
pub fn evaluation(inputs: &Inputs<'_>, name: &str, length: usize, most: usize, desk: &Desk<'_>) -> Result<Option<Evaluation>, MethodError> {
    if most == 0 {
        return Ok(None);
    }
    let text = named(inputs, name, "evaluation", true)?;
    let stream = if text.documents.is_empty() { text.examples.iter().flat_map(|e| e.single.iter().copied()).collect() } else { text.stream() };
    let windows: Vec<Vec<u32>> = stream.chunks_exact(length).take(most).map(<[u32]>::to_vec).collect();
    if windows.is_empty() {
        return Err(bad("length", format!("“{}” has {} tokens, fewer than one window of {length}; take shorter windows or a longer text", text.name, stream.len())));
    }
    let left = stream.len() / length - windows.len();
    if left > 0 {
        desk.note(format!("perplexity is of the first {} windows of {}; {left} more are left out", windows.len(), text.name));
    }
    Ok(Some(Evaluation { name: text.name.clone(), windows }))
}
