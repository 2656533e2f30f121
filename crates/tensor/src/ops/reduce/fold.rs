//! Sums, means and extremes along an axis or over everything.

use espalier_kernels::reduce::fold::Params;

use super::Middle;
use crate::array::{Array, Spec};
use crate::op::{Launch, Op, Plan, Sample, Slot, Tolerance, Value};
use crate::ops::elementwise::{Affine, Binary};
use crate::ops::layout::fill::set_output;
use crate::ops::layout::BroadcastTo;
use crate::ops::plan::{Part, Run, grid, grid_of, input_part, launch, limits, output_part};
use crate::ops::sampling::{SIZES, float_array, sample, tied_array, tiled};
use crate::ops::values::{ULP, flat, gamma};
use crate::session::Tensor;
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// What elements are joined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FoldKind {
    /// `Σ x`; 0 of nothing.
    Sum,
    /// `Σ x / n`; NaN of nothing.
    Mean,
    /// `Σ x²`; 0 of nothing.
    SumSquares,
    /// The largest; the lowest finite float of nothing. Finite elements only.
    Max,
    /// The smallest; the highest finite float of nothing. Finite elements only.
    Min,
}

impl FoldKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sum, Self::Mean, Self::SumSquares, Self::Max, Self::Min];
}

/// A fold along one axis, or over everything, always in the same order: the order is that of a tree and does not depend on timing.
/// Where `Max` and `Min` meet equal elements, the gradient is shared evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What elements are joined to.
    pub kind: FoldKind,
    /// Along which axis; over everything where there is none.
    pub axis: Option<usize>,
    /// Whether the axis stays, with extent 1.
    pub keep: bool,
}

impl Fold {
    /// Over everything, to a scalar.
    pub fn all(kind: FoldKind) -> Self {
        Self { kind, axis: None, keep: false }
    }

    /// Along one axis, which goes away.
    pub fn along(kind: FoldKind, axis: usize) -> Self {
        Self { kind, axis: Some(axis), keep: false }
    }

    /// Along one axis, which stays with extent 1.
    pub fn keeping(kind: FoldKind, axis: usize) -> Self {
        Self { kind, axis: Some(axis), keep: true }
    }

    /// All results, sums in f64.
    fn folded(self, x: &[f32], middle: &Middle) -> Vec<f32> {
        let n = middle.axis as f64;
        match self.kind {
            FoldKind::Sum => middle.folded(x, 0.0, |s, x| s + f64::from(x), |s| s as f32),
            FoldKind::Mean => middle.folded(x, 0.0, |s, x| s + f64::from(x), |s| (s / n) as f32),
            FoldKind::SumSquares => middle.folded(x, 0.0, |s, x| s + f64::from(x) * f64::from(x), |s| s as f32),
            FoldKind::Max => middle.folded(x, -f32::MAX, f32::max, |m| m),
            FoldKind::Min => middle.folded(x, f32::MAX, f32::min, |m| m),
        }
    }

    /// Elements of the axis that one invocation or workgroup folds in the first stage.
    fn part(middle: &Middle) -> usize {
        let results = middle.outer * middle.inner;
        let part = if middle.inner >= 32 {
            if results >= 16_384 { 4096 } else { 256 }
        } else if results >= 256 {
            1 << 18
        } else {
            1 << 14
        };
        // The parts of a tile are counted whole.
        part.min(limits().elements() / middle.inner.max(1)).max(1)
    }

    /// Whether an invocation makes a result by itself: neighbours lie beside each other, or there are many results of few elements each, for which a
    /// workgroup would mostly wait.
    fn alone(middle: &Middle, part: usize) -> bool {
        middle.inner >= 32 || (part.min(middle.axis) <= 256 && middle.outer * middle.inner >= 256)
    }

    /// Launches that fold `from` (`outer × axis × inner`) to `outer × parts × inner` in `to`.
    #[expect(clippy::too_many_arguments, reason = "two shapes and what is done between them")]
    fn stage(middle: &Middle, part: usize, parts: Run, outer: usize, kind: u32, scale: f32, all_parts: usize, from: Part, to: Part) -> Launch {
        let alone = Self::alone(middle, part);
        let results = outer * parts.len * middle.inner;
        let axis = middle.axis.min((parts.start + parts.len) * part) - parts.start * part;
        let sizes = [outer, axis, middle.inner, part, parts.len, all_parts, usize::from(alone)].map(|v| v as u32);
        let params = Params::new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], kind, scale, from.base, to.base);
        launch(params, vec![from.slot, to.slot], if alone { grid_of(results) } else { grid(results) })
    }
}

impl Op for Fold {
    fn name(&self) -> &'static str {
        "reduce/fold"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::f32(Middle::output(&inputs[0].shape, self.axis, self.keep))
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let shape = inputs[0].spec().shape;
        let results = self.folded(&flat(inputs[0]), &Middle::new(&shape, self.axis));
        Array::from_f32(&Middle::output(&shape, self.axis, self.keep), results)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let middle = Middle::new(&inputs[0].shape, self.axis);
        let (outer, axis, inner) = (middle.outer, middle.axis, middle.inner);
        if output.is_empty() {
            return Plan::default();
        }
        if axis == 0 {
            return Plan { scratch: Vec::new(), launches: set_output(output.len(), self.folded(&[], &Middle { outer: 1, axis: 0, inner: 1 })[0].to_bits()) };
        }
        let (kind, later, scale) = match self.kind {
            FoldKind::Sum => (0, 0, 1.0),
            FoldKind::Mean => (0, 0, 1.0 / axis as f32),
            FoldKind::SumSquares => (1, 0, 1.0),
            FoldKind::Max => (2, 2, 1.0),
            FoldKind::Min => (3, 3, 1.0),
        };
        let part = Self::part(&middle);
        let all_parts = axis.div_ceil(part);
        let two = all_parts > 1;
        // Tiles hold whole slabs (axis × inner) where they fit a binding, and otherwise whole parts of one slab.
        let slab = axis * inner;
        let slabs = (limits().elements() / slab).max(1);
        let parts_a_tile = if slab <= limits().elements() { all_parts } else { (limits().elements() / (part * inner)).max(1) };
        let mut launches = Vec::new();
        for o in (0..outer).step_by(slabs) {
            let rows = slabs.min(outer - o);
            for p in (0..all_parts).step_by(parts_a_tile) {
                let parts = Run { start: p, len: parts_a_tile.min(all_parts - p) };
                let start = o * slab + p * part * inner;
                let end = ((o + rows - 1) * slab) + axis.min((p + parts.len) * part) * inner;
                let x = input_part(0, Run { start, len: end - start }, inputs[0].len());
                let first = (o * all_parts + p) * inner;
                let y = if two {
                    Part { slot: Slot::Scratch(0), base: first as u32 }
                } else {
                    output_part(Run { start: first, len: rows * inner }, output.len())
                };
                launches.push(Self::stage(&middle, part, parts, rows, kind, if two { 1.0 } else { scale }, all_parts, x, y));
            }
        }
        if !two {
            return Plan { scratch: Vec::new(), launches };
        }
        let second = Middle { outer, axis: all_parts, inner };
        let (x, y) = (Part { slot: Slot::Scratch(0), base: 0 }, Part { slot: Slot::Output, base: 0 });
        launches.push(Self::stage(&second, all_parts, Run { start: 0, len: 1 }, outer, later, scale, 1, x, y));
        Plan { scratch: vec![4 * (outer * all_parts * inner) as u64], launches }
    }

    /// Extremes are picked, exactly. Sums: the twin adds in f64, the device in f32 along a path of d additions (a part's share of one
    /// invocation, eight levels of a tree, and the same over the parts), so it errs by γ_d times the sum of magnitudes (Higham §4.2);
    /// squaring and scaling add one rounding each.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let shape = inputs[0].spec().shape;
        let middle = Middle::new(&shape, self.axis);
        let Middle { outer, axis, inner } = middle;
        if matches!(self.kind, FoldKind::Max | FoldKind::Min) || axis == 0 {
            return Tolerance::EXACT;
        }
        let part = Self::part(&middle);
        let path = |n: usize, alone: bool| if alone { n } else { n.div_ceil(256) + 8 };
        let parts = axis.div_ceil(part);
        let second = Middle { outer, axis: parts, inner };
        let depth = path(part.min(axis), Self::alone(&middle, part)) + path(parts, Self::alone(&second, parts)) + 2;
        let x = flat(inputs[0]);
        let term = |x: f32| f64::from(if self.kind == FoldKind::SumSquares { x * x } else { x.abs() });
        let largest = (0..outer * inner)
            .map(|n| (0..axis).map(|a| term(x[n / inner * axis * inner + n % inner + a * inner])).sum::<f64>())
            .fold(0.0, f64::max);
        let scale = if self.kind == FoldKind::Mean { 1.0 / axis as f64 } else { 1.0 };
        Tolerance { absolute: gamma(depth) * (largest * scale) as f32 + f32::MIN_POSITIVE, relative: ULP }
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        match self.kind {
            FoldKind::Sum | FoldKind::Mean => false,
            FoldKind::SumSquares => value == Value::Input(0),
            FoldKind::Max | FoldKind::Min => true,
        }
    }

    /// `Sum`: g everywhere; `Mean`: g / n; `SumSquares`: 2xg; extremes: g shared among the elements that are extreme.
    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let Vjp { session, inputs, output, grad, .. } = vjp;
        let x = &inputs[0];
        let shape = x.spec().shape.clone();
        let kept = |t: &Tensor| t.reshape(Middle::output(&shape, self.axis, true));
        let spread = |t: &Tensor| session.run(&BroadcastTo(shape.clone()), &[&kept(t)]);
        let n = Middle::new(&shape, self.axis).axis;
        let dx = match self.kind {
            FoldKind::Sum => spread(grad),
            FoldKind::Mean => spread(&session.run(&Affine::scale(1.0 / n as f32), &[grad])),
            FoldKind::SumSquares => {
                let twice = session.run(&Affine::scale(2.0), &[&kept(grad)]);
                session.run(&Binary::Mul, &[x, &twice])
            }
            FoldKind::Max | FoldKind::Min => {
                let here = session.run(&Binary::Equal, &[x, &kept(output)]);
                let many = session.run(&Self { kind: FoldKind::Sum, ..*self }, &[&here]);
                let share = session.run(&Binary::Div, &[grad, &many]);
                session.run(&Binary::Mul, &[&here, &kept(&share)])
            }
        };
        Ok(vec![Some(dx)])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for kind in FoldKind::ALL {
        for n in SIZES {
            // The mean of nothing is NaN, which WGSL does not promise to keep.
            if n > 0 || kind != FoldKind::Mean {
                all.push(sample(format!("{kind:?} {n}"), Fold::all(kind), vec![float_array(&[n], 1)]));
            }
        }
        all.push(sample(format!("{kind:?} 100003"), Fold::all(kind), vec![float_array(&[100_003], 2)]));
        all.push(sample(format!("{kind:?} ties"), Fold::all(kind), vec![tied_array(&[257], 3)]));
        let shapes: [(&[usize], usize); 8] =
            [(&[5, 64], 1), (&[5, 65], 0), (&[300, 7], 0), (&[300, 7], 1), (&[3, 1031, 5], 1), (&[3, 1031, 33], 1), (&[2, 0], 0), (&[1], 0)];
        for (shape, axis) in shapes {
            let x = || vec![float_array(shape, 4)];
            all.push(sample(format!("{kind:?} {shape:?} along {axis}"), Fold::along(kind, axis), x()));
            all.push(sample(format!("{kind:?} {shape:?} along {axis}, kept"), Fold::keeping(kind, axis), x()));
            all.push(tiled(format!("{kind:?} {shape:?} along {axis}"), Fold::along(kind, axis), x(), 1024));
            all.push(tiled(format!("{kind:?} {shape:?} along {axis}"), Fold::along(kind, axis), x(), 16_384));
        }
        all.push(tiled(format!("{kind:?} 1031"), Fold::all(kind), vec![float_array(&[1031], 5)], 1024));
    }
    all
}
