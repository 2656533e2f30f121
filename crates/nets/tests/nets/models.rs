//! Forwards of small random models against logits that a separate float64 implementation computed (`tests/golden/models/make.py`), on both devices.

use std::path::PathBuf;

use espalier_nets::Checkpoint;
use espalier_nets::models::{Generate, Model, ModelError, Sampling, top_words};
use espalier_nets::testing::source;
use espalier_tensor::{GpuOptions, Session};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn cases() -> Vec<Value> {
    serde_json::from_slice(&read("cases.json")).unwrap()
}

fn open(weights: &str, config: &Value) -> Checkpoint {
    let files = vec![source("model.safetensors", &read(&format!("{weights}.safetensors"))), source("config.json", config.to_string().as_bytes())];
    pollster::block_on(Checkpoint::open(files)).unwrap()
}

fn case(name: &str) -> Checkpoint {
    let all = cases();
    let c = all.iter().find(|c| c["name"] == name).unwrap();
    open(c["weights"].as_str().unwrap(), &c["config"])
}

fn golden() -> Checkpoint {
    pollster::block_on(Checkpoint::from_bytes("golden.safetensors", read("golden.safetensors"))).unwrap()
}

fn ids() -> Vec<u32> {
    let g = golden();
    let at = g.find("ids").unwrap();
    let bytes = pollster::block_on(g.read_bytes(at, 0..g.tensors[at].bytes())).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect()
}

fn sessions() -> Vec<Session> {
    let mut all = vec![Session::cpu()];
    match pollster::block_on(Session::gpu(GpuOptions { allow_software: true, ..GpuOptions::default() })) {
        Ok(gpu) => all.push(gpu),
        Err(e) => assert!(std::env::var_os("CI").is_none(), "{e}"),
    }
    all
}

#[test]
fn logits_are_those_of_the_reference() {
    let (golden, ids) = (golden(), ids());
    for session in sessions() {
        for c in cases() {
            let name = c["name"].as_str().unwrap();
            let checkpoint = open(c["weights"].as_str().unwrap(), &c["config"]);
            let model = Model::open(&checkpoint).unwrap_or_else(|e| panic!("{name}: {e}"));
            let wanted = pollster::block_on(golden.read_f32(golden.find(name).unwrap())).unwrap();
            let got = if name == "bert" {
                let stream = pollster::block_on(model.forward(&session, std::slice::from_ref(&ids))).unwrap();
                pollster::block_on(session.read(&stream.states[0])).unwrap().into_f32()
            } else {
                pollster::block_on(model.logits(&session, &ids)).unwrap()
            };
            assert_eq!(got.len(), wanted.len(), "{name}");
            // Two blocks of sums of at most 64 products and a few dozen roundings each, of values of the logits' size: 1e-5 of it is a hundred units.
            let scale = wanted.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            let worst = got.iter().zip(&wanted).fold(0.0_f32, |m, (g, w)| m.max((g - w).abs()));
            assert!(worst <= 1e-5 * scale, "{name} on {}: {worst:e} of {scale}", session.info().name);
        }
    }
}

#[test]
fn batches_and_padding_change_nothing_for_a_sequence() {
    let (checkpoint, session) = (case("qwen2"), Session::cpu());
    let model = Model::open(&checkpoint).unwrap();
    let (a, b) = (ids(), ids().into_iter().rev().collect::<Vec<_>>());
    let both = pollster::block_on(model.nats(&session, &[a.clone(), b.clone()])).unwrap();
    for (one, ids) in both.iter().zip([a, b]) {
        // Products of another shape sum in another order: the bound of the logits above, on a dozen of nats.
        let alone = pollster::block_on(model.nats(&session, &[ids])).unwrap();
        assert!(one.len() == alone[0].len() && one.iter().zip(&alone[0]).all(|(a, b)| (a - b).abs() <= 1e-5 * 12.0), "{one:?} {alone:?}");
    }
}

#[test]
fn generation_is_greedy_or_seeded_and_ends() {
    let (checkpoint, session) = (case("llama"), Session::cpu());
    let model = Model::open(&checkpoint).unwrap();
    let go = |sampling: Sampling| {
        let mut text = Generate::new(&model, &session, &[1, 2, 3], sampling);
        (0..6).for_each(|_| {
            pollster::block_on(text.step()).unwrap();
        });
        text.ids().to_vec()
    };
    let greedy = go(Sampling::default());
    let logits = pollster::block_on(model.logits(&session, &[1, 2, 3])).unwrap();
    assert_eq!(greedy[3], top_words(&logits[40..], 1)[0].0);
    let warm = Sampling { temperature: 2.0, seed: 5, ..Sampling::default() };
    assert_eq!(go(warm), go(warm));
    assert!((0..20).any(|seed| go(Sampling { seed, ..warm }) != go(warm)));
    assert_eq!(go(Sampling { top_k: 1, ..warm }), greedy);
}

#[test]
fn what_cannot_run_is_named() {
    let all = cases();
    let config = |name: &str| all.iter().find(|c| c["name"] == name).unwrap()["config"].clone();
    let error = |weights: &str, config: Value| Model::open(&open(weights, &config)).err().unwrap();
    let with = |key: &str, value: Value| {
        let mut c = config("llama");
        c[key] = value;
        c
    };
    assert!(matches!(error("llama", with("model_type", json!("mamba"))), ModelError::Unsupported { .. }));
    assert!(matches!(error("llama", with("hidden_size", json!(32))), ModelError::Shape { .. }));
    assert!(matches!(error("llama", with("num_hidden_layers", json!(3))), ModelError::Missing { .. }));
    assert!(matches!(error("llama", with("hidden_act", json!("mish"))), ModelError::Unsupported { .. }));
    assert!(matches!(error("llama", with("num_key_value_heads", json!(4))), ModelError::Shape { .. }));
    let bare = pollster::block_on(Checkpoint::from_bytes("model.safetensors", read("llama.safetensors"))).unwrap();
    assert_eq!(Model::open(&bare).err(), Some(ModelError::NoConfig));
    let (checkpoint, session) = (case("llama"), Session::cpu());
    let model = Model::open(&checkpoint).unwrap();
    assert_eq!(pollster::block_on(model.logits(&session, &[20])).err(), Some(ModelError::Token { token: 20, vocabulary: 20 }));
    let bert = case("bert");
    assert!(matches!(pollster::block_on(Model::open(&bert).unwrap().logits(&session, &[1])), Err(ModelError::NoHead { .. })));
}
