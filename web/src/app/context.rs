//! What every component can reach: the state, and the way to the worker.

use std::cell::Cell;
use std::rc::Rc;

use espalier_lab::protocol::{Command, Edits, Fault, FaultKind, Pace};
use serde_json::Value;
use yew::prelude::*;

use crate::app::action::Action;
use crate::app::journal;
use crate::app::state::{Asked, Place, Run, State};
use crate::app::texts::{self, Texts};
use crate::app::town::TownAct;
use crate::app::unfinished;

/// The way to the worker. Commands go through it; answers come back as [`Action::Late`].
#[derive(Clone)]
pub struct Port {
    /// Sends a command.
    pub command: Callback<Command>,
    /// Opens files that were dropped or chosen.
    pub open: Callback<Vec<web_sys::File>>,
    /// Opens a bundled checkpoint by its name.
    pub bundled: Callback<String>,
    /// Opens a Hub id or an address.
    pub address: Callback<String>,
    /// Opens files to compare with.
    pub second: Callback<Vec<web_sys::File>>,
    /// Ends the worker now and starts a fresh one on the same files.
    pub stop_now: Callback<()>,
    /// Texts on their way to the worker.
    pub texts: Texts,
    jobs: Rc<Cell<u32>>,
}

impl Port {
    /// A port over these callbacks.
    #[expect(clippy::too_many_arguments, reason = "one callback each")]
    pub fn new(command: Callback<Command>, open: Callback<Vec<web_sys::File>>, bundled: Callback<String>, address: Callback<String>, second: Callback<Vec<web_sys::File>>, stop_now: Callback<()>, texts: Texts) -> Self {
        Self { command, open, bundled, address, second, stop_now, texts, jobs: Rc::new(Cell::new(1)) }
    }

    /// A number that no job or drag has had yet.
    pub fn number(&self) -> u32 {
        let n = self.jobs.get();
        self.jobs.set(n + 1);
        n
    }
}

impl PartialEq for Port {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.jobs, &other.jobs)
    }
}

/// The context: `let lab = use_lab();` in any component.
#[derive(Clone)]
pub struct Lab {
    /// State and dispatch.
    pub state: UseReducerHandle<State>,
    /// [`State::revision`] when this was made: two handles both read the newest state, so they cannot be told apart by it.
    revision: u64,
    /// Worker.
    pub port: Port,
}

impl PartialEq for Lab {
    /// The same revision, not an equal state: comparing thousands of spectra at every drag would cost more than drawing them.
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision && self.port == other.port
    }
}

impl Lab {
    /// What components reach now.
    pub fn new(state: UseReducerHandle<State>, port: Port) -> Self {
        Self { revision: state.revision, state, port }
    }

    /// Changes the state.
    pub fn act(&self, action: Action) {
        self.state.dispatch(action);
    }

    /// Goes to a place.
    pub fn go(&self, place: Place) {
        self.act(Action::Go(place));
    }

    /// Looks at a figure or list in this way: `name` is the figure's, `how` its own short text, empty for as it comes.
    pub fn view(&self, name: &str, how: &str) {
        self.act(Action::View(name.into(), (!how.is_empty()).then(|| how.into())));
    }

    /// Runs a method over the open checkpoint; spectra that are known are handed along. A run that is under way is cancelled first.
    pub fn run(&self, method: &str, config: serde_json::Value, matrices: Option<Vec<String>>) -> u32 {
        self.again(Asked { method: method.into(), config, matrices, seed: self.state.seed })
    }

    /// Runs exactly this.
    pub fn again(&self, asked: Asked) -> u32 {
        let job = self.begin(&asked.method, Some(asked.clone()));
        let texts = texts::named(&asked);
        let table = texts::needs_table(&asked.config.to_string());
        let Asked { method, mut config, matrices, seed } = asked.clone();
        if method == "sensitivity" || method == "calibration_study" {
            // What an earlier start of the same sweep or study has measured is not measured again.
            config["known"] = match self.state.language.known(&asked) {
                Value::Object(known) if known.is_empty() => unfinished::known(&self.state, &asked),
                known => known,
            };
        }
        let command = Command::Run { job, method, config, matrices, known: self.state.known_spectra(), seed };
        self.with_texts(job, texts, table, command);
        job
    }

    /// Sends a command once the texts that it needs are there, and the bundled sentence embeddings where it needs them.
    fn with_texts(&self, job: u32, names: Vec<String>, table: bool, command: Command) {
        if names.is_empty() && !table {
            return self.port.command.emit(command);
        }
        let lab = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let table = if table { lab.port.texts.table().await } else { Ok(None) };
            let corpora = match table {
                Ok(table) => {
                    table.into_iter().for_each(|t| lab.port.command.emit(Command::Points(t)));
                    if names.is_empty() { Ok(Vec::new()) } else { lab.port.texts.corpora(&lab.state, &names).await }
                }
                Err(fault) => Err(fault),
            };
            let now = now();
            if lab.state.run.as_ref().is_some_and(|r| r.job > job) {
                // Something newer runs: this would stop it.
                return;
            }
            if lab.port.texts.is_cancelled(job) {
                return lab.act(Action::Ended { job, fault: None, now });
            }
            match corpora {
                Ok(corpora) => {
                    if !names.is_empty()
                        && let Ok(tokenizer) = lab.port.texts.tokenizer(&lab.state).await
                    {
                        lab.act(Action::Tokenizer(Some(tokenizer)));
                    }
                    corpora.into_iter().for_each(|c| lab.port.command.emit(Command::Text(c)));
                    lab.port.command.emit(command);
                }
                Err(fault) => lab.act(Action::Ended { job, fault: Some(fault), now }),
            }
        });
    }

    /// Writes an edited copy.
    pub fn export(&self, edits: Edits, provenance: Vec<(String, String)>) -> u32 {
        let job = self.begin("export", None);
        let texts = match &edits {
            Edits::Calibrated { method, config, matrices, seed, .. } => texts::named(&Asked { method: method.clone(), config: config.clone(), matrices: matrices.clone(), seed: *seed }),
            _ => Vec::new(),
        };
        self.with_texts(job, texts, false, Command::Export { job, edits, provenance });
        job
    }

    /// Runs the self-test.
    pub fn self_test(&self) -> u32 {
        let job = self.begin("self-test", None);
        self.port.command.emit(Command::SelfTest { job });
        job
    }

    /// Compares the two open checkpoints; the spectra of the selected matrix are laid over one another.
    pub fn diff(&self) -> u32 {
        let job = self.begin("diff", None);
        let selected = self.state.selected_name().filter(|n| self.state.summary.as_ref().is_some_and(|s| s.matrices.iter().any(|m| m.label() == *n)));
        self.port.command.emit(Command::Diff { job, config: serde_json::json!({ "spectra": selected.into_iter().collect::<Vec<_>>() }) });
        job
    }

    /// Does a record again. `what` is what it is called where it cannot be read.
    pub fn replay(&self, text: &str, what: &str) {
        if text.contains("\"digest\"") {
            // The engine's own record: it does every step again and holds each result against the recorded one.
            let job = self.begin("replay", None);
            return self.with_texts(job, texts::of_record(text), texts::needs_table(text), Command::Replay { job, record: text.into() });
        }
        match journal::read(text) {
            Ok(journal) => crate::app::address::replay(self, journal),
            Err(why) => {
                let advice = "Take the record as it was saved, or open the checkpoint and run again.".into();
                let fault = Fault { kind: FaultKind::Config, what: format!("The run record {what} was not replayed"), why, advice, details: text.chars().take(2000).collect(), room: None };
                self.act(Action::Fault { place: self.state.place, fault, now: now() });
            }
        }
    }

    /// Asks for a tensor's statistics.
    pub fn stats(&self, tensor: u32) {
        self.port.command.emit(Command::Stats { job: self.port.number(), tensor });
    }

    /// Holds the run of the Map, lets it go on, or has it take some steps.
    pub fn pace(&self, pace: Pace) {
        if let Some(run) = self.state.running("calliper") {
            self.port.command.emit(Command::Pace { job: run.job, pace });
            if pace == Pace::Pause {
                // Whoever lets a run wait may well leave.
                self.ask_for_run();
            }
            self.act(Action::Town(TownAct::Paused(matches!(pace, Pace::Pause | Pace::Step(_)))));
        }
    }

    /// Stops what runs.
    pub fn cancel(&self) {
        if let Some(run) = &self.state.run {
            self.port.texts.cancel(run.job);
            self.port.command.emit(Command::Cancel { job: run.job });
            self.act(Action::Cancelling { now: now() });
        }
    }

    /// A run begins: what ran is stopped. Whoever calls this sends its command, or says how it ended.
    pub fn begin(&self, method: &str, asked: Option<Asked>) -> u32 {
        if let Some(run) = &self.state.run {
            self.port.command.emit(Command::Cancel { job: run.job });
        }
        let job = self.port.number();
        self.act(Action::Started(Run { asked: asked.map(Rc::new), ..Run::new(job, method, self.state.place, now()) }));
        job
    }
}

/// The laboratory's context.
///
/// Only components below the app's provider may call it; without one there is nothing to show, which is a bug of ours.
#[hook]
pub fn use_lab() -> Lab {
    use_context::<Lab>().expect("the app provides the context to everything it draws")
}

/// Milliseconds since 1970.
pub fn now() -> f64 {
    js_sys::Date::now()
}
