//! Every operation's samples on two devices, compared: the page's self-test, and the test of law 1.

use crate::array::Array;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::op::{Sample, Tolerance};
use crate::ops::ALL;
use crate::session::Session;

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `family/op`.
    pub op: &'static str,
    /// Samples tried.
    pub samples: u32,
    /// Largest difference as a share of the scale, of the sample that comes closest to its tolerance; 0 where all are equal.
    pub difference: f64,
    /// The tolerance of that sample on the same axis; 0 where values must be equal.
    pub tolerance: f64,
    /// Every sample agrees.
    pub agrees: bool,
    /// First failing sample: label, index, both values; or the device's error. Empty where all agree.
    pub failure: String,
    /// Milliseconds on the first and on the second device, transfers included; NaN without a clock.
    pub millis: [f64; 2],
}

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Operations tried.
    pub ops: u32,
    /// Operations that failed.
    pub failed: u32,
    /// Largest difference as a share of the scale.
    pub largest: f64,
}

/// Runs the samples of every operation on both sessions.
///
/// # Errors
/// [`Error::Cancelled`] and [`Error::Lost`]; other errors of a device become the failure of their row.
pub async fn self_test(cpu: &Session, gpu: &Session, clock: Clock, mut on_row: impl FnMut(Row)) -> Result<Summary> {
    let mut summary = Summary::default();
    for (op, samples) in ALL {
        let row = test_op(op, &samples(), cpu, gpu, clock).await?;
        summary.ops += 1;
        summary.failed += u32::from(!row.agrees);
        summary.largest = summary.largest.max(row.difference);
        on_row(row);
    }
    Ok(summary)
}

/// Runs the samples of one operation on both sessions.
///
/// # Errors
/// As [`self_test`].
pub async fn test_op(op: &'static str, samples: &[Sample], cpu: &Session, gpu: &Session, clock: Clock) -> Result<Row> {
    let mut row = Row { op, samples: 0, difference: 0.0, tolerance: 0.0, agrees: true, failure: String::new(), millis: [0.0; 2] };
    let mut closest = -1.0;
    for sample in samples {
        row.samples += 1;
        let (expected, first) = timed(sample, cpu, clock).await?;
        row.millis[0] += first;
        let agreement = match timed(sample, gpu, clock).await {
            Ok((found, second)) => {
                row.millis[1] += second;
                let inputs: Vec<&Array> = sample.inputs.iter().collect();
                compare(&expected, &found, sample.op.tolerance(&inputs))
            }
            Err(error @ (Error::Cancelled | Error::Lost { .. })) => return Err(error),
            Err(error) => Agreement { difference: f64::INFINITY, tolerance: 0.0, failure: Some(error.to_string()) },
        };
        if let Some(failure) = &agreement.failure
            && row.agrees
        {
            row.agrees = false;
            row.failure = format!("{}: {failure}", sample.label);
        }
        let ratio = agreement.ratio();
        if ratio > closest {
            closest = ratio;
            row.difference = agreement.difference;
            row.tolerance = agreement.tolerance;
        }
    }
    Ok(row)
}

async fn timed(sample: &Sample, session: &Session, clock: Clock) -> Result<(Array, f64)> {
    let start = clock();
    let tensors: Vec<_> = sample.inputs.iter().map(|a| session.upload(a.clone())).collect();
    let output = session.run(sample.op.as_ref(), &tensors.iter().collect::<Vec<_>>());
    let array = session.read(&output).await?;
    Ok((array, clock() - start))
}

/// How well two results agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Largest difference, as a share of the largest finite magnitude expected (as it is, where that is 0).
    pub difference: f64,
    /// What is allowed, on the same axis.
    pub tolerance: f64,
    /// The first place outside of it: index and both values.
    pub failure: Option<String>,
}

impl Agreement {
    /// How much of the tolerance is used up.
    fn ratio(&self) -> f64 {
        if self.difference == 0.0 { 0.0 } else { self.difference / self.tolerance }
    }
}

/// Compares as [`Tolerance`] says.
pub fn compare(expected: &Array, found: &Array, tolerance: Tolerance) -> Agreement {
    if expected.spec() != found.spec() {
        let failure = format!("{:?} was expected, {:?} came", expected.spec(), found.spec());
        return Agreement { difference: f64::INFINITY, tolerance: 0.0, failure: Some(failure) };
    }
    match (expected, found) {
        (Array::F32(a), Array::F32(b)) => floats(a.iter().zip(b.iter()), tolerance),
        (Array::U32(a), Array::U32(b)) => {
            let wrong = a.iter().zip(b.iter()).enumerate().find(|(_, (x, y))| x != y);
            let difference = a.iter().zip(b.iter()).map(|(x, y)| x.abs_diff(*y)).max().unwrap_or(0);
            Agreement {
                difference: f64::from(difference),
                tolerance: 0.0,
                failure: wrong.map(|(i, (x, y))| format!("element {i}: {x} on the CPU, {y} on the GPU")),
            }
        }
        _ => unreachable!("specs are equal"),
    }
}

fn floats<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)> + Clone, tolerance: Tolerance) -> Agreement {
    let scale = pairs.clone().map(|(x, _)| x.abs()).filter(|x| x.is_finite()).fold(0.0, f32::max);
    let allowed = f64::from(tolerance.absolute) + f64::from(tolerance.relative) * f64::from(scale);
    let mut largest: f64 = 0.0;
    let mut failure = None;
    for (i, (x, y)) in pairs.enumerate() {
        // Equality covers infinities of one sign and zeros of both.
        let difference = if x == y || (x.is_nan() && y.is_nan()) {
            0.0
        } else if x.is_finite() && y.is_finite() {
            (f64::from(*x) - f64::from(*y)).abs()
        } else {
            f64::INFINITY
        };
        if difference > allowed && failure.is_none() {
            failure = Some(format!("element {i}: {x:e} on the CPU, {y:e} on the GPU, {allowed:e} apart allowed"));
        }
        largest = largest.max(difference);
    }
    let unit = if scale > 0.0 { f64::from(scale) } else { 1.0 };
    Agreement { difference: largest / unit, tolerance: allowed / unit, failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(a: &[f32], b: &[f32], tolerance: Tolerance) -> bool {
        let array = |v: &[f32]| Array::from_f32(&[v.len()], v.to_vec());
        compare(&array(a), &array(b), tolerance).failure.is_none()
    }

    #[test]
    fn values_agree_within_their_tolerance_only() {
        let relative = Tolerance { absolute: 0.0, relative: 1e-3 };
        assert!(agree(&[1.0, 100.0], &[1.09, 100.0], relative), "the scale is the largest magnitude");
        assert!(!agree(&[1.0, 100.0], &[1.11, 100.0], relative));
        assert!(agree(&[f32::NAN, f32::INFINITY, 0.0], &[f32::NAN, f32::INFINITY, -0.0], Tolerance::EXACT));
        assert!(!agree(&[f32::INFINITY, 1.0], &[f32::NEG_INFINITY, 1.0], Tolerance { absolute: 1e30, relative: 1.0 }));
        assert!(!agree(&[1.0], &[f32::NAN], Tolerance { absolute: 1e30, relative: 1.0 }));
        assert!(!agree(&[f32::NAN], &[1.0], Tolerance { absolute: 1e30, relative: 1.0 }));
        assert!(!agree(&[1.0], &[1.0, 1.0], relative), "another shape");
        assert!(agree(&[], &[], Tolerance::EXACT));
        assert!(!agree(&[0.0], &[1e-6], relative), "no scale, no slack");
    }

    #[test]
    fn integers_agree_when_equal() {
        let array = |v: &[u32]| Array::from_u32(&[v.len()], v.to_vec());
        let outcome = compare(&array(&[1, 2, 3]), &array(&[1, 5, 3]), Tolerance { absolute: 100.0, relative: 1.0 });
        assert_eq!(outcome.difference, 3.0);
        assert!(outcome.failure.expect("not equal").contains("element 1"));
    }
}
