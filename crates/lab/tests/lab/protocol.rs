//! Every type of the protocol as JSON and back, and what goes in and out of a run in plain JSON.

use std::fmt::Debug;

use espalier_lab::protocol::*;
use espalier_methods::report::{Cells, Event, Finding, Report};
use espalier_nets::testing::Builder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::common::{bench, open, run};

fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("plain data");
    assert_eq!(serde_json::from_str::<T>(&text).expect("reads back"), *value, "{text}");
}

#[test]
fn commands_round_trip() {
    let edits = [
        Edits::Rank { ranks: vec![("a#3".into(), 7)], factors: true },
        Edits::Magnitude { config: json!({ "sparsity": 0.5 }), matrices: Some(vec!["a".into()]) },
    ];
    for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Gpu] {
        round(&Command::Device(choice));
    }
    round(&Command::Close);
    round(&Command::Stats { job: 1, tensor: 2 });
    round(&Command::Run { job: 1, method: "spectra".into(), config: json!({}), matrices: None, known: Vec::new(), seed: u64::MAX });
    for edits in edits {
        round(&Command::Export { job: 3, edits, provenance: vec![("a".into(), "b".into())] });
    }
    round(&Command::Cancel { job: 4 });
    round(&Command::SelfTest { job: 5 });
}

#[test]
fn answers_round_trip() {
    let cells = Cells { rows: 1, cols: 2, values: vec![0.5, -1.0].into() };
    let stats = TensorStats {
        tensor: 0,
        elements: 2.0,
        zeros: 0.0,
        nan: 0.0,
        infinite: 0.0,
        min: -1.0,
        max: 0.5,
        mean: -0.25,
        std: 0.75,
        kurtosis: 1.0,
        frobenius: 1.118,
        outliers: 0.0,
        quantiles: vec![-1.0, 0.5].into(),
        bins: [-1.0, 0.5],
        counts: vec![1, 1].into(),
        cells: cells.clone(),
        peaks: cells,
        row_norms: vec![1.0].into(),
        millis: [0.1, 0.2],
        read: 8.0,
    };
    let row = SelfTestRow { op: "linalg/matmul".into(), samples: 9, difference: 1e-7, tolerance: 1e-6, agrees: true, failure: String::new(), millis: [1.0, 2.0] };
    let fault = Fault { kind: FaultKind::Lost, what: "a".into(), why: "b".into(), advice: "c".into(), details: "d".into(), room: None };
    let device = DeviceInfo {
        gpu: false,
        name: "CPU twin".into(),
        detail: String::new(),
        software: false,
        absent: Some(("No adapter".into(), "Why.".into())),
        limits: vec![("max_buffer_size".into(), 1.0, 2.0)],
        features: vec!["wasm simd128".into()],
    };
    for reply in [
        Reply::Device(device),
        Reply::Stats { job: 1, stats: Box::new(stats) },
        Reply::Event { job: 1, event: Event::Progress { done: 1.0, total: 2.0, unit: "matrices".into(), label: "a".into() } },
        Reply::Event { job: 1, event: Event::Metric { series: "loss".into(), step: 1.0, value: 2.0 } },
        Reply::Event { job: 1, event: Event::Note("n".into()) },
        Reply::Event { job: 1, event: Event::Warning("w".into()) },
        Reply::Event { job: 1, event: Event::Waits },
        Reply::Exported { job: 1, bytes: 2.0, changed: 3, seconds: 0.5 },
        Reply::SelfTest { job: 1, row },
        Reply::SelfTested { job: 1, largest: 1e-7, failed: 0, ops: 40, seconds: 1.5 },
        Reply::Cancelled { job: 1 },
        Reply::Failed { job: None, fault: fault.clone() },
        Reply::Failed { job: Some(1), fault },
    ] {
        round(&reply);
    }
}

#[test]
fn what_a_run_says_round_trips() {
    let (engine, face) = bench();
    let b = (0..2).fold(Builder::new(), |b, i| b.made_up(&format!("model.layers.{i}.self_attn.q_proj.weight"), &[16, 24]));
    let summary = open(&engine, &face, "tiny.safetensors", &b.build()).expect("opens");
    round(&summary);
    round(&Reply::Opened(Box::new(summary)));
    for entry in espalier_methods::registry::METHODS.iter().filter(|e| e.card.needs.starts_with("a checkpoint")) {
        let report: Report = run(&engine, &face, entry.card.id, json!({}));
        round(&report);
        assert!(!report.findings.is_empty() && !report.summary.is_empty(), "{}", entry.card.id);
        report.findings.iter().for_each(|f: &Finding| round(f));
    }
    let replies = face.replies.take();
    assert!(replies.len() > 10);
    replies.iter().for_each(round);
}
