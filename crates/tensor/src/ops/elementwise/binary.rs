//! Functions of two elements, with NumPy broadcasting.

use espalier_kernels::elementwise::binary::Params;

use super::{Affine, Unary};
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::broadcast::{Walk, common, words};
use crate::ops::plan::{Run, grid_of, input_part, launch, limits, made_for, output_part};
use crate::ops::sampling::{SIZES, float_array, positive_array, sample, tied_array, tiled};
use crate::ops::values::{flat, ulps};
use crate::session::{Session, Tensor};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// A function of two elements. Shapes are broadcast as NumPy does. The numbers are those of `kind` in the WGSL.
///
/// Comparisons give 1 or 0. Where `Max` and `Min` meet equal elements, each side gets half of the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`.
    Add = 0,
    /// `a − b`.
    Sub = 1,
    /// `a · b`.
    Mul = 2,
    /// `a / b`.
    Div = 3,
    /// The larger.
    Max = 4,
    /// The smaller.
    Min = 5,
    /// `a > b`.
    Greater = 6,
    /// `a ≥ b`.
    GreaterEqual = 7,
    /// `a < b`.
    Less = 8,
    /// `a ≤ b`.
    LessEqual = 9,
    /// `a = b`.
    Equal = 10,
}

impl Binary {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Max,
        Self::Min,
        Self::Greater,
        Self::GreaterEqual,
        Self::Less,
        Self::LessEqual,
        Self::Equal,
    ];

    /// The function at one place.
    pub fn at(self, a: f32, b: f32) -> f32 {
        let truth = |t: bool| if t { 1.0 } else { 0.0 };
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Max => a.max(b),
            Self::Min => a.min(b),
            Self::Greater => truth(a > b),
            Self::GreaterEqual => truth(a >= b),
            Self::Less => truth(a < b),
            Self::LessEqual => truth(a <= b),
            Self::Equal => truth(a == b),
        }
    }
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        "elementwise/binary"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::f32(common(&inputs[0].shape, &inputs[1].shape))
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let shapes = [inputs[0].spec().shape, inputs[1].spec().shape];
        let shape = common(&shapes[0], &shapes[1]);
        let n: usize = shape.iter().product();
        let (a, b) = (flat(inputs[0]), flat(inputs[1]));
        let mut y = Vec::with_capacity(n);
        if n > 0 {
            let walk = Walk::new(&shape, [&shapes[0], &shapes[1]]);
            let (rows, width) = walk.rows();
            let [[.., along_a], [.., along_b]] = walk.strides;
            for row in 0..rows {
                let [at_a, at_b] = walk.places(row * width);
                // Sums and products are asked for outside the loop, where compilers can make vector code of them.
                let both = || a[at_a..at_a + width].iter().zip(&b[at_b..at_b + width]);
                match (self, along_a, along_b) {
                    (Self::Add, 1, 1) => y.extend(both().map(|(a, b)| a + b)),
                    (Self::Mul, 1, 1) => y.extend(both().map(|(a, b)| a * b)),
                    (_, 1, 1) => y.extend(both().map(|(&a, &b)| self.at(a, b))),
                    (Self::Mul, 1, 0) => y.extend(a[at_a..at_a + width].iter().map(|a| a * b[at_b])),
                    _ => y.extend((0..width).map(|i| self.at(a[at_a + i * along_a], b[at_b + i * along_b]))),
                }
            }
        }
        Array::from_f32(&shape, y)
    }

    fn cpu_in_place(&self, first: Array, others: &[&Array]) -> Array {
        let (Array::F32(mut sum), Array::F32(other)) = (first, others[0].clone()) else { panic!("float arrays were expected") };
        if sum.shape() != other.shape() {
            return self.cpu(&[&Array::F32(sum), others[0]]);
        }
        sum.zip_mut_with(&other, |a, &b| *a = self.at(*a, b));
        Array::F32(sum)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        if n == 0 {
            return Plan::default();
        }
        let walk = Walk::new(&output.shape, [&inputs[0].shape, &inputs[1].shape]);
        let launches = walk.cut(limits().elements()).into_iter().map(|(start, part)| {
            let first = walk.places(start);
            let len = part.extent.iter().product();
            let [a, b] = [0, 1].map(|i| input_part(i, Run { start: first[i], len: part.reach(i) }, inputs[i].len()));
            let y = output_part(Run { start, len }, n);
            let [a_stride, b_stride] = part.strides.map(words);
            let params = Params::new(words(part.extent), a_stride, b_stride, a.base, b.base, y.base);
            made_for(&[("kind", *self as u32), ("axes", part.axes())], launch(params, vec![a.slot, b.slot, y.slot], grid_of(len)))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// Sums and products are rounded correctly on both paths (subnormals may be flushed); WGSL grants a division 2.5 units.
    fn tolerance(&self, _inputs: &[&Array]) -> Tolerance {
        match self {
            Self::Add | Self::Sub | Self::Mul => ulps(0.0),
            Self::Div => ulps(3.0),
            _ => Tolerance::EXACT,
        }
    }

    fn looks_at(&self, value: Value, wanted: &[bool]) -> bool {
        match (self, value) {
            (Self::Add | Self::Sub, _) => false,
            (Self::Mul, Value::Input(i)) => wanted[1 - i],
            (Self::Div, Value::Input(i)) => i == 1,
            (Self::Div, Value::Output) => wanted[1],
            (_, value) => value != Value::Output,
        }
    }

    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        let Vjp { session, inputs, output, grad: g, .. } = vjp;
        let (a, b) = (&inputs[0], &inputs[1]);
        let run = |op: Self, x: &Tensor, y: &Tensor| session.run(&op, &[x, y]);
        // Half where equal, all where `op` prefers this side.
        let share = |op: Self, x: &Tensor, y: &Tensor| {
            let tie = session.run(&Affine::scale(0.5), &[&run(Self::Equal, x, y)]);
            run(Self::Mul, g, &run(Self::Add, &run(op, x, y), &tie))
        };
        let full: [&dyn Fn() -> Tensor; 2] = match self {
            Self::Add => [&|| g.clone(), &|| g.clone()],
            Self::Sub => [&|| g.clone(), &|| session.run(&Unary::Neg, &[g])],
            Self::Mul => [&|| run(Self::Mul, g, b), &|| run(Self::Mul, g, a)],
            Self::Div => [&|| run(Self::Div, g, b), &|| session.run(&Unary::Neg, &[&run(Self::Mul, g, &run(Self::Div, output, b))])],
            Self::Max => [&|| share(Self::Greater, a, b), &|| share(Self::Greater, b, a)],
            Self::Min => [&|| share(Self::Less, a, b), &|| share(Self::Less, b, a)],
            _ => return Err(NotDifferentiable { op: self.name(), why: "a comparison is flat where it has a slope at all" }),
        };
        let wanted = |i: usize| vjp.wanted[i].then(|| unbroadcast(session, full[i](), &inputs[i].spec().shape));
        Ok(vec![wanted(0), wanted(1)])
    }
}

/// Sums a gradient over the axes along which a tensor of `shape` was repeated.
pub(in crate::ops) fn unbroadcast(session: &Session, gradient: Tensor, shape: &[usize]) -> Tensor {
    use crate::ops::reduce::{Fold, FoldKind};

    let from = gradient.spec().shape.clone();
    if from == shape {
        return gradient;
    }
    let added = from.len() - shape.len();
    let repeated = |axis: usize| axis < added || (shape[axis - added] == 1 && from[axis] != 1);
    let mut summed = gradient;
    let mut axis = 0;
    // Neighbouring repeated axes are summed as one.
    while axis < from.len() {
        let end = (axis..from.len()).find(|&a| !repeated(a)).unwrap_or(from.len());
        if end > axis {
            let now = summed.spec().shape.clone();
            let merged = [&now[..axis], &[now[axis..end].iter().product()], &now[end..]].concat();
            let flat = summed.reshape(merged);
            let mut kept = now;
            kept[axis..end].fill(1);
            summed = session.run(&Fold::along(FoldKind::Sum, axis), &[&flat]).reshape(kept);
        }
        axis = end.max(axis) + 1;
    }
    summed.reshape(shape)
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for op in Binary::ALL {
        let second = if op == Binary::Div { positive_array } else { float_array };
        for n in SIZES {
            all.push(sample(format!("{op:?} {n}"), op, vec![float_array(&[n], 1), second(&[n], 2)]));
        }
        if op != Binary::Div {
            all.push(sample(format!("{op:?} ties"), op, vec![tied_array(&[257], 3), tied_array(&[257], 4)]));
        }
        let shapes: [(&[usize], &[usize]); 8] = [
            (&[], &[65]),
            (&[64], &[]),
            (&[7, 65], &[65]),
            (&[7, 65], &[7, 1]),
            (&[7, 1], &[1, 65]),
            (&[3, 1, 5, 1], &[4, 1, 6]),
            (&[5, 0], &[1, 1]),
            (&[2, 3, 4, 1, 5], &[2, 3, 4, 6, 1]),
        ];
        for (a, b) in shapes {
            all.push(sample(format!("{op:?} {a:?} {b:?}"), op, vec![float_array(a, 5), second(b, 6)]));
            all.push(tiled(format!("{op:?} {a:?} {b:?}"), op, vec![float_array(a, 5), second(b, 6)], 512));
        }
        all.push(tiled(format!("{op:?} 1031"), op, vec![float_array(&[1031], 7), second(&[1031], 8)], 1024));
        all.push(tiled(format!("{op:?} rows"), op, vec![float_array(&[13, 79], 9), second(&[79], 10)], 1024));
    }
    all
}
