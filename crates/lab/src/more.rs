//! What takes most of the code and is done at the end of a visit, if at all: comparing, writing copies, doing records again, the self-test.

use crate::engine::{End, Engine};
use crate::export::{self, Late, Place};
use crate::host::LocalFuture;
use crate::jobs::JobSink;
use crate::protocol::{Command, Edits, Fault, Reply};
use crate::record::{Outcome, Step};
use crate::replay::{self, Digesting};
use crate::selftest;

/// Does it.
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
