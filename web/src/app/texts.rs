//! Texts on their way to the worker: fetched or given, tokenized by the tokenizer's own program, then handed over before the run that needs them.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use espalier_lab::protocol::{Fault, FaultKind};
use espalier_methods::bytes::U32s;
use espalier_methods::calibration::{Corpus, OWN};
use espalier_methods::urban::sentences::BUNDLED as BUNDLED_TABLE;
use espalier_methods::urban::town::PointFile;
use espalier_nets::checkpoint::Role;
use espalier_nets::checkpoint::remote::{Address, HUB};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use crate::app::language::{OwnText, Tokenizer};
use crate::app::link::Target;
use crate::app::state::{Asked, State};
use crate::tokens::Tokens;
use crate::tokens::message::{Told, What};

/// A text that comes with the page.
pub struct Bundled {
    /// Its name in configurations.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// It consists of questions.
    pub questions: bool,
    /// Bytes of its file.
    pub bytes: usize,
}

/// All of them: `assets/texts`.
pub const BUNDLED: [Bundled; 7] = [
    Bundled { name: "plays", what: "Shakespeare, from what the bundled models were trained on", questions: false, bytes: 64_536 },
    Bundled { name: "plays-heldout", what: "Shakespeare, what they have not seen", questions: false, bytes: 28_840 },
    Bundled { name: "stories", what: "short prose, generated", questions: false, bytes: 64_442 },
    Bundled { name: "driving", what: "what a driver sees and does, generated", questions: false, bytes: 73_323 },
    Bundled { name: "arithmetic", what: "word problems with steps, generated", questions: true, bytes: 75_685 },
    Bundled { name: "entailment", what: "premise, hypothesis, label, generated", questions: true, bytes: 71_724 },
    Bundled { name: "commonsense", what: "a need and four things, generated", questions: true, bytes: 71_452 },
];

/// Whether a text of that name consists of questions.
pub fn questions(name: &str, own: &[OwnText]) -> bool {
    BUNDLED.iter().any(|b| b.name == name && b.questions) || own.iter().any(|t| t.name == name && t.lines && !t.text.contains("\"text\""))
}

/// Bytes of the longest of these texts (names with commas between them); `None` where one of them is not here.
pub fn longest(names: &str, own: &[OwnText]) -> Option<usize> {
    let size = |name: &str| BUNDLED.iter().find(|b| b.name == name).map(|b| b.bytes).or_else(|| own.iter().find(|t| t.name == name).map(|t| t.text.len()));
    names.split(',').map(|name| size(name.trim())).try_fold(0, |most, size| size.map(|size| most.max(size)))
}

/// Methods that read texts.
const READ: [&str; 11] = ["condense", "thin", "wanda", "sparsegpt", "owl", "outliers", "sensitivity", "perplexity", "calibration_study", "rescaling", "rules"];
/// Sources that no text is fetched for: controls, and what the engine lets the model write.
const CONTROLS: [&str; 4] = ["mixture", "random", "repeated", OWN];

/// The texts that a run names, each once.
pub fn named(asked: &Asked) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    if READ.contains(&asked.method.as_str()) {
        for key in ["calibration", "sources", "evaluation", "domains"] {
            let list = asked.config.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
            for name in list.split(',').map(|n| n.split(':').next().unwrap_or_default().trim()).filter(|n| !n.is_empty() && !CONTROLS.contains(n)) {
                if !out.iter().any(|o| o == name) {
                    out.push(name.into());
                }
            }
        }
    }
    out
}

/// The texts that the steps of the engine's record name.
pub fn of_record(text: &str) -> Vec<String> {
    let record: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let mut out: Vec<String> = Vec::new();
    for step in record.get("steps").and_then(serde_json::Value::as_array).into_iter().flatten() {
        let method = step.get("method").and_then(serde_json::Value::as_str).unwrap_or_default();
        let asked = Asked { method: method.into(), config: step.get("config").cloned().unwrap_or_default(), matrices: None, seed: 0 };
        for name in named(&asked) {
            if !out.contains(&name) {
                out.push(name);
            }
        }
    }
    out
}

/// The way from texts to token numbers; clones are the same one.
#[derive(Clone, Default)]
pub struct Texts(Rc<Inner>);

#[derive(Default)]
struct Inner {
    /// The tokenizer's program.
    tokens: Tokens,
    /// Files that were opened last: a `tokenizer.json` may be among them.
    files: RefCell<Vec<File>>,
    /// A tokenizer that was chosen by hand: its file's name and text.
    chosen: RefCell<Option<(String, String)>>,
    /// For which opening of a checkpoint the program has which tokenizer.
    ready: RefCell<Option<(u32, Tokenizer)>>,
    corpora: RefCell<HashMap<String, Corpus>>,
    /// The bundled sentence embeddings have been handed over.
    table: Cell<bool>,
    /// Runs that were cancelled while their texts were on the way.
    cancelled: RefCell<HashSet<u32>>,
}

fn fault(what: String, why: String, advice: &str) -> Fault {
    Fault { kind: FaultKind::Source, what, details: why.clone(), why, advice: advice.into(), room: None }
}

fn untokenized(why: String) -> Fault {
    fault("The text could not be tokenized".into(), why, "Give the tokenizer.json from the model's own folder: drop it with the weights, or choose it under Calibration.")
}

fn missing(url: &str) -> String {
    format!("{url} did not come. Is the network there, and the copy of the site whole?")
}

async fn answer(url: &str) -> Result<web_sys::Response, String> {
    let init = web_sys::RequestInit::new();
    init.set_credentials(web_sys::RequestCredentials::SameOrigin);
    init.set_referrer_policy(web_sys::ReferrerPolicy::NoReferrer);
    JsFuture::from(gloo::utils::window().fetch_with_str_and_init(url, &init)).await.map(JsCast::unchecked_into).map_err(|_| missing(url))
}

/// The text of one of the site's own files, or of a file that the visitor named the address of; `None` where there is none.
///
/// # Errors
/// A network that does not answer.
pub async fn get(url: &str) -> Result<Option<String>, String> {
    let answer = answer(url).await?;
    if !answer.ok() {
        return Ok(None);
    }
    let text = answer.text().map(JsFuture::from).map_err(|_| missing(url))?.await.map_err(|_| missing(url))?;
    Ok(text.as_string())
}

/// The made city's descriptions as rows of a sentence encoder, which lie beside the page.
async fn table() -> Result<PointFile, String> {
    let url = "assets/sentences/made-city.safetensors";
    let answer = answer(url).await?;
    if !answer.ok() {
        return Err(missing(url));
    }
    let bytes = answer.array_buffer().map(JsFuture::from).map_err(|_| missing(url))?.await.map_err(|_| missing(url))?;
    Ok(PointFile { name: BUNDLED_TABLE.into(), bytes: js_sys::Uint8Array::new(&bytes).to_vec().into() })
}

/// Whether a run's configuration, or a record, names the bundled sentence embeddings.
pub fn needs_table(text: &str) -> bool {
    text.contains("\"sentences\"") && text.contains(&format!("\"{BUNDLED_TABLE}\""))
}

/// The text of a file of the visitor's.
pub async fn read(file: &File) -> Option<String> {
    JsFuture::from(file.text()).await.ok().and_then(|t| t.as_string())
}

impl Texts {
    /// The tokenizer's program.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Files that are being opened.
    pub fn opening(&self, files: &[File]) {
        self.0.files.replace(files.to_vec());
        self.0.chosen.replace(None);
    }

    /// Takes a tokenizer that the visitor has chosen.
    pub fn choose(&self, name: String, json: String) {
        self.0.chosen.replace(Some((name, json)));
        self.0.ready.replace(None);
    }

    /// A run was cancelled; says whether its texts were still on the way.
    pub fn cancel(&self, job: u32) {
        self.0.cancelled.borrow_mut().insert(job);
    }

    /// Whether that run was cancelled meanwhile.
    pub fn is_cancelled(&self, job: u32) -> bool {
        self.0.cancelled.borrow_mut().remove(&job)
    }

    /// Gives the program the tokenizer of the open checkpoint, once.
    ///
    /// # Errors
    /// A tokenizer that cannot be read or does not belong to the model.
    pub async fn tokenizer(&self, state: &State) -> Result<Tokenizer, Fault> {
        if let Some((_, known)) = self.0.ready.borrow().as_ref().filter(|(opened, _)| *opened == state.opened) {
            return Ok(known.clone());
        }
        let found = self.find(state).await.map_err(untokenized)?;
        let rows = state.summary.as_ref().and_then(|s| s.tensors.iter().filter(|t| t.role == Role::Embedding && t.shape.len() == 2).map(|t| t.shape[0]).reduce(f64::max));
        let (from, json) = found.unzip();
        match self.0.tokens.ask(What::Tokenizer { json, vocabulary: rows.map(|r| r as u32) }).await.map_err(untokenized)? {
            Told::Ready { words } => {
                let tokenizer = Tokenizer { words, from };
                self.0.corpora.borrow_mut().clear();
                self.0.ready.replace(Some((state.opened, tokenizer.clone())));
                Ok(tokenizer)
            }
            other => Err(untokenized(format!("{other:?}"))),
        }
    }

    /// The tokens of a text one by one, by the tokenizer of the open checkpoint: number, word, and where its bytes end.
    ///
    /// # Errors
    /// As [`tokenizer`](Self::tokenizer).
    pub async fn pieces(&self, state: &State, text: String) -> Result<(Tokenizer, Vec<(u32, String, u32)>), Fault> {
        let tokenizer = self.tokenizer(state).await?;
        match self.0.tokens.ask(What::View { text }).await.map_err(untokenized)? {
            Told::View(pieces) => Ok((tokenizer, pieces)),
            other => Err(untokenized(format!("{other:?}"))),
        }
    }

    /// Token numbers of a sentence with its beginning and end, by the tokenizer of the open checkpoint.
    ///
    /// # Errors
    /// As [`tokenizer`](Self::tokenizer).
    pub async fn ids(&self, state: &State, text: String) -> Result<U32s, Fault> {
        self.tokenizer(state).await?;
        match self.0.tokens.ask(What::Encode { text }).await.map_err(untokenized)? {
            Told::Ids(ids) => Ok(ids),
            other => Err(untokenized(format!("{other:?}"))),
        }
    }

    /// The bundled sentence embeddings, the first time that they are asked for.
    ///
    /// # Errors
    /// A network that does not answer.
    pub async fn table(&self) -> Result<Option<PointFile>, Fault> {
        if self.0.table.get() {
            return Ok(None);
        }
        let table = table().await.map_err(|why| fault("The bundled sentence embeddings did not come".into(), why, "Try again, or choose “Letter groups” under City: they need nothing."))?;
        self.0.table.set(true);
        Ok(Some(table))
    }

    /// Name and text of the tokenizer's file; `None` where there is none, so that bytes are taken.
    async fn find(&self, state: &State) -> Result<Option<(String, String)>, String> {
        if let Some(chosen) = self.0.chosen.borrow().clone() {
            return Ok(Some(chosen));
        }
        let named = |from: String, text: Option<String>| text.map(|t| (from, t));
        match &state.source {
            Some(Target::Bundled(name)) => Ok(named(format!("tokenizer.json of {name}"), get(&format!("assets/checkpoints/{name}/tokenizer.json")).await?)),
            Some(Target::Remote { address, .. }) => match Address::parse(address, HUB) {
                Ok(place) => Ok(named(format!("tokenizer.json of {address}"), get(&place.beside("tokenizer.json")).await?)),
                Err(_) => Ok(None),
            },
            _ => {
                let file = self.0.files.borrow().iter().find(|f| f.name() == "tokenizer.json").cloned();
                match file {
                    Some(file) => Ok(named("tokenizer.json, as it was dropped".into(), read(&file).await)),
                    None => Ok(None),
                }
            }
        }
    }

    /// Texts by name as token numbers.
    ///
    /// # Errors
    /// A text that is not there, lines that are not what they should be, no tokenizer.
    pub async fn corpora(&self, state: &State, names: &[String]) -> Result<Vec<Corpus>, Fault> {
        self.tokenizer(state).await?;
        let mut out = Vec::new();
        for name in names {
            let known = self.0.corpora.borrow().get(name).cloned();
            let corpus = match known {
                Some(c) => c,
                None => self.corpus(state, name).await?,
            };
            self.0.corpora.borrow_mut().insert(name.clone(), corpus.clone());
            out.push(corpus);
        }
        Ok(out)
    }

    async fn corpus(&self, state: &State, name: &str) -> Result<Corpus, Fault> {
        let missing = |why: String| fault(format!("The text “{name}” is not here"), why, "Choose a bundled text, or give yours again: texts of your own are in no link and no record.");
        let (text, lines) = match (BUNDLED.iter().find(|b| b.name == name), state.own.iter().find(|t| t.name == name)) {
            (_, Some(own)) => (own.text.to_string(), own.lines),
            (Some(b), None) => {
                let lines = !b.name.starts_with("plays");
                let file = format!("assets/texts/{name}.{}", if lines { "jsonl" } else { "txt" });
                (get(&file).await.map_err(missing)?.ok_or_else(|| missing(format!("{file} is not part of this copy of the site.")))?, lines)
            }
            (None, None) => return Err(missing("It is none of the bundled texts, and no text of your own has that name.".into())),
        };
        let failed = |why: String| fault(format!("The text “{name}” could not be tokenized"), why, "A .txt file is one text; each line of a .jsonl file is a JSON object with `text`, or with `question` and `answer`.");
        match self.0.tokens.ask(What::Corpus { name: name.into(), lines, text }).await.map_err(failed)? {
            Told::Corpus(c) => Ok(c),
            other => Err(failed(format!("{other:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_bundled_texts_are_those_of_their_files() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/texts");
        for b in &BUNDLED {
            let size = ["txt", "jsonl"].iter().find_map(|end| std::fs::metadata(folder.join(format!("{}.{end}", b.name))).ok()).map(|m| m.len() as usize);
            assert_eq!(size, Some(b.bytes), "{}", b.name);
        }
        let own = OwnText { name: "own-1".into(), lines: false, text: "x".repeat(100_000).into() };
        assert_eq!(longest("plays, stories", &[]), Some(64_536));
        assert_eq!(longest("plays,own-1", &[own]), Some(100_000));
        assert_eq!(longest("plays,elsewhere", &[]), None);
    }

    #[test]
    fn a_run_names_its_texts_once() {
        let asked = |method: &str, config| Asked { method: method.into(), config, matrices: None, seed: 0 };
        let config = serde_json::json!({ "calibration": "plays", "evaluation": "plays,stories" });
        assert_eq!(named(&asked("wanda", config.clone())), ["plays", "stories"]);
        assert!(named(&asked("spectra", config)).is_empty());
        let config = serde_json::json!({ "sources": "plays,arithmetic:single,mixture,random,model-text", "domains": "arithmetic" });
        assert_eq!(named(&asked("calibration_study", config)), ["plays", "arithmetic"]);
    }
}
