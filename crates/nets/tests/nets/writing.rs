//! Written files: read back by ourselves and by the safetensors crate.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_nets::checkpoint::codec::{encode, zero_where};
use espalier_nets::checkpoint::{
    ByteSink, Checkpoint, Dtype, FileSink, FileSource, LocalFuture, MemorySink, NoPause, Origin, Output, Pace, Plan, SinkError, Stopped, WriteError, Writer, write,
};
use espalier_nets::testing::{Builder, Watched};
use pollster::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

fn open(bytes: Vec<u8>) -> Checkpoint {
    block_on(Checkpoint::from_bytes("model.safetensors", bytes)).unwrap()
}

fn sample() -> Builder {
    Builder::new()
        .made_up("z.weight", &[4, 6])
        .values("half", Dtype::F16, &[3], &[1.0, -2.0, 0.5])
        .raw("ids", "I64", &[2], &[7; 16])
        .raw("empty", "F32", &[0, 4], &[])
        .values("a.weight", Dtype::BF16, &[2, 2], &[1.0, 2.0, 3.0, 4.0])
        .raw("scalar", "F32", &[], &[0, 0, 128, 63])
}

fn copies(c: &Checkpoint) -> Vec<Output> {
    (0..c.tensors.len()).map(|i| Output::copied(c, i).unwrap()).collect()
}

async fn nothing(o: &Output) -> Result<Vec<u8>, WriteError> {
    panic!("nothing is to be produced, not {}", o.name)
}

#[test]
fn a_copy_is_what_the_safetensors_crate_reads_and_orders() {
    let c = open(sample().build());
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string()), ("espalier".to_string(), "quotes \" and \\ and ü".to_string())]);
    let plan = Plan::new(copies(&c), &metadata).unwrap();
    let mut sink = MemorySink::default();
    let written = block_on(write(&c, &plan, &mut sink, &NoPause, nothing)).unwrap();
    assert!(sink.finished);
    assert_eq!((written, plan.total()), (sink.bytes.len() as u64, sink.bytes.len() as u64));
    let theirs = safetensors::SafeTensors::deserialize(&sink.bytes).unwrap();
    assert_eq!(theirs.len(), c.tensors.len());
    for (i, t) in c.tensors.iter().enumerate() {
        let view = theirs.tensor(&t.name).unwrap();
        assert_eq!(view.data(), block_on(c.read_bytes(i, 0..t.bytes())).unwrap());
        assert_eq!((view.shape().iter().map(|d| *d as u64).collect::<Vec<_>>(), format!("{:?}", view.dtype())), (t.shape.clone(), t.dtype.to_string()));
    }
    let (n, header) = safetensors::SafeTensors::read_metadata(&sink.bytes).unwrap();
    assert_eq!(n % 8, 0);
    assert_eq!(header.metadata().as_ref().unwrap()["espalier"], metadata["espalier"]);
    assert_eq!(header.offset_keys().into_iter().filter(|k| k != "empty").collect::<Vec<_>>(), ["ids", "scalar", "z.weight", "a.weight", "half"]);
    // Byte for byte what the crate itself writes, where the order of the metadata leaves no choice.
    let plan = Plan::new(copies(&c), &BTreeMap::new()).unwrap();
    let mut ours = MemorySink::default();
    block_on(write(&c, &plan, &mut ours, &NoPause, nothing)).unwrap();
    assert_eq!(ours.bytes, safetensors::serialize(theirs.tensors(), None).unwrap());
    let again = open(sink.bytes);
    assert_eq!(again.metadata, metadata);
    assert!(!again.notes.iter().any(|n| n.contains("bytes")), "{:?}", again.notes);
}

#[test]
fn produced_tensors_take_their_place() {
    let c = open(sample().build());
    let mut outputs = copies(&c);
    let z = c.find("z.weight").unwrap();
    outputs[z].origin = Origin::Produced;
    outputs.push(Output { name: "x.U.weight".into(), dtype: Dtype::F16, shape: vec![4, 2], origin: Origin::Produced });
    let plan = Plan::new(outputs, &BTreeMap::new()).unwrap();
    let mut sink = MemorySink::default();
    block_on(write(&c, &plan, &mut sink, &NoPause, async |o: &Output| -> Result<Vec<u8>, WriteError> {
        if o.name == "z.weight" {
            let mut bytes = c.read_bytes(z, 0..c.tensors[z].bytes()).await?;
            zero_where(o.dtype, &mut bytes, |i| i % 2 == 0);
            Ok(bytes)
        } else {
            Ok(encode(o.dtype, &[0.25; 8]).unwrap().bytes)
        }
    }))
    .unwrap();
    let out = open(sink.bytes);
    let (before, after) = (block_on(c.read_f32(z)).unwrap(), block_on(out.read_f32(out.find("z.weight").unwrap())).unwrap());
    assert!(before.iter().zip(&after).enumerate().all(|(i, (b, a))| if i % 2 == 0 { *a == 0.0 } else { a.to_bits() == b.to_bits() }));
    assert_eq!(block_on(out.read_f32(out.find("x.U.weight").unwrap())).unwrap(), [0.25; 8]);
}

/// Remembers progress; stops at a byte.
struct Watch {
    seen: RefCell<Vec<(u64, u64)>>,
    stop_after: u64,
}

impl Pace for Watch {
    fn pace(&self, done: u64, total: u64) -> LocalFuture<'_, Result<(), Stopped>> {
        self.seen.borrow_mut().push((done, total));
        Box::pin(async move { if done > self.stop_after { Err(Stopped) } else { Ok(()) } })
    }
}

/// Remembers the longest piece, and keeps nothing.
#[derive(Default)]
struct Counting {
    largest: usize,
    finished: bool,
}

impl ByteSink for Counting {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        self.largest = self.largest.max(bytes.len());
        Box::pin(async { Ok(()) })
    }
    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        self.finished = true;
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn large_tensors_go_by_pieces_and_can_be_stopped() {
    let big = vec![3u8; 9 << 20];
    let file = Watched::new("model.safetensors", &Builder::new().raw("big", "U8", &[9 << 20], &big).build());
    let c = block_on(Checkpoint::open(vec![file.clone()])).unwrap();
    let plan = Plan::new(copies(&c), &BTreeMap::new()).unwrap();
    file.reads.borrow_mut().clear();
    let mut sink = Counting::default();
    let watch = Watch { seen: RefCell::default(), stop_after: u64::MAX };
    block_on(write(&c, &plan, &mut sink, &watch, nothing)).unwrap();
    assert_eq!(sink.largest, 4 << 20);
    assert!(file.reads.borrow().iter().all(|r| r.end - r.start <= 4 << 20));
    let seen = watch.seen.take();
    assert_eq!(seen.len(), 4, "the header and three pieces");
    assert!(seen.windows(2).all(|w| w[0].0 < w[1].0) && seen.iter().all(|s| s.1 == plan.total()) && seen[3].0 == plan.total());
    let stop = Watch { seen: RefCell::default(), stop_after: 5 << 20 };
    let mut sink = Counting::default();
    assert_eq!(block_on(write(&c, &plan, &mut sink, &stop, nothing)), Err(WriteError::Stopped));
    assert_eq!((stop.seen.borrow().len(), sink.finished), (3, false));
}

#[test]
fn plans_and_producers_that_do_not_fit_are_refused() {
    let c = open(sample().build());
    let one = |name: &str, dtype, shape: &[u64]| Output { name: name.into(), dtype, shape: shape.to_vec(), origin: Origin::Produced };
    for (outputs, why) in [
        (vec![one("a", Dtype::F32, &[2]), one("a", Dtype::F16, &[2])], "the name comes twice"),
        (vec![one("__metadata__", Dtype::F32, &[2])], "reserved"),
        (vec![one("a", Dtype::F32, &[u64::MAX, 2])], "no whole number of bytes"),
        (vec![one("a", Dtype::F4, &[3])], "no whole number of bytes"),
        ((0..17).map(|i| one(&i.to_string(), Dtype::U8, &[1 << 60])).collect(), "too long"),
    ] {
        let e = Plan::new(outputs, &BTreeMap::new()).unwrap_err();
        assert!(e.to_string().contains(why) && e.advice().contains("report"), "{e}");
    }
    let plan = Plan::new(vec![one("a", Dtype::F32, &[2]), one("b", Dtype::F32, &[2])], &BTreeMap::new()).unwrap();
    for wrong in [4, 12] {
        let e = block_on(write(&c, &plan, &mut MemorySink::default(), &NoPause, async |_: &Output| Ok::<_, WriteError>(vec![0; wrong]))).unwrap_err();
        assert_eq!(e, WriteError::Length { tensor: "a".into(), planned: 8, given: wrong as u64 });
    }
    block_on(async {
        let mut sink = MemorySink::default();
        let mut w = Writer::begin(&plan, &mut sink, &NoPause).await.unwrap();
        assert!(matches!(w.put(&[0; 9]).await, Err(WriteError::Length { planned: 8, given: 9, .. })));
        assert!(matches!(w.put_whole(&plan.outputs()[1], &[0; 8]).await, Err(WriteError::Plan { .. })), "not its turn");
        assert!(matches!(w.copy(&c, c.find("z.weight").unwrap()).await, Err(WriteError::Plan { .. })), "another shape");
        w.put(&[0; 3]).await.unwrap();
        w.put(&[0; 5]).await.unwrap();
        assert_eq!(w.next().unwrap().name, "b");
        assert_eq!(w.finish().await, Err(WriteError::Unfinished(1)));
    });
    let mut sink = MemorySink::default();
    let empty = Plan::new(Vec::new(), &BTreeMap::new()).unwrap();
    block_on(write(&c, &empty, &mut sink, &NoPause, nothing)).unwrap();
    assert_eq!(safetensors::SafeTensors::deserialize(&sink.bytes).unwrap().len(), 0);
}

#[test]
fn native_files_appear_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    std::fs::write(&path, sample().build()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let c = block_on(Checkpoint::open(vec![Rc::new(FileSource::open(&path).unwrap())])).unwrap();
    let plan = Plan::new(copies(&c), &BTreeMap::from([("by".into(), "test".into())])).unwrap();
    // Stopped half-way: the old file is untouched and nothing lies beside it.
    let stop = Watch { seen: RefCell::default(), stop_after: plan.total() - 20 };
    let mut sink = FileSink::create(&path).unwrap();
    assert_eq!(block_on(write(&c, &plan, &mut sink, &stop, nothing)), Err(WriteError::Stopped));
    drop(sink);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    // Over the file that is being read.
    let mut sink = FileSink::create(&path).unwrap();
    block_on(write(&c, &plan, &mut sink, &NoPause, nothing)).unwrap();
    drop(sink);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let again = block_on(Checkpoint::open(vec![Rc::new(FileSource::open(&path).unwrap())])).unwrap();
    assert_eq!((again.metadata["by"].as_str(), again.tensors.len()), ("test", c.tensors.len()));
    let e = FileSink::create(dir.path().join("absent").join("x.safetensors")).err().unwrap();
    assert!(e.to_string().contains("could not be written at byte 0"), "{e}");
}

proptest! {
    #[test]
    fn any_plan_is_read_by_the_safetensors_crate(tensors in proptest::collection::btree_map("\\PC{0,12}", ((0..Dtype::ALL.len()), vec(0u64..4, 0..4)), 0..10)) {
        let outputs: Vec<Output> = tensors.into_iter().map(|(name, (d, mut shape))| {
            let dtype = Dtype::ALL[d];
            if !dtype.bits().is_multiple_of(8) { shape.push(4); }
            Output { name, dtype, shape, origin: Origin::Produced }
        }).collect();
        let plan = Plan::new(outputs.clone(), &BTreeMap::new()).unwrap();
        let c = open(Builder::new().build());
        let mut sink = MemorySink::default();
        block_on(write(&c, &plan, &mut sink, &NoPause, async |o: &Output| Ok::<_, WriteError>(vec![o.name.len() as u8; o.length().unwrap() as usize]))).unwrap();
        let theirs = safetensors::SafeTensors::deserialize(&sink.bytes).unwrap();
        prop_assert_eq!(theirs.len(), outputs.len());
        for o in &outputs {
            prop_assert!(theirs.tensor(&o.name).unwrap().data().iter().all(|b| *b == o.name.len() as u8));
        }
    }
}
