//! Functions of one element.

use espalier_kernels::elementwise::unary::Params;

use super::UnaryGrad;
use crate::array::{Array, Spec};
use crate::op::{Op, Plan, Sample, Tolerance, Value};
use crate::ops::exponential::exponential;
use crate::ops::plan::{grid_of, input_part, launch, made_for, output_part, runs};
use crate::ops::sampling::{SIZES, float_array, positive_array, sample, tied_array, tiled};
use crate::ops::values::{ULP, flat, magnitude, ulps};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// A function of one element. The numbers are those of `kind` in the WGSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `−x`.
    Neg = 0,
    /// `|x|`; its slope at 0 is taken as 0.
    Abs = 1,
    /// −1, 0 or 1; its slope is taken as 0.
    Sign = 2,
    /// `eˣ`.
    Exp = 3,
    /// `ln x` of positive x.
    Log = 4,
    /// `√x` of x ≥ 0.
    Sqrt = 5,
    /// `1/√x` of positive x.
    Rsqrt = 6,
    /// `x²`.
    Square = 7,
    /// `1/x` of x ≠ 0.
    Reciprocal = 8,
    /// `max(x, 0)`; its slope at 0 is taken as 0.
    Relu = 9,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid = 10,
    /// Hyperbolic tangent.
    Tanh = 11,
    /// `x · sigmoid(x)`, also called swish (Hendrycks and Gimpel 2016; Elfwing et al. 2017).
    Silu = 12,
    /// `x · Φ(x)` with the normal distribution function itself, not its tanh stand-in (Hendrycks and Gimpel 2016).
    Gelu = 13,
    /// `sin x`, for |x| ≤ 8192.
    Sin = 14,
}

impl Unary {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Neg,
        Self::Abs,
        Self::Sign,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Rsqrt,
        Self::Square,
        Self::Reciprocal,
        Self::Relu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Silu,
        Self::Gelu,
        Self::Sin,
    ];

    /// The function at one place.
    pub fn at(self, x: f32) -> f32 {
        match self {
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Sign if x == 0.0 => 0.0,
            Self::Sign => x.signum(),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Rsqrt => 1.0 / x.sqrt(),
            Self::Square => x * x,
            Self::Reciprocal => 1.0 / x,
            Self::Relu if x > 0.0 => x,
            Self::Relu => 0.0,
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Silu => x * sigmoid(x),
            Self::Gelu => x * normal_share(x),
            Self::Sin => x.sin(),
        }
    }

    /// Its slope at one place.
    pub fn slope(self, x: f32) -> f32 {
        match self {
            Self::Neg => -1.0,
            Self::Abs => Self::Sign.at(x),
            Self::Sign => 0.0,
            Self::Exp => x.exp(),
            Self::Log => 1.0 / x,
            Self::Sqrt => 0.5 / x.sqrt(),
            Self::Rsqrt => -0.5 / (x.sqrt() * x),
            Self::Square => 2.0 * x,
            Self::Reciprocal => -1.0 / (x * x),
            Self::Relu if x > 0.0 => 1.0,
            Self::Relu => 0.0,
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::Tanh => 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x),
            Self::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
            Self::Sin => x.cos(),
            Self::Gelu => normal_share(x) + x * (-0.5 * x * x).exp() / (2.0 * std::f32::consts::PI).sqrt(),
        }
    }

    /// Whether only positive x have a value.
    pub(super) fn wants_positive(self) -> bool {
        matches!(self, Self::Log | Self::Sqrt | Self::Rsqrt | Self::Reciprocal)
    }
}

/// `1 / (1 + e⁻ˣ)`, without an overflow on either side.
fn sigmoid(x: f32) -> f32 {
    let e = exponential(-x.abs());
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// Φ(x), by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7 in erf), as the WGSL has it.
fn normal_share(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = [1.061_405_4, -1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6_f32].into_iter().fold(0.0, |sum, a| (sum + a) * t);
    let tail = series * exponential(-z * z);
    if x >= 0.0 { 1.0 - 0.5 * tail } else { 0.5 * tail }
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        "elementwise/unary"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let x = flat(inputs[0]);
        // What networks are full of is asked for outside the loop, where compilers can make vector code of it.
        let y = match self {
            Self::Relu => x.iter().map(|&x| Self::Relu.at(x)).collect(),
            Self::Silu => x.iter().map(|&x| Self::Silu.at(x)).collect(),
            _ => x.iter().map(|&x| self.at(x)).collect(),
        };
        Array::from_f32(&inputs[0].spec().shape, y)
    }

    fn gpu(&self, _inputs: &[Spec], output: &Spec) -> Plan {
        let n = output.len();
        let launches = runs(n).map(|run| {
            let (x, y) = (input_part(0, run, n), output_part(run, n));
            made_for(&[("kind", *self as u32)], launch(Params::new(run.len as u32, x.base, y.base), vec![x.slot, y.slot], grid_of(run.len)))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// From WGSL §"Accuracy of floating point expressions", plus half a unit for the twin: `exp` 3 + 2|x| units, `log` 3 units or 2⁻²¹,
    /// division 2.5, `inverseSqrt` 2, `sqrt` both of these. `sigmoid` has e⁻|x| ≤ 1 with (3 + 2|x|)·e⁻|x| ≤ 3.3 units of 1,
    /// a sum and a division: 8 units of 1; `tanh` doubles that. In `gelu` the five steps of the polynomial, whose coefficients' magnitudes
    /// sum to 4.5, and the slope 17 of the polynomial in t (3 units) give 32 units of 1 for Φ. `silu` and `gelu` multiply by |x|. `sin`: the
    /// reduced argument is off by at most a unit of 1, the polynomial by as much, the twin's by a half.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let x = magnitude(inputs[0]);
        match self {
            Self::Neg | Self::Abs | Self::Sign | Self::Relu => Tolerance::EXACT,
            Self::Square => ulps(0.0),
            Self::Exp => ulps(3.5 + 2.0 * x),
            Self::Log => Tolerance { absolute: 4.0 * ULP, relative: 3.5 * ULP },
            Self::Sqrt => ulps(5.0),
            Self::Rsqrt | Self::Reciprocal => ulps(4.0),
            Self::Sigmoid => Tolerance::absolute(8.0 * ULP),
            Self::Tanh => Tolerance::absolute(16.0 * ULP),
            Self::Silu => Tolerance::absolute(9.0 * x * ULP),
            Self::Gelu => Tolerance::absolute(33.0 * x * ULP),
            Self::Sin => Tolerance::absolute(4.0 * ULP),
        }
    }

    fn looks_at(&self, value: Value, _wanted: &[bool]) -> bool {
        value == Value::Input(0) && !matches!(self, Self::Neg)
    }

    fn vjp(&self, vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        if *self == Self::Neg {
            return Ok(vec![Some(vjp.session.run(self, &[vjp.grad]))]);
        }
        Ok(vec![Some(vjp.session.run(&UnaryGrad(*self), &[&vjp.inputs[0], vjp.grad]))])
    }
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for op in Unary::ALL {
        let make = if op.wants_positive() { positive_array } else { float_array };
        all.extend(SIZES.iter().map(|&n| sample(format!("{op:?} {n}"), op, vec![make(&[n], 1)])));
        all.push(sample(format!("{op:?} scalar"), op, vec![make(&[], 2)]));
        all.push(tiled(format!("{op:?} 13×79"), op, vec![make(&[13, 79], 3)], 1024));
        if !op.wants_positive() {
            all.push(sample(format!("{op:?} ties"), op, vec![tied_array(&[257], 4)]));
        }
    }
    let turns = vec![0.785_398_2, 1.570_796_4, 3.141_592_7, -6.283_185_5, 30.0, -47.123_89, 100.5, -1000.25, 8191.5];
    all.push(sample("Sin far out", Unary::Sin, vec![Array::from_f32(&[turns.len()], turns)]));
    for op in [Unary::Sigmoid, Unary::Tanh, Unary::Silu, Unary::Gelu] {
        let far = vec![-1000.0, -500.0, -100.0, -88.0, -20.0, -5.0, 5.0, 20.0, 88.0, 100.0, 500.0];
        all.push(sample(format!("{op:?} far out"), op, vec![Array::from_f32(&[far.len()], far)]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_agrees_with_tabled_values() {
        // x · Φ(x) with Φ(1) = 0.841344746068543, Φ(2) = 0.977249868051821, Φ(0.5) = 0.691462461274013; 1.5e-7 is half of A&S's bound times |x| ≤ 2.
        for (x, phi) in [(0.5_f64, 0.691_462_461_274_013), (1.0, 0.841_344_746_068_543), (2.0, 0.977_249_868_051_821)] {
            for (x, phi) in [(x, phi), (-x, 1.0 - phi)] {
                let error = f64::from(Unary::Gelu.at(x as f32)) - x * phi;
                assert!(error.abs() <= x.abs() * (0.75e-7 + 32.0 * f64::from(ULP)), "{x}: {error:e}");
            }
        }
    }

    #[test]
    fn the_ends_do_not_overflow() {
        assert_eq!(Unary::Sigmoid.at(-200.0), 0.0);
        assert_eq!(Unary::Sigmoid.at(200.0), 1.0);
        assert_eq!(Unary::Silu.at(-200.0), -0.0);
        assert_eq!(Unary::Gelu.at(50.0), 50.0);
    }
}
