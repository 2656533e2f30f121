//! Texts on their way to the worker: fetched, cut into tokens, handed over.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_lab::protocol::{Command, Fault, FaultKind};
use espalier_methods::calibration::Corpus;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use crate::app::action::Action;
use crate::app::bpe::Bpe;
use crate::app::context::{Lab, now};
use crate::app::experts::Words;
use crate::app::link::Target;
use crate::app::state::Place;

/// Texts that come with the page: name, and what it is.
pub const TEXTS: [(&str, &str); 2] = [("plays", "what the bundled models were trained on"), ("plays-heldout", "what they have not seen")];

thread_local!(static KNOWN: RefCell<Option<(String, Rc<Bpe>)>> = const { RefCell::new(None) });

/// One of the site's own files.
pub async fn get(url: &str) -> Result<String, Fault> {
    let missing = || Fault {
        kind: FaultKind::Source,
        what: format!("{url} did not come"),
        why: "It is part of this site; the network, or the copy of the site, may not be whole.".into(),
        advice: "See that the network is there and try again.".into(),
        details: url.into(),
    };
    let answer = JsFuture::from(gloo::utils::window().fetch_with_str(url)).await.map_err(|_| missing())?.unchecked_into::<web_sys::Response>();
    if !answer.ok() {
        return Err(missing());
    }
    let text = JsFuture::from(answer.text().map_err(|_| missing())?).await;
    text.ok().and_then(|t| t.as_string()).ok_or_else(missing)
}

/// The tokenizer of what is open: that of a bundled checkpoint, else bytes.
async fn tokenizer(lab: &Lab) -> Result<Rc<Bpe>, Fault> {
    let name = match &lab.state.source {
        Some(Target::Bundled(name)) => name.clone(),
        _ => String::new(),
    };
    if let Some(known) = KNOWN.with_borrow(|k| k.as_ref().filter(|(n, _)| *n == name).map(|(_, b)| b.clone())) {
        return Ok(known);
    }
    let bpe = if name.is_empty() {
        Bpe::of_bytes()
    } else {
        let text = get(&format!("assets/checkpoints/{name}/tokenizer.json")).await?;
        Bpe::read(&text).map_err(|why| Fault { kind: FaultKind::Malformed, what: format!("The tokenizer of {name} cannot be used"), details: why.clone(), why, advice: "Reload the page.".into() })?
    };
    let bpe = Rc::new(bpe);
    KNOWN.set(Some((name, bpe.clone())));
    Ok(bpe)
}

/// A text, word by word.
///
/// # Errors
/// A tokenizer that did not come.
pub async fn words(lab: &Lab, text: String) -> Result<Rc<Words>, Fault> {
    let tokens = tokenizer(lab).await?.encode(&text);
    Ok(Rc::new(Words { text, tokens }))
}

/// Runs a method once the worker has the texts that its configuration names.
pub fn run(lab: &Lab, method: &'static str, config: serde_json::Value) {
    let lab = lab.clone();
    wasm_bindgen_futures::spawn_local(async move {
        for key in ["calibration", "evaluation"] {
            let Some(name) = config[key].as_str() else { continue };
            let corpus = async {
                let text = get(&format!("assets/texts/{name}.txt")).await?;
                let tokens: Vec<u32> = tokenizer(&lab).await?.encode(&text).into_iter().map(|t| t.0).collect();
                Ok(Corpus { name: name.into(), bytes: text.len() as f64, documents: vec![tokens.into()], ..Corpus::default() })
            };
            match corpus.await {
                Ok(corpus) => lab.port.command.emit(Command::Text(corpus)),
                Err(fault) => return lab.act(Action::Fault { place: Place::Experts, fault, now: now() }),
            }
        }
        lab.run(method, config, None);
    });
}
