//! Tensors of random numbers from no input, and what is multiplied by them.

mod bits;
mod dropout;
mod normal;
mod uniform;

pub use bits::Bits;
pub use dropout::Dropout;
pub use normal::Normal;
pub use uniform::Uniform;

pub(super) use bits::samples as bits_samples;
pub(super) use dropout::samples as dropout_samples;
pub(super) use normal::samples as normal_samples;
pub(super) use uniform::samples as uniform_samples;

use crate::op::{Launch, Plan, Sample, Slot};
use crate::ops::plan::{grid_of, output_part, runs};
use crate::ops::sampling::{SIZES, sample, tiled};
use crate::random::Stream;

/// A plan of one launch for each run; `make` gets count, start, the seed's words, the stream and y's base, what to bind, and the grid.
fn plan(stream: Stream, n: usize, make: impl Fn([u32; 5], u32, Vec<Slot>, [u32; 3]) -> Launch) -> Plan {
    assert!(u32::try_from(n).is_ok(), "{n} random numbers are more than there are counters");
    let launches = runs(n).map(|run| {
        let y = output_part(run, n);
        let numbers = [run.len as u32, run.start as u32, stream.seed as u32, (stream.seed >> 32) as u32, stream.stream];
        make(numbers, y.base, vec![y.slot], grid_of(run.len))
    });
    Plan { scratch: Vec::new(), launches: launches.collect() }
}

/// Samples that suit all three.
fn fill_samples<O: crate::op::Op + 'static>(op: impl Fn(Vec<usize>, Stream) -> O) -> Vec<Sample> {
    let stream = Stream::new(0x0123_4567_89ab_cdef, 3);
    let mut all: Vec<_> = SIZES.iter().map(|&n| sample(format!("{n}"), op(vec![n], stream), vec![])).collect();
    all.push(sample("other stream", op(vec![13, 79], Stream { stream: 4, ..stream }), vec![]));
    all.push(sample("other seed", op(vec![13, 79], Stream { seed: 1, ..stream }), vec![]));
    all.push(tiled("1031", op(vec![1031], stream), vec![], 1024));
    all
}
