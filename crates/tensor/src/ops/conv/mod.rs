//! Two-dimensional convolution and its two gradients. One dimension is two with a height of 1; depthwise is as many groups as channels.

/// The parameters of a launch over `$images` images, in the type of the kernel at hand: all three take those of `shaders/lib/convolution.wgsl`.
macro_rules! params {
    ($sizes:expr, $images:expr, [$a:expr, $b:expr, $y:expr], $add:expr) => {{
        let (s, of) = (&$sizes, |n: usize| n as u32);
        Params::new(
            of($images), of(s.channels), of(s.extent[0]), of(s.extent[1]), of(s.outputs), of(s.out[0]), of(s.out[1]), of(s.filter[0]), of(s.filter[1]),
            of(s.step[0]), of(s.step[1]), of(s.pad[0]), of(s.pad[1]), of(s.share()), of(s.outputs / s.groups), $a, $b, $y, $add,
        )
    }};
}

mod conv2d;
mod conv2d_input;
mod conv2d_weight;

pub use conv2d::Conv2d;
pub use conv2d_input::Conv2dInput;
pub use conv2d_weight::Conv2dWeight;

pub(super) use conv2d::samples as conv2d_samples;
pub(super) use conv2d_input::samples as conv2d_input_samples;
pub(super) use conv2d_weight::samples as conv2d_weight_samples;

use crate::array::Array;
use crate::op::{Op, Sample};
use crate::ops::plan::{Run, limits};
use crate::ops::sampling::{float_array, sample, tiled};
use crate::tape::NotDifferentiable;

/// Extents of a convolution.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    images: usize,
    channels: usize,
    /// Height and width in.
    extent: [usize; 2],
    outputs: usize,
    /// Height and width out.
    out: [usize; 2],
    /// Height and width of the filters.
    filter: [usize; 2],
    step: [usize; 2],
    pad: [usize; 2],
    groups: usize,
}

impl Sizes {
    /// Of `x [images, channels, height, width]` and `w [outputs, channels / groups, filter height, filter width]`. Panics on shapes that do not fit: a bug of the caller.
    fn new(op: &Conv2d, x: &[usize], w: &[usize]) -> Self {
        let ([images, channels, height, width], [outputs, share, fh, fw]) = (x, w) else { panic!("images and filters have four axes, not {x:?} and {w:?}") };
        let groups = op.groups;
        assert!(groups > 0 && channels % groups == 0 && outputs % groups == 0 && share * groups == *channels, "{groups} groups of {x:?} and {w:?}");
        assert!(*fh > 0 && *fw > 0 && op.step[0] > 0 && op.step[1] > 0, "filters and steps have an extent");
        let out = |extent: usize, filter: usize, axis: usize| {
            let whole = extent + 2 * op.pad[axis];
            assert!(whole >= filter, "a filter of {filter} does not fit {extent} and twice {} zeros", op.pad[axis]);
            (whole - filter) / op.step[axis] + 1
        };
        let out = [out(*height, *fh, 0), out(*width, *fw, 1)];
        Self { images: *images, channels: *channels, extent: [*height, *width], outputs: *outputs, out, filter: [*fh, *fw], step: op.step, pad: op.pad, groups }
    }

    fn image(&self) -> usize {
        self.channels * self.extent[0] * self.extent[1]
    }

    fn result(&self) -> usize {
        self.outputs * self.places()
    }

    fn places(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Channels of one group.
    fn share(&self) -> usize {
        self.channels / self.groups
    }

    /// Rows of a group's unfolded image: channels times the filter's elements.
    fn depth(&self) -> usize {
        self.share() * self.filter[0] * self.filter[1]
    }

    /// Runs of images whose inputs and outputs fit a binding each and do not keep a device too long.
    fn runs(self) -> impl Iterator<Item = Run> {
        let by_size = limits().elements() / self.image().max(self.result()).max(1);
        let by_time = limits().macs as usize / (self.result() * self.depth()).max(1);
        let most = by_size.min(by_time).max(1);
        (0..self.images).step_by(most).map(move |start| Run { start, len: most.min(self.images - start) })
    }

    /// For each element of the unfolded image `[depth, places]` of a group: where it lies in the image's channels of the group; `None` in the padding.
    fn unfolded(self) -> impl Iterator<Item = Option<usize>> {
        let [fh, fw] = self.filter;
        let places = self.places();
        (0..self.depth() * places).map(move |i| {
            let (k, place) = (i / places, i % places);
            let row = (place / self.out[1] * self.step[0] + k / fw % fh).checked_sub(self.pad[0]).filter(|r| *r < self.extent[0])?;
            let column = (place % self.out[1] * self.step[1] + k % fw).checked_sub(self.pad[1]).filter(|c| *c < self.extent[1])?;
            Some((k / (fh * fw) * self.extent[0] + row) * self.extent[1] + column)
        })
    }
}

/// Convolutions with inputs for samples: the operation, images, filters, and slopes of the output.
fn cases() -> Vec<(String, Conv2d, [Array; 3])> {
    let plain = Conv2d { step: [1, 1], pad: [0, 0], groups: 1 };
    let same = Conv2d { pad: [1, 1], ..plain };
    let all: [(&str, Conv2d, [usize; 4], [usize; 4]); 10] = [
        ("1×1", plain, [2, 3, 4, 5], [4, 3, 1, 1]),
        ("3×3 with zeros", same, [2, 3, 5, 6], [4, 3, 3, 3]),
        ("steps of 2", Conv2d { step: [2, 2], ..same }, [1, 2, 7, 6], [3, 2, 3, 3]),
        ("depthwise", Conv2d { groups: 4, ..same }, [2, 4, 5, 5], [4, 1, 3, 3]),
        ("depthwise, two outputs a channel", Conv2d { groups: 3, ..same }, [1, 3, 5, 5], [6, 1, 3, 3]),
        ("two groups, uneven", Conv2d { step: [2, 1], pad: [0, 2], groups: 2 }, [1, 4, 6, 5], [2, 2, 2, 5]),
        ("one dimension", Conv2d { pad: [0, 2], ..plain }, [2, 3, 1, 13], [4, 3, 1, 5]),
        ("one place", plain, [3, 2, 3, 3], [2, 2, 3, 3]),
        ("no image", same, [0, 2, 3, 3], [2, 2, 3, 3]),
        ("17×19, 65 outputs", same, [1, 3, 17, 19], [65, 3, 3, 3]),
    ];
    all.into_iter()
        .map(|(label, op, x, w)| {
            let s = Sizes::new(&op, &x, &w);
            (label.to_owned(), op, [float_array(&x, 1), float_array(&w, 2), float_array(&[s.images, s.outputs, s.out[0], s.out[1]], 3)])
        })
        .collect()
}

/// Samples of a gradient: every case, and one whose images fill several launches.
fn gradient_samples<O: Op + 'static>(of: impl Fn(Conv2d, [Array; 3]) -> (O, Vec<Array>)) -> Vec<Sample> {
    let mut all: Vec<_> = cases()
        .into_iter()
        .map(|(label, conv, arrays)| {
            let (op, inputs) = of(conv, arrays);
            sample(label, op, inputs)
        })
        .collect();
    let conv = Conv2d { step: [1, 1], pad: [1, 1], groups: 1 };
    let (op, inputs) = of(conv, [float_array(&[9, 2, 6, 7], 4), float_array(&[3, 2, 3, 3], 5), float_array(&[9, 3, 6, 7], 6)]);
    all.push(tiled("nine images", op, inputs, 2048));
    all
}

/// Shape of a four-axis array.
fn shape(a: &Array) -> [usize; 4] {
    <[usize; 4]>::try_from(a.spec().shape).unwrap_or_default()
}

/// What both gradients answer when they are differentiated.
fn no_second(op: &'static str) -> NotDifferentiable {
    NotDifferentiable { op, why: "it is a gradient itself, and second derivatives are not provided" }
}
