//! Pooling of images `[images, channels, height, width]`.

use crate::array::Array;
use crate::ops::conv::Conv2d;
use crate::ops::elementwise::Binary;
use crate::ops::layout::Reshape;
use crate::ops::reduce::{Fold, FoldKind};
use crate::tape::Var;
use crate::train::Pass;

fn axes(x: &Var) -> [usize; 4] {
    let Ok(axes) = <[usize; 4]>::try_from(&x.spec().shape[..]) else { panic!("images have four axes, not {:?}", x.spec().shape) };
    axes
}

/// A filter for each channel, `values` row by row, applied to each channel by itself.
fn each_channel(pass: &Pass, x: &Var, size: usize, step: usize, values: &[f32]) -> Var {
    let channels = axes(x)[1];
    let filters = Array::from_f32(&[channels, 1, size, size], (0..channels).flat_map(|_| values.iter().copied()).collect());
    let filters = pass.constant(pass.tape().session().upload(filters));
    pass.run(Conv2d { step: [step; 2], pad: [0; 2], groups: channels }, &[x, &filters])
}

/// Means of squares of `size`, `step` apart; no padding.
pub fn mean_pool(pass: &Pass, x: &Var, size: usize, step: usize) -> Var {
    let n = size * size;
    each_channel(pass, x, size, step, &vec![1.0 / n as f32; n])
}

/// The largest of squares of `size`, `step` apart; no padding. Where two are equal, the slope goes as that of the larger of two does.
pub fn max_pool(pass: &Pass, x: &Var, size: usize, step: usize) -> Var {
    // A filter that is 1 at one place picks that place of every square.
    let picked = (0..size * size).map(|place| {
        let one: Vec<f32> = (0..size * size).map(|i| if i == place { 1.0 } else { 0.0 }).collect();
        each_channel(pass, x, size, step, &one)
    });
    picked.reduce(|a, b| pass.run(Binary::Max, &[&a, &b])).unwrap_or_else(|| panic!("a square of {size} holds nothing"))
}

/// The mean of every channel: `[images, channels]`.
pub fn global_mean(pass: &Pass, x: &Var) -> Var {
    let [images, channels, height, width] = axes(x);
    let flat = pass.run(Reshape(vec![images, channels, height * width]), &[x]);
    pass.run(Fold::along(FoldKind::Mean, 2), &[&flat])
}
