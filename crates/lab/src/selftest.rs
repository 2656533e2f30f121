//! Every operation's samples on the CPU and on the GPU, row by row.

use std::rc::Rc;

use espalier_methods::method::Sink;
use espalier_methods::report::Event;
use espalier_tensor::Session;
use espalier_tensor::ops::ALL;
use espalier_tensor::selftest::test_op;

use crate::device::Devices;
use crate::engine::End;
use crate::host::Host;
use crate::jobs::JobSink;
use crate::protocol::{Reply, SelfTestRow};

/// Runs all samples. The GPU is the session in use, or any adapter there is, a software one too: the test is about right numbers.
pub(crate) async fn run(devices: &Devices, host: &Rc<dyn Host>, sink: &JobSink) -> Result<Reply, End> {
    let started = host.now_ms();
    sink.take_turn().await;
    let gpu = match devices.session().await {
        Ok((session, info)) if info.gpu => session,
        _ => devices.any_gpu().await.map_err(End::Device)?,
    };
    let (cpu, gpu) = (Session::cpu().with_cancel(sink.cancel.clone()), gpu.with_cancel(sink.cancel.clone()));
    let (mut failed, mut largest) = (0, 0.0f64);
    for (done, (op, samples)) in ALL.iter().enumerate() {
        sink.event(Event::Progress { done: done as f64, total: ALL.len() as f64, unit: "operations".into(), label: (*op).into() });
        sink.breathe().await?;
        let row = test_op(op, &samples(), &cpu, &gpu, host.clock()).await.map_err(End::from_device)?;
        failed += u32::from(!row.agrees);
        largest = largest.max(row.difference);
        let row = SelfTestRow {
            op: row.op.into(),
            samples: row.samples,
            difference: row.difference,
            tolerance: row.tolerance,
            agrees: row.agrees,
            failure: row.failure,
            millis: row.millis,
        };
        host.reply(Reply::SelfTest { job: sink.id, row });
    }
    let seconds = (host.now_ms() - started) / 1e3;
    Ok(Reply::SelfTested { job: sink.id, largest, failed, ops: ALL.len() as u32, seconds })
}
