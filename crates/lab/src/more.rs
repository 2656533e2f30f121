//! What takes much of the code and is no part of most visits' beginning: finding a checkpoint by its address, comparing, writing copies, doing records again,
//! the self-test.

use std::rc::Rc;

use espalier_nets::checkpoint::remote::{self, Address, Fetch, Found, HUB, Told};
use espalier_nets::checkpoint::{CheckpointError, SourceError};

use crate::engine::{End, Engine};
use crate::export::{self, Late, Place};
use crate::host::LocalFuture;
use crate::jobs::JobSink;
use crate::protocol::{Command, Edits, Fault, Reply};
use crate::record::{Outcome, Step};
use crate::replay::{self, Digesting};
use crate::selftest;

/// Looks under an address (as typed or pasted) of the Hub, a mirror of it where one is named, or any server.
pub(crate) type Locate = fn(Rc<dyn Fetch>, String, Option<String>, Told) -> LocalFuture<'static, Result<Found, Fault>>;

/// Does so.
pub(crate) fn locates(fetch: Rc<dyn Fetch>, address: String, endpoint: Option<String>, told: Told) -> LocalFuture<'static, Result<Found, Fault>> {
    Box::pin(async move {
        let fail = |e: SourceError| Fault::from(&CheckpointError::Source(e));
        let place = Address::parse(&address, endpoint.as_deref().unwrap_or(HUB)).map_err(|fault| fail(SourceError::remote(&address, 0..0, fault)))?;
        remote::find(fetch, &place, told).await.map_err(fail)
    })
}

/// Says that a small engine does not.
pub(crate) fn locates_none(_: Rc<dyn Fetch>, _: String, _: Option<String>, _: Told) -> LocalFuture<'static, Result<Found, Fault>> {
    Box::pin(std::future::ready(Err(Fault::small_engine())))
}

/// Does what a command asks.
pub(crate) fn does(engine: Engine, command: Command) -> LocalFuture<'static, ()> {
    Box::pin(async move {
        match command {
            Command::Diff { job, config } => engine.job(job, "diff".into(), async |sink| engine.diff(job, config, sink).await).await,
            Command::Export { job, edits, provenance } => engine.job(job, "export".into(), async |sink| engine.export(job, edits, provenance, sink).await).await,
            Command::Replay { job, record } => engine.job(job, "replay".into(), async |sink| engine.replay(&record, sink).await).await,
            Command::SelfTest { job } => engine.job(job, "self-test".into(), async |sink| selftest::run(engine.devices(), engine.host(), sink).await).await,
            // The engine keeps the others for itself.
            _ => {}
        }
    })
}

/// Says that a small engine does not.
pub(crate) fn refuses(engine: Engine, command: Command) -> LocalFuture<'static, ()> {
    engine.host().reply(Reply::Failed { job: command.job(), fault: Fault::small_engine() });
    Box::pin(std::future::ready(()))
}

impl Engine {
    async fn diff(&self, job: u32, config: serde_json::Value, sink: &JobSink) -> Result<Reply, End> {
        let (a, b) = (self.opened()?, self.second()?);
        let started = self.host().now_ms();
        let (session, device) = self.session_and_place(sink).await?;
        let report = espalier_methods::diff::run(config, &a.checkpoint, &b.checkpoint, &session, sink).await?;
        self.note(Step::Diff { config: report.config.clone(), device, result: Outcome::of(&report) });
        Ok(Reply::Done { job, report: Box::new(report), seconds: (self.host().now_ms() - started) / 1e3 })
    }

    async fn export(&self, job: u32, edits: Edits, provenance: Vec<(String, String)>, sink: &JobSink) -> Result<Reply, End> {
        let open = self.opened()?;
        let started = self.host().now_ms();
        let (session, device) = self.session_and_place(sink).await?;
        let kept = self.kept_for(&open, &edits, &session, sink).await?;
        let name = format!("{}-{}.safetensors", open.name, export::word(&edits));
        let place = Place { host: self.host().clone(), job, name };
        let (mut file, hash) = Digesting::over(Some(Box::new(Late::new(place))));
        let done = export::export(&open, &edits, provenance.clone(), &session, &**self.host(), sink, &mut file, kept).await?;
        self.note(Step::Export { edits, provenance, device, bytes: done.bytes, sha256: replay::digest(&hash) });
        let seconds = (self.host().now_ms() - started) / 1e3;
        Ok(Reply::Exported { job, bytes: done.bytes as f64, changed: done.changed, seconds })
    }
}
