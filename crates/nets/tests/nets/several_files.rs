//! Shards, their index, configurations, and files that do not belong.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::rc::Rc;

use espalier_nets::checkpoint::{ByteSource, Checkpoint, CheckpointError, ErrorKind};
use espalier_nets::testing::{Builder, source};
use pollster::block_on;

fn open(files: Vec<Rc<dyn ByteSource>>) -> Result<Checkpoint, CheckpointError> {
    block_on(Checkpoint::open(files))
}

fn shard(n: u32, of: u32, tensors: &[&str]) -> Rc<dyn ByteSource> {
    let b = tensors.iter().fold(Builder::new().metadata("shard", &n.to_string()), |b, t| b.made_up(t, &[3, 2]));
    b.source(&format!("model-{n:05}-of-{of:05}.safetensors"))
}

fn index(lines: &[(&str, &str)]) -> Rc<dyn ByteSource> {
    let map: serde_json::Map<String, serde_json::Value> = lines.iter().map(|(t, f)| (t.to_string(), serde_json::Value::from(*f))).collect();
    source("model.safetensors.index.json", serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map}).to_string().as_bytes())
}

const A: &str = "model-00001-of-00002.safetensors";
const B: &str = "model-00002-of-00002.safetensors";

fn names(c: &Checkpoint) -> Vec<&str> {
    c.tensors.iter().map(|t| t.name.as_str()).collect()
}

fn noted(c: &Checkpoint, part: &str) {
    assert!(c.notes.iter().any(|n| n.contains(part)), "{part}: {:?}", c.notes);
}

#[test]
fn shards_are_one_checkpoint_in_any_order() {
    let c = open(vec![shard(2, 2, &["c.weight"]), index(&[("a.weight", A), ("b.weight", A), ("c.weight", B)]), shard(1, 2, &["a.weight", "b.weight"])]).unwrap();
    assert_eq!(names(&c), ["a.weight", "b.weight", "c.weight"]);
    assert_eq!(c.files.iter().map(|f| f.name()).collect::<Vec<_>>(), [A, B]);
    assert_eq!(c.metadata["shard"], "1");
    assert_eq!(c.tensors[2].file, 1);
    let alone = block_on(Checkpoint::from_bytes("x.safetensors", Builder::new().made_up("c.weight", &[3, 2]).build())).unwrap();
    assert_eq!(block_on(c.read_f32(2)).unwrap(), block_on(alone.read_f32(0)).unwrap());
    // Without the index they are paired by their names.
    let c = open(vec![shard(2, 2, &["c.weight"]), shard(1, 2, &["a.weight"])]).unwrap();
    assert_eq!(names(&c), ["a.weight", "c.weight"]);
}

#[test]
fn a_missing_shard_is_named() {
    let lines = index(&[("a.weight", A), ("c.weight", B)]);
    let e = open(vec![shard(1, 2, &["a.weight"]), lines.clone()]).err().unwrap();
    assert_eq!(e.kind(), ErrorKind::Missing);
    assert_eq!(e.what(), format!("{B} is missing: one of 2 shards"));
    assert!(e.why().starts_with("model.safetensors.index.json says that"), "{e}");
    assert_eq!(e.advice(), "Choose all shards and the index together, in one go.");
    let e = open(vec![lines]).err().unwrap();
    assert_eq!(e.what(), format!("2 of 2 shards are missing: {A}, {B}"));
    // Without the index the shard's own name tells.
    let e = open(vec![shard(2, 3, &["a.weight"])]).err().unwrap();
    assert_eq!(e.what(), "2 of 3 shards are missing: model-00001-of-00003.safetensors, model-00003-of-00003.safetensors");
    assert!(e.why().starts_with("model-00002-of-00003.safetensors says that"), "{e}");
    // A name may claim anything.
    let e = open(vec![Builder::new().source("x-1-of-999999.safetensors")]).err().unwrap();
    assert!(e.what().contains("of 999999 shards are missing: x-2-of-999999.safetensors"), "{e}");
}

#[test]
fn an_index_that_cannot_be_used() {
    for (text, why) in [("{", "not valid JSON"), ("{\"metadata\":{}}", "no weight_map"), ("{\"weight_map\":{\"a\":3}}", "the file of tensor a is not a name"), ("{\"weight_map\":{}}", "empty")] {
        let e = open(vec![source("model.safetensors.index.json", text.as_bytes()), shard(1, 2, &["a.weight"]), shard(2, 2, &["b.weight"])]).err().unwrap();
        assert!(matches!(e, CheckpointError::Index { .. }), "{e}");
        assert!(e.what().contains("model.safetensors.index.json cannot be used") && e.why().contains(why) && e.advice().contains("Download the index again"), "{e}");
    }
    // A whole file beside it opens all the same.
    let c = open(vec![source("model.safetensors.index.json", b"{"), Builder::new().made_up("a.weight", &[2, 2]).source("model.safetensors")]).unwrap();
    noted(&c, "cannot be used as an index");
    let c = open(vec![index(&[("a.weight", A)]), Builder::new().made_up("a.weight", &[2, 2]).source("model.safetensors")]).unwrap();
    noted(&c, "model.safetensors.index.json was left out: it does not name model.safetensors");
}

#[test]
fn an_index_and_shards_that_disagree() {
    let c = open(vec![
        shard(1, 2, &["a.weight", "both.weight", "stray.weight"]),
        shard(2, 2, &["both.weight", "c.weight"]),
        index(&[("a.weight", A), ("both.weight", B), ("c.weight", B), ("stray.weight", B), ("ghost.weight", B)]),
    ])
    .unwrap();
    assert_eq!(names(&c), ["a.weight", "stray.weight", "both.weight", "c.weight"]);
    assert_eq!(c.tensors[2].file, 1, "from the shard that the index names");
    noted(&c, "In two shards, taken from the one that the index names: both.weight");
    noted(&c, "lists 1 tensors that no shard holds: ghost.weight");
    noted(&c, "another shard for stray.weight");
    let c = open(vec![shard(1, 2, &["a.weight"]), shard(2, 2, &["new.weight"]), index(&[("a.weight", A), ("x", B)])]).unwrap();
    noted(&c, "not in the index and are taken all the same: new.weight");
    let e = open(vec![shard(1, 2, &["a.weight"]), shard(2, 2, &["a.weight"])]).err().unwrap();
    assert_eq!(e.what(), format!("Tensor a.weight is in two files, {A} and {B}"));
    assert!(e.advice().contains("index.json"), "{e}");
}

#[test]
fn what_does_not_belong_is_left_out_and_said() {
    let big = Builder::new().made_up("a.weight", &[30, 30]);
    let small = Builder::new().made_up("b.weight", &[3, 3]);
    let c = open(vec![
        small.source("adapter.safetensors"),
        big.source("base.safetensors"),
        source("pytorch_model.bin", b"\x80\x02}q\0."),
        source("model.gguf", b"GGUF\x03\0\0\0"),
        source("README.md", b"# words"),
        source("tokenizer.json", b"{}"),
        source("config.json", b"{\"model_type\":\"llama\"}"),
        source("config (1).json", b"{}"),
        source("nothing.pt", b""),
        source("optimizer.dat", &[0xde; 9000]),
    ])
    .unwrap();
    assert_eq!(names(&c), ["a.weight"]);
    for part in [
        "adapter.safetensors was left out: it does not belong to base.safetensors",
        "pytorch_model.bin was left out: it is a pickle, not safetensors",
        "model.gguf was left out: it is a GGUF file",
        "README.md was left out: it is plain text",
        "tokenizer.json was left out: of JSON files only config.json",
        "config (1).json was left out: another configuration",
        "nothing.pt was left out: it is an empty file",
        "optimizer.dat was left out: its first bytes are not those of a safetensors file",
    ] {
        noted(&c, part);
    }
    assert_eq!(c.settings.model_type.as_deref(), Some("llama"));
    // `model.safetensors` goes before a larger one, and two of one name do not hide each other.
    let c = open(vec![small.source("model.safetensors"), big.source("training.safetensors"), small.source("model.safetensors")]).unwrap();
    assert_eq!(names(&c), ["b.weight"]);
    assert_eq!(c.notes.iter().filter(|n| n.contains("was left out")).count(), 2);
    // A shard set beside a stray shard of another model.
    let c = open(vec![shard(1, 2, &["a.weight"]), shard(2, 2, &["b.weight"]), Builder::new().source("other-00001-of-00009.safetensors")]).unwrap();
    noted(&c, "other-00001-of-00009.safetensors was left out");
    // With an index, what it does not name.
    let c = open(vec![shard(1, 2, &["a.weight"]), shard(2, 2, &["b.weight"]), shard(2, 2, &["b.weight"]), big.source("extra.safetensors"), index(&[("a.weight", A), ("b.weight", B)])]).unwrap();
    noted(&c, "extra.safetensors was left out: model.safetensors.index.json does not name it");
    noted(&c, "model-00002-of-00002.safetensors was left out: a file of the same name");
    // A broken configuration does not stop the weights.
    let c = open(vec![big.source("a.safetensors"), source("config.json", b"{oops")]).unwrap();
    noted(&c, "config.json was left out: it is not valid JSON");
    assert_eq!(c.config, None);
}

#[test]
fn paths_of_a_command_line_bring_their_neighbours() {
    use espalier_nets::checkpoint::sources_at;
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    write(A, &Builder::new().made_up("a.weight", &[2, 2]).build());
    write(B, &Builder::new().made_up("b.weight", &[2, 2]).build());
    write("model.safetensors.index.json", serde_json::json!({"weight_map": {"a.weight": A, "b.weight": B}}).to_string().as_bytes());
    write("config.json", b"{\"model_type\":\"gpt2\"}");
    write("lone.safetensors", &Builder::new().made_up("c.weight", &[2, 2]).build());
    let open_at = |p: std::path::PathBuf| open(sources_at(&[p]).unwrap()).unwrap();
    for start in [A, B, "model.safetensors.index.json"] {
        let c = open_at(dir.path().join(start));
        assert_eq!(names(&c), ["a.weight", "b.weight"], "{start}");
        assert_eq!(c.settings.model_type.as_deref(), Some("gpt2"));
    }
    assert_eq!(names(&open_at(dir.path().join("lone.safetensors"))), ["c.weight"]);
    let c = open_at(dir.path().to_path_buf());
    assert_eq!(names(&c), ["a.weight", "b.weight"]);
    noted(&c, "lone.safetensors was left out");
    let e = sources_at(&[dir.path().join("absent.safetensors")]).err().unwrap();
    assert!(e.file.contains("absent.safetensors") && !e.why.is_empty(), "{e}");
    // A file that shrinks after it was opened is an error at the next read, not a panic.
    let c = open_at(dir.path().join("lone.safetensors"));
    std::fs::OpenOptions::new().write(true).open(dir.path().join("lone.safetensors")).unwrap().set_len(20).unwrap();
    let e = block_on(c.read_f32(0)).unwrap_err();
    assert!(e.why().contains("is now 20"), "{e}");
}
