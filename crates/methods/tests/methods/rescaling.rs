//! The change that changes nothing: outputs stay, magnitude's mask moves, Wanda's mask and OWL's counts do not (specification prune §12 C).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use espalier_methods::calibration::Corpus;
use espalier_methods::findings::{Language, Rescaled};
use espalier_methods::method::LocalFuture;
use espalier_methods::report::Finding;
use espalier_methods::{Event, Inputs, MethodError, Sink, registry};
use espalier_nets::Checkpoint;
use espalier_nets::models::Model;
use espalier_nets::testing::source;
use espalier_tensor::Session;
use serde_json::{Value, json};

struct Deaf;

impl Sink for Deaf {
    fn event(&self, _: Event) {}
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The small Llama in single precision: half precision would round the divided columns.
struct File {
    config: String,
    tensors: BTreeMap<String, (Vec<u64>, Vec<f32>)>,
}

fn llama() -> File {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let case = cases.iter().find(|c| c["name"] == "llama").unwrap();
    let weights = std::fs::read(folder.join(format!("{}.safetensors", case["weights"].as_str().unwrap()))).unwrap();
    let config = case["config"].to_string();
    let half = pollster::block_on(Checkpoint::open(vec![source("model.safetensors", &weights), source("config.json", config.as_bytes())])).unwrap();
    let read = |i: usize| pollster::block_on(half.read_part(i, 0..half.tensors[i].elements())).unwrap();
    File { config, tensors: (0..half.tensors.len()).map(|i| (half.tensors[i].name.clone(), (half.tensors[i].shape.clone(), read(i)))).collect() }
}

impl File {
    fn open(&self) -> Checkpoint {
        let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
        for (name, (shape, values)) in &self.tensors {
            let from = data.len();
            values.iter().for_each(|v| data.extend(v.to_le_bytes()));
            header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]}));
        }
        let header = Value::Object(header).to_string();
        let file: Vec<u8> = (header.len() as u64).to_le_bytes().into_iter().chain(header.bytes()).chain(data).collect();
        pollster::block_on(Checkpoint::open(vec![source("model.safetensors", &file), source("config.json", self.config.as_bytes())])).unwrap()
    }

    /// Changes the numbers of the loud channels of a tensor.
    fn change(&mut self, name: &str, f: impl Fn(f32) -> f32) {
        let (shape, values) = self.tensors.get_mut(name).unwrap();
        let columns = *shape.last().unwrap() as usize;
        values.iter_mut().enumerate().filter(|(i, _)| CHANNELS.contains(&(i % columns))).for_each(|(_, v)| *v = f(*v));
    }
}

const CHANNELS: [usize; 3] = [0, 5, 11];

/// The model with a gain on three channels of every norm and the columns behind it divided by it.
fn rescaled(gain: f32) -> Checkpoint {
    let mut file = llama();
    for b in 0..2 {
        for (norm, linears) in [("input_layernorm", ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"].as_slice()), ("post_attention_layernorm", &["mlp.gate_proj", "mlp.up_proj"])] {
            file.change(&format!("model.layers.{b}.{norm}.weight"), |v| v * gain);
            linears.iter().for_each(|l| file.change(&format!("model.layers.{b}.{l}.weight"), |v| v / gain));
        }
    }
    file.open()
}

fn words() -> Vec<u32> {
    (0..400_u32).map(|i| (i * i + i / 7) % 20).collect()
}

fn nats(checkpoint: &Checkpoint) -> Vec<f64> {
    let windows: Vec<Vec<u32>> = words().chunks_exact(8).take(6).map(<[u32]>::to_vec).collect();
    pollster::block_on(Model::open(checkpoint).unwrap().nats(&Session::cpu(), &windows)).unwrap().concat()
}

#[test]
fn outputs_stay_to_the_last_bit_for_powers_of_two_and_within_rounding_for_others() {
    let before = nats(&rescaled(1.0));
    for step in 1..8 {
        // A power of two moves only the exponent: every product g·x · w/g is the same number, and so is every sum of them.
        assert_eq!(nats(&rescaled(2f32.powi(step))), before, "gain 2^{step}");
    }
    // Another gain rounds twice in each of 16 products of 5 linears of a block: about 2 · 2⁻²⁴ of a product, and what a linear gets wrong the next ones pass on. Of logits of
    // at most tens that is under 1e-4; what a gain without its division does is far more.
    let after = nats(&rescaled(3.0));
    let worst = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-4, "{worst}");
    let mut file = llama();
    file.change("model.layers.0.input_layernorm.weight", |v| v * 3.0);
    let broken = nats(&file.open()).iter().zip(&before).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(broken > 1e-3, "the test would see a change: {broken}");
}

/// Kept entries (true) of a pruning of every matrix, by the registry's own method over a whole checkpoint.
fn masks(checkpoint: &Checkpoint, criterion: &str) -> Vec<Vec<u32>> {
    let kept: espalier_methods::kept::Slot = Default::default();
    let text = Rc::new(Corpus { name: "rule".into(), documents: vec![words().into()], bytes: 400.0, ..Corpus::default() });
    let inputs = Inputs { checkpoint, matrices: checkpoint.matrices(), known: vec![], seed: 3, texts: vec![text], kept: kept.clone(), files: vec![] };
    let group = if criterion == "magnitude" { "layer" } else { "row" };
    let config = json!({"criterion": criterion, "group": group, "sparsity": 0.6, "samples": 4, "length": 8, "windows": 0});
    pollster::block_on((registry::find("wanda").unwrap().run)(config, inputs, &Session::cpu(), &Deaf)).unwrap();
    kept.get().unwrap().iter().map(|(_, k)| k.mask()).collect()
}

#[test]
fn of_two_files_that_compute_the_same_magnitude_takes_other_weights_and_wanda_the_same() {
    let (plain, loud) = (rescaled(1.0), rescaled(16.0));
    assert_eq!(masks(&plain, "wanda"), masks(&loud, "wanda"));
    // Magnitude prunes block after block too, so only the masks differ in what it sees.
    let differing = masks(&plain, "magnitude").concat().iter().zip(masks(&loud, "magnitude").concat()).filter(|(a, b)| *a != b).count();
    assert!(differing > 20, "{differing}");
}

#[test]
fn the_demonstration_says_so_at_every_gain() {
    let checkpoint = rescaled(1.0);
    let text = Rc::new(Corpus { name: "rule".into(), documents: vec![words().into()], bytes: 400.0, ..Corpus::default() });
    let inputs = Inputs { checkpoint: &checkpoint, matrices: checkpoint.matrices(), known: vec![], seed: 3, texts: vec![text], kept: Default::default(), files: vec![] };
    let config = json!({"steps": 5, "samples": 4, "length": 8, "windows": 6});
    let r = pollster::block_on((registry::find("rescaling").unwrap().run)(config, inputs, &Session::cpu(), &Deaf)).unwrap();
    let of = |rule: &str| -> Vec<Rescaled> { r.findings.iter().filter_map(|f| if let Finding::Language(Language::Rescaled(x)) = f { Some(x.clone()) } else { None }).filter(|x| x.rule == rule).collect() };
    let (magnitude, wanda) = (of("magnitude"), of("wanda"));
    assert_eq!((magnitude.len(), wanda.len()), (5, 5));
    assert!(wanda.iter().all(|w| w.replaced == 0.0 && w.nats == wanda[0].nats && w.outliers == wanda[0].outliers && w.outliers.is_some()), "{wanda:?}");
    assert!(magnitude.windows(2).all(|m| m[1].kept <= m[0].kept), "with the gain fewer weights of the loud columns stay: {magnitude:?}");
    assert!(magnitude[4].replaced > 0.0 && magnitude[4].kept < magnitude[0].kept && magnitude[4].nats != magnitude[0].nats, "{magnitude:?}");
}
