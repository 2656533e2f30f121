//! The engine: one open checkpoint, one device, and the jobs that run over them, all on one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use espalier_methods::calibration::Corpus;
use espalier_methods::method::{Inputs, MethodError, Sink};
use espalier_methods::report::{Report, Spectrum};
use espalier_methods::registry::WITHOUT_CHECKPOINT;
use espalier_methods::urban::town::PointFile;
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::remote::Told;
use espalier_nets::checkpoint::{ByteSource, CheckpointError, MatrixRef, MemorySource, WriteError};

use crate::device::Devices;
use crate::host::{Host, LocalFuture};
use crate::jobs::{JobSink, Jobs};
use crate::kept::Keeper;
use crate::estimate::estimate;
use crate::record::{self, Named, Outcome, Step, Where};
use crate::protocol::{Command, DeviceChoice, DeviceInfo, Fault, FaultKind, Reply, Slot, Summary, Work};
use crate::repertoire::Repertoire;
use crate::speeds::Speeds;
use crate::{stats, summary};

/// What is open.
pub(crate) struct Open {
    pub checkpoint: Checkpoint,
    pub matrices: Vec<MatrixRef>,
    pub name: String,
    pub header_hash: String,
}

/// The engine; clones are the same one.
#[derive(Clone)]
pub struct Engine(Rc<Inner>);

struct Inner {
    host: Rc<dyn Host>,
    repertoire: Repertoire,
    open: RefCell<Option<Rc<Open>>>,
    /// What it is compared with.
    second: RefCell<Option<Rc<Open>>>,
    /// Checkpoints that a record may need, besides the open ones.
    offered: RefCell<Vec<Rc<Open>>>,
    /// What was done, each step as its JSON.
    steps: RefCell<Vec<String>>,
    /// Counts openings of each slot, so that a slow earlier one does not replace a later.
    openings: [Cell<u32>; 2],
    /// Texts by name, in the order in which they came first.
    texts: RefCell<Vec<Rc<Corpus>>>,
    /// Files of points by name.
    files: RefCell<Vec<Rc<PointFile>>>,
    jobs: Jobs,
    devices: Devices,
    speeds: Speeds,
    keeper: Keeper,
}

/// A job is begun again so many times when its device is lost.
const RETRIES: u32 = 3;

/// How a job ended that did not finish.
pub(crate) enum End {
    Cancelled,
    Failed(Box<Fault>),
    /// The device failed; the session may have to go.
    Device(espalier_tensor::Error),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

impl End {
    pub fn from_device(e: espalier_tensor::Error) -> Self {
        if e == espalier_tensor::Error::Cancelled { Self::Cancelled } else { Self::Device(e) }
    }
}

impl From<MethodError> for End {
    fn from(e: MethodError) -> Self {
        match e {
            MethodError::Cancelled => Self::Cancelled,
            MethodError::Device(e) => Self::from_device(e),
            e => Fault::from(&e).into(),
        }
    }
}

impl From<WriteError> for End {
    fn from(e: WriteError) -> Self {
        match e {
            WriteError::Stopped => Self::Cancelled,
            e => Fault::from(&e).into(),
        }
    }
}

impl From<CheckpointError> for End {
    fn from(e: CheckpointError) -> Self {
        Fault::from(&e).into()
    }
}

impl Engine {
    /// An engine that can do everything, with nothing open and no device yet: the first job that needs one finds it.
    pub fn new(host: Rc<dyn Host>) -> Self {
        Self::with(host, Repertoire::WHOLE)
    }

    /// An engine that can do some of it.
    pub fn with(host: Rc<dyn Host>, repertoire: Repertoire) -> Self {
        let devices = Devices::new(host.clone());
        Self(Rc::new(Inner { host, repertoire, open: RefCell::new(None), second: RefCell::new(None), offered: RefCell::default(), steps: RefCell::default(), texts: RefCell::default(), files: RefCell::default(), openings: [Cell::new(0), Cell::new(0)], jobs: Jobs::default(), devices, speeds: Speeds::default(), keeper: Keeper::default() }))
    }

    /// Opens a checkpoint from its files; `name` is what people call it, where that is known better than from the files. Answers
    /// [`Reply::Opened`], or [`Reply::Failed`] without a job and what was open stays open. Says whether it is open now.
    pub async fn open(&self, name: Option<String>, sources: Vec<Rc<dyn ByteSource>>) -> bool {
        self.open_in(Slot::First, name, sources).await
    }

    /// Opens a checkpoint in one of the two places; the second answers [`Reply::OpenedSecond`].
    // Boxed: an async function is compiled again in every crate that awaits it.
    #[inline(never)]
    pub fn open_in(&self, slot: Slot, name: Option<String>, sources: Vec<Rc<dyn ByteSource>>) -> LocalFuture<'_, bool> {
        Box::pin(async move {
            let turn = self.turn(slot);
            let opened = open(name, sources, Vec::new()).await.map_err(|e| Fault::from(&e));
            self.settle(slot, turn, opened)
        })
    }

    /// Opens what lies under an address: a Hub id (`owner/name`, `owner/name@revision`, with or without `/folder/file`), a link to the Hub, or any
    /// address of a safetensors file. `endpoint` is the Hub or a mirror of it. Answers like [`open_in`](Self::open_in).
    #[inline(never)]
    pub fn open_address(&self, slot: Slot, address: String, endpoint: Option<String>, told: Told) -> LocalFuture<'_, bool> {
        let turn = self.turn(slot);
        let opened = async move {
            let fetch = self.0.host.fetch().ok_or_else(|| Fault::no_network(&address))?;
            let found = (self.0.repertoire.locate)(fetch, address, endpoint, told).await?;
            open(Some(found.name), found.sources, found.notes).await.map_err(|e| Fault::from(&e))
        };
        Box::pin(async move { self.settle(slot, turn, opened.await) })
    }

    fn turn(&self, slot: Slot) -> u32 {
        let turns = &self.0.openings[slot as usize];
        turns.set(turns.get() + 1);
        turns.get()
    }

    /// Puts what was opened in its place, unless a later opening has begun.
    fn settle(&self, slot: Slot, turn: u32, opened: Result<(Open, Summary), Fault>) -> bool {
        let this = &self.0;
        match opened {
            Ok(_) if this.openings[slot as usize].get() != turn => false,
            Ok((open, summary)) => {
                self.note(Step::Open { slot, checkpoint: Named::of(&summary) });
                let summary = Box::new(summary);
                if slot == Slot::First {
                    // What still runs would answer for a checkpoint that the face no longer shows.
                    this.jobs.cancel_all();
                    this.open.replace(Some(Rc::new(open)));
                    this.keeper.clear();
                    this.host.reply(Reply::Opened(summary));
                } else {
                    this.jobs.cancel_key("diff");
                    this.second.replace(Some(Rc::new(open)));
                    this.host.reply(Reply::OpenedSecond(summary));
                }
                true
            }
            Err(fault) => {
                this.host.reply(Reply::Failed { job: None, fault });
                false
            }
        }
    }

    /// Does what a command asks; the future ends when the job has ended. Several may run side by side.
    pub fn handle(&self, command: Command) -> LocalFuture<'static, ()> {
        let engine = self.clone();
        // A cancel does not wait for the future to be looked at, nor does a pause.
        match command {
            Command::Cancel { job } => engine.0.jobs.cancel(job),
            Command::Pace { job, pace } => engine.0.jobs.pace(job, pace),
            _ => return Box::pin(async move { engine.dispatch(command).await }),
        }
        Box::pin(std::future::ready(()))
    }

    /// The device in use, finding one first where there is none yet.
    pub async fn device(&self) -> Result<DeviceInfo, Fault> {
        self.0.devices.session().await.map(|(_, info)| info).map_err(|e| Fault::from(&e))
    }

    /// Ends the device as a crash of its driver would: for tests of what then happens.
    pub fn destroy_device(&self) {
        self.0.devices.destroy();
    }

    async fn dispatch(&self, command: Command) {
        match command {
            Command::Device(choice) => self.choose(choice).await,
            Command::Close => {
                self.0.jobs.cancel_all();
                self.turn(Slot::First);
                self.0.open.replace(None);
                self.0.keeper.clear();
            }
            Command::CloseSecond => {
                self.0.jobs.cancel_key("diff");
                self.turn(Slot::Second);
                self.0.second.replace(None);
            }
            Command::Estimate { job, work } => self.job(job, format!("estimate {}", work.key()), async |sink| self.estimate(job, &work, sink).await).await,
            Command::Record => {
                let steps = self.0.steps.borrow().len() as u32;
                self.0.host.reply(Reply::Record { text: self.record(), steps });
            }
            Command::Cancel { job } => self.0.jobs.cancel(job),
            Command::Pace { job, pace } => self.0.jobs.pace(job, pace),
            Command::Text(corpus) => self.text(corpus),
            Command::Points(file) => self.points(file),
            Command::Stats { job, tensor } => self.job(job, format!("stats {tensor}"), async |sink| self.stats(job, tensor, sink).await).await,
            Command::Run { job, method, config, matrices, known, seed } => {
                let run = async |sink: &JobSink| self.run(job, &method, config, matrices, known, seed, sink).await;
                self.job(job, format!("run {method}"), run).await;
            }
            Command::Diff { .. } | Command::Export { .. } | Command::Replay { .. } | Command::SelfTest { .. } => (self.0.repertoire.more)(self.clone(), command).await,
        }
    }

    /// Keeps a text; one of the same name is replaced.
    fn text(&self, corpus: Corpus) {
        let mut texts = self.0.texts.borrow_mut();
        match texts.iter().position(|t| t.name == corpus.name) {
            Some(i) => texts[i] = Rc::new(corpus),
            None => texts.push(Rc::new(corpus)),
        }
    }

    /// Keeps a file of points; one of the same name is replaced.
    fn points(&self, file: PointFile) {
        let mut files = self.0.files.borrow_mut();
        files.retain(|f| f.name != file.name);
        files.push(Rc::new(file));
    }

    async fn choose(&self, choice: DeviceChoice) {
        // Jobs on the old device end with it.
        match self.0.devices.choose(choice).await {
            Ok(info) => self.0.host.reply(Reply::Device(info)),
            Err(e) => self.0.host.reply(Reply::Failed { job: None, fault: Fault::from(&e) }),
        }
    }

    /// Runs one job from its registration to its last word.
    pub(crate) async fn job(&self, id: u32, key: String, work: impl AsyncFnOnce(&JobSink) -> Result<Reply, End>) {
        let this = &self.0;
        let sink = this.jobs.start(&this.host, id, key);
        let end = work(&sink).await;
        this.jobs.end(&sink);
        let failed = |fault| Reply::Failed { job: Some(id), fault };
        this.host.reply(match end {
            // Cancelled in its last moments: the person was told "stopping", so it is stopped.
            _ if sink.is_cancelled() => Reply::Cancelled { job: id },
            Ok(reply) => reply,
            Err(End::Cancelled) => Reply::Cancelled { job: id },
            Err(End::Failed(fault)) => failed(*fault),
            Err(End::Device(e)) => failed(self.device_fault(&e)),
        });
    }

    fn device_fault(&self, e: &espalier_tensor::Error) -> Fault {
        let again = self.0.devices.failed(e);
        let mut fault = Fault::from(e).with("Device", &self.0.devices.name());
        if again && fault.kind == FaultKind::Lost {
            fault.advice = "It was lost twice within a minute: switch to the CPU in the device panel; everything runs there too.".into();
        }
        fault
    }

    pub(crate) fn opened(&self) -> Result<Rc<Open>, Fault> {
        self.0.open.borrow().clone().ok_or_else(Fault::nothing_open)
    }

    async fn stats(&self, job: u32, tensor: u32, sink: &JobSink) -> Result<Reply, End> {
        let open = self.opened()?;
        let of = open.checkpoint.tensors.len();
        if tensor as usize >= of {
            return Err(Fault::no_tensor(tensor, of).into());
        }
        let stats = stats::stats(&open.checkpoint, tensor as usize, || self.0.host.now_ms(), sink).await?;
        Ok(Reply::Stats { job, stats: Box::new(stats) })
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    async fn run(
        &self,
        job: u32,
        method: &str,
        config: serde_json::Value,
        names: Option<Vec<String>>,
        known: Vec<Spectrum>,
        seed: u64,
        sink: &JobSink,
    ) -> Result<Reply, End> {
        let open = over(method, self.opened()).await?;
        let started = self.0.host.now_ms();
        let labels = known.iter().map(record::label).collect();
        let mut losses = 0;
        let (report, device) = loop {
            let (session, device) = self.session_and_place(sink).await?;
            match self.report(&open, method, config.clone(), names.clone(), known.clone(), seed, &session, sink).await {
                // A method is pure: done again on a device made anew, with its tensors read again, it says the same.
                Err(End::Device(e @ espalier_tensor::Error::Lost { .. })) if losses < RETRIES && self.0.host.begins_anew() => {
                    losses += 1;
                    let offer_cpu = self.0.devices.failed(&e);
                    self.0.host.reply(Reply::Lost { job, reason: e.to_string(), offer_cpu });
                }
                Err(End::Device(e @ espalier_tensor::Error::OutOfMemory { .. })) if session.smaller_tiles() => self.0.host.reply(Reply::Tight { job, fault: Fault::tight(&e) }),
                other => break (other?, device),
            }
        };
        let (method, config, result) = (report.method.clone(), report.config.clone(), Outcome::of(&report));
        self.note(Step::Run { method, config, matrices: names, known: labels, seed, device, result });
        Ok(Reply::Done { job, report: Box::new(report), seconds: (self.0.host.now_ms() - started) / 1e3 })
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    pub(crate) async fn report(
        &self,
        open: &Open,
        method: &str,
        config: serde_json::Value,
        names: Option<Vec<String>>,
        known: Vec<Spectrum>,
        seed: u64,
        session: &espalier_tensor::Session,
        sink: &dyn Sink,
    ) -> Result<Report, End> {
        let entry = self.0.repertoire.find(method)?;
        let matrices = chosen(&open.matrices, names.as_deref())?;
        let keeper = &self.0.keeper;
        let before = keeper.slot.get();
        let inputs = Inputs { checkpoint: &open.checkpoint, matrices, known, seed, texts: self.0.texts.borrow().clone(), kept: keeper.slot.clone(), files: self.0.files.borrow().clone() };
        let report = (entry.run)(config.clone(), inputs, session, sink).await?;
        keeper.note(before.as_ref(), open, config, names.as_deref(), seed, &report);
        Ok(report)
    }

    async fn estimate(&self, job: u32, work: &Work, sink: &JobSink) -> Result<Reply, End> {
        let open = self.opened()?;
        // While a run has the device nothing can be timed.
        sink.take_turn().await;
        let session = self.session(sink).await?;
        let (_, info) = self.0.devices.session().await.map_err(End::Device)?;
        estimate(&open, work, &session, &info, &self.0.speeds, &*self.0.host, job).await
    }

    /// The record of everything that was done so far, as text for a file.
    pub fn record(&self) -> String {
        record::text(&self.0.steps.borrow())
    }

    /// Takes over what an engine did whose place this one takes: the steps that it told its host, oldest first.
    pub fn remember(&self, steps: Vec<String>) {
        steps.into_iter().for_each(|step| record::keep(&mut self.0.steps.borrow_mut(), step));
    }

    /// Gives a checkpoint that a record may need; it does not become the open one.
    ///
    /// # Errors
    /// What keeps it from being opened.
    pub async fn offer(&self, sources: Vec<Rc<dyn ByteSource>>) -> Result<(), Fault> {
        let (open, _) = open(None, sources, Vec::new()).await.map_err(|e| Fault::from(&e))?;
        self.0.offered.borrow_mut().push(Rc::new(open));
        Ok(())
    }

    pub(crate) fn offered(&self) -> Vec<Rc<Open>> {
        self.0.offered.borrow().clone()
    }

    pub(crate) fn note(&self, step: Step) {
        let step = step.text();
        self.0.host.noted(&step);
        record::keep(&mut self.0.steps.borrow_mut(), step);
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    pub(crate) fn host(&self) -> &Rc<dyn Host> {
        &self.0.host
    }

    pub(crate) fn second(&self) -> Result<Rc<Open>, Fault> {
        self.0.second.borrow().clone().ok_or_else(Fault::nothing_second)
    }

    pub(crate) async fn session_and_place(&self, sink: &JobSink) -> Result<(espalier_tensor::Session, Where), End> {
        sink.take_turn().await;
        let session = self.session(sink).await?;
        let (_, info) = self.0.devices.session().await.map_err(End::Device)?;
        Ok((session, Where { gpu: info.gpu, name: info.name }))
    }

    pub(crate) fn devices(&self) -> &Devices {
        &self.0.devices
    }

    async fn session(&self, sink: &JobSink) -> Result<espalier_tensor::Session, End> {
        let fresh = !self.0.devices.is_ready();
        let (session, info) = self.0.devices.session().await.map_err(End::Device)?;
        if fresh {
            self.0.host.reply(Reply::Device(info));
        }
        Ok(session.with_cancel(sink.cancel.clone()))
    }
}

/// What a method is run over: what is open, or a checkpoint without tensors, for methods that need none.
pub(crate) async fn over(method: &str, opened: Result<Rc<Open>, Fault>) -> Result<Rc<Open>, End> {
    if opened.is_ok() || !WITHOUT_CHECKPOINT.contains(&method) {
        return Ok(opened?);
    }
    let mut header = 2_u64.to_le_bytes().to_vec();
    header.extend(b"{}");
    let source: Rc<dyn ByteSource> = Rc::new(MemorySource::new("nothing.safetensors", header));
    let (open, _) = open(None, vec![source], Vec::new()).await?;
    Ok(Rc::new(open))
}

pub(crate) async fn open(name: Option<String>, sources: Vec<Rc<dyn ByteSource>>, notes: Vec<String>) -> Result<(Open, Summary), CheckpointError> {
    let mut checkpoint = Checkpoint::open(sources).await?;
    checkpoint.notes.extend(notes);
    let matrices = checkpoint.matrices();
    let summary = summary::summary(&checkpoint, &matrices, name).await?;
    let open = Open { checkpoint, matrices, name: summary.name.clone(), header_hash: summary.header_hash.clone() };
    Ok((open, summary))
}

/// The matrices of these names (slices as `name#3`; a fused tensor's plain name means all its slices), in the checkpoint's order.
pub(crate) fn chosen(all: &[MatrixRef], names: Option<&[String]>) -> Result<Vec<MatrixRef>, Fault> {
    let Some(names) = names else { return Ok(all.to_vec()) };
    let wanted: std::collections::HashSet<&str> = names.iter().map(String::as_str).collect();
    let known: std::collections::HashSet<String> = all.iter().flat_map(|m| [m.label(), m.name.clone()]).collect();
    if let Some(stranger) = names.iter().find(|n| !known.contains(n.as_str())) {
        return Err(Fault::no_matrix(stranger));
    }
    Ok(all.iter().filter(|m| wanted.contains(m.name.as_str()) || wanted.contains(m.label().as_str())).cloned().collect())
}
