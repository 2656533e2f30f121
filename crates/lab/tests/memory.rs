//! A copy of a checkpoint of 2 GB takes little memory. A program of its own, because it counts what is allocated.

use std::fs::File;
use std::io::Write;
use std::rc::Rc;

use espalier_lab::protocol::{Command, DeviceChoice, Edits, Reply};
use espalier_lab::{Engine, Host};
use espalier_nets::checkpoint::{ByteSink, FileSource, LocalFuture, SinkError};
use espalier_nets::testing::Builder;
use espalier_nets::testing::held::{Counting, begin, most_since};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what is written and throws it away.
#[derive(Default)]
struct Face {
    written: Rc<std::cell::Cell<u64>>,
    replies: std::cell::RefCell<Vec<Reply>>,
}

struct Away(Rc<std::cell::Cell<u64>>);

impl ByteSink for Away {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        self.0.set(self.0.get() + bytes.len() as u64);
        Box::pin(async { Ok(()) })
    }
}

impl Host for Face {
    fn reply(&self, reply: Reply) {
        if !matches!(reply, Reply::Event { .. }) {
            self.replies.borrow_mut().push(reply);
        }
    }
    fn now_ms(&self) -> f64 {
        0.0
    }
    fn pause(&self) -> LocalFuture<'_, ()> {
        Box::pin(async {})
    }
    fn sink(&self, _: u32, _: &str) -> Result<Box<dyn ByteSink>, SinkError> {
        self.written.set(0);
        Ok(Box::new(Away(self.written.clone())))
    }
}

#[test]
fn copies_of_2_gb_take_less_than_300_mb() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("model.safetensors");
    // An embedding of 1.3 GB and 32 projections as in a model of a billion weights; all zeros in a hole of the file.
    let mut b = Builder::new();
    let mut at = 0;
    let mut add = |b: Builder, name: &str, shape: [u64; 2]| {
        let end = at + shape[0] * shape[1] * 2;
        let b = b.entry(name, "BF16", &shape, [at, end]);
        at = end;
        b
    };
    b = add(b, "model.embed_tokens.weight", [320_000, 2048]);
    for i in 0..32 {
        b = add(b, &format!("model.layers.{i}.mlp.up_proj.weight"), [5632, 2048]);
    }
    let header = b.build();
    let mut file = File::create(&path).expect("made");
    file.write_all(&header).expect("written");
    let length = header.len() as u64 + at;
    file.set_len(length).expect("made long");
    assert!(length > 2_000_000_000);
    let face = Rc::new(Face::default());
    let engine = Engine::new(face.clone() as Rc<dyn Host>);
    let send = |command| pollster::block_on(engine.handle(command));
    send(Command::Device(DeviceChoice::Cpu));
    assert!(pollster::block_on(engine.open(None, vec![Rc::new(FileSource::open(&path).expect("opens"))])));
    let some = || Some(vec!["model.layers.0.mlp.up_proj.weight".to_owned(), "model.layers.9.mlp.up_proj.weight".to_owned()]);
    for (what, edits) in [
        ("pruned", Edits::Magnitude { config: serde_json::json!({ "sparsity": 0.5 }), matrices: some() }),
        ("2:4", Edits::Magnitude { config: serde_json::json!({ "scope": "2:4" }), matrices: some() }),
        ("factored", Edits::Rank { ranks: vec![("model.layers.3.mlp.up_proj.weight".into(), 64)], factors: true }),
    ] {
        let before = begin();
        send(Command::Export { job: 1, edits, provenance: Vec::new() });
        let most = most_since(before);
        assert!(matches!(face.replies.borrow().last(), Some(Reply::Exported { .. })), "{what}: {:?}", face.replies.borrow().last());
        println!("{what}: {} bytes written, {most} bytes of memory at most", face.written.get());
        assert!(face.written.get() > 1_900_000_000, "{what}");
        assert!(most < 300_000_000, "{what}: {most} bytes");
    }
}
