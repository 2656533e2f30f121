//! Large local files: listed quickly and in little memory; changes on disk are noticed. A program of its own, because it counts what is allocated.

use std::cell::Cell;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Instant;

use espalier_nets::checkpoint::{ByteSource, Cause, Checkpoint, CheckpointError, FileSource, LocalFuture, SourceError};
use espalier_nets::testing::Builder;
use espalier_nets::testing::held::{Counting, begin, most_since};
use pollster::block_on;

/// One test at a time, so that the counts are its own.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file source that counts what is read.
struct Counted {
    inner: FileSource,
    read: Rc<Cell<u64>>,
}

impl ByteSource for Counted {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn len(&self) -> u64 {
        self.inner.len()
    }
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        self.read.set(self.read.get() + range.end - range.start);
        self.inner.read(range)
    }
}

/// A checkpoint of `count` BF16 tensors whose data is a hole in the file.
fn sparse(path: &Path, count: u64, rows: u64) -> u64 {
    let each = rows * 4096 * 2;
    let b = (0..count).fold(Builder::new(), |b, i| b.entry(&format!("model.layers.{}.{}.weight", i / 7, ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"][(i % 7) as usize]), "BF16", &[rows, 4096], [i * each, (i + 1) * each]));
    let header = b.build();
    let mut file = File::create(path).expect("made");
    file.write_all(&header).expect("written");
    let length = header.len() as u64 + count * each;
    file.set_len(length).expect("made long");
    length
}

fn list(path: &Path) -> (Checkpoint, f64, usize, u64) {
    let read = Rc::new(Cell::new(0));
    let before = begin();
    let start = Instant::now();
    let source = Rc::new(Counted { inner: FileSource::open(path).expect("opens"), read: read.clone() });
    let c = block_on(Checkpoint::open(vec![source])).expect("lists");
    (c, start.elapsed().as_secs_f64(), most_since(before), read.get())
}

#[test]
fn files_of_90_mb_and_of_4_gb_are_listed_in_a_second_and_in_50_mb() {
    let _turn = TURN.lock();
    let dir = tempfile::tempdir().expect("a folder");
    for (name, count, rows, least) in [("small", 100, 110, 90_000_000), ("large", 280, 1900, 4_000_000_000u64), ("many", 30_000, 20, 4_000_000_000)] {
        let path = dir.path().join(format!("{name}.safetensors"));
        let length = sparse(&path, count, rows);
        assert!(length >= least, "{length}");
        let (c, seconds, memory, read) = list(&path);
        assert_eq!(c.tensors.len() as u64, count);
        println!("{name}: {length} bytes, {count} tensors: {seconds:.3} s, {memory} bytes of memory, {read} bytes read");
        assert!(seconds < 1.0, "{name}: {seconds} s");
        assert!(memory < 50_000_000, "{name}: {memory} bytes");
        assert!(read < 10_000_000, "{name}: {read} bytes read");
    }
}

#[test]
fn a_file_that_changes_on_disk_is_noticed() {
    let _turn = TURN.lock();
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.safetensors");
    std::fs::write(&path, Builder::new().made_up("w", &[64, 64]).build()).expect("written");
    let c = block_on(Checkpoint::open(vec![Rc::new(FileSource::open(&path).expect("opens"))])).expect("opens");
    block_on(c.read_f32(0)).expect("as it was");
    let changed = |c: &Checkpoint, word: &str| {
        let e = block_on(c.read_f32(0)).expect_err("it is another file now");
        assert!(matches!(&e, CheckpointError::Source(s) if s.cause == Cause::Changed), "{e:?}");
        assert!(e.what().contains("has changed since it was opened") && e.why().contains(word), "{e}");
    };
    // Written to in place, with the same length.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut file = File::options().write(true).open(&path).expect("opens for writing");
    file.seek(SeekFrom::End(-8)).expect("there");
    file.write_all(&[1; 8]).expect("written");
    drop(file);
    changed(&c, "written to");
    // Cut.
    let c = block_on(Checkpoint::open(vec![Rc::new(FileSource::open(&path).expect("opens"))])).expect("opens");
    File::options().write(true).open(&path).expect("opens for writing").set_len(9000).expect("cut");
    changed(&c, "9000");
}
