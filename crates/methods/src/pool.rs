//! Work that is independent by matrix: a method maps over matrices and need not know whether threads, other workers or nobody helps.
//!
//! Pieces of work are plain data in and out, and a pool runs the same code that runs here, so a report is the same to the bit with and
//! without one, whatever the order in which pieces end.

use std::collections::VecDeque;

use espalier_nets::checkpoint::MatrixRef;
use espalier_tensor::Session;
use espalier_tensor::linalg::{Singular, singular_values_cpu};
use futures::future::{Either, select};
use ndarray::Array2;

use crate::magnitude::profile::{self, POINTS, Profiler};
use crate::method::{LocalFuture, MethodError};
use crate::report::Profile;
use crate::spectra::device::singular;
use crate::work::Desk;

/// Bytes of matrices that wait in a pool at most; a larger matrix waits alone.
const AHEAD: u64 = 256 << 20;
/// Multiply-adds below which all matrices together are not worth waking a pool: about a tenth of a second on one core.
const WORTH: f64 = 5e8;
/// What one value of a profile costs, in such multiply-adds: two passes of memory without arithmetic worth the name.
const PROFILED: f64 = 40.0;
/// Values of a profile between two looks at the event loop.
const CHUNK: usize = 1 << 21;

/// A piece of work on one matrix that needs nothing else.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// All singular values of `[out, in]`.
    Singular(Array2<f32>),
    /// Error by sparsity of `[out, in]`, which is finite.
    Profile(Array2<f32>),
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of [`Task::Singular`].
    Singular(Singular),
    /// Of [`Task::Profile`]; its name is empty.
    Profile(Profile),
}

impl Task {
    /// Does it on this thread's CPU; what pools call.
    ///
    /// # Errors
    /// NaN, infinities, no convergence.
    pub fn run(self) -> espalier_tensor::Result<Answer> {
        match self {
            Self::Singular(matrix) => singular_values_cpu(matrix.view()).map(Answer::Singular),
            Self::Profile(matrix) => Ok(Answer::Profile(profile::of("", &values(matrix)))),
        }
    }

    /// Kind, `[rows, columns]` and row-major values, for a pool that posts bytes.
    pub fn into_parts(self) -> (u32, [usize; 2], Vec<f32>) {
        let (kind, matrix) = match self {
            Self::Singular(matrix) => (0, matrix),
            Self::Profile(matrix) => (1, matrix),
        };
        let (rows, columns) = matrix.dim();
        (kind, [rows, columns], values(matrix))
    }

    /// The reverse; `None` for an unknown kind or another number of values.
    pub fn from_parts(kind: u32, shape: [usize; 2], values: Vec<f32>) -> Option<Self> {
        let matrix = Array2::from_shape_vec(shape, values).ok()?;
        match kind {
            0 => Some(Self::Singular(matrix)),
            1 => Some(Self::Profile(matrix)),
            _ => None,
        }
    }

    /// Does it on a session's device, or here, with looks at the event loop.
    async fn on(self, session: &Session, desk: &Desk<'_>) -> Result<Answer, MethodError> {
        match self {
            Self::Singular(matrix) => Ok(singular(session, matrix).await.map(Answer::Singular)?),
            Self::Profile(matrix) => {
                let all = values(matrix);
                let mut first = Profiler::default();
                for part in all.chunks(CHUNK) {
                    first.add(part);
                    desk.breathe().await?;
                }
                let mut second = first.second();
                for part in all.chunks(CHUNK) {
                    second.add(part);
                    desk.breathe().await?;
                }
                Ok(Answer::Profile(second.finish(String::new())))
            }
        }
    }

    fn bytes(&self) -> u64 {
        let (Self::Singular(matrix) | Self::Profile(matrix)) = self;
        4 * matrix.len() as u64
    }
}

/// Row-major values; those of a matrix that was read are taken as they lie.
fn values(matrix: Array2<f32>) -> Vec<f32> {
    if matrix.is_standard_layout() { matrix.into_raw_vec_and_offset().0 } else { matrix.iter().copied().collect() }
}

impl Answer {
    /// Kind, values, the floor under which they are noise, and the route in words.
    pub fn into_parts(self) -> (u32, Vec<f64>, f64, String) {
        match self {
            Self::Singular(Singular { values, floor, route }) => (0, values, floor, route),
            Self::Profile(p) => {
                let curves = p.error.iter().chain(p.magnitude.iter()).map(|v| f64::from(*v));
                (1, [p.elements, p.zeros, p.frobenius].into_iter().chain(curves).collect(), 0.0, String::new())
            }
        }
    }

    /// The reverse; `None` for an unknown kind or another number of values.
    pub fn from_parts(kind: u32, values: Vec<f64>, floor: f64, route: String) -> Option<Self> {
        match (kind, &values[..]) {
            (0, _) => Some(Self::Singular(Singular { values, floor, route })),
            (1, [elements, zeros, frobenius, curves @ ..]) if curves.len() == 2 * POINTS => {
                // They were single-precision numbers before they were posted.
                let curve = |part: &[f64]| part.iter().map(|v| *v as f32).collect::<Vec<_>>().into();
                let (error, magnitude) = (curve(&curves[..POINTS]), curve(&curves[POINTS..]));
                Some(Self::Profile(Profile { tensor: String::new(), elements: *elements, zeros: *zeros, frobenius: *frobenius, error, magnitude }))
            }
            _ => None,
        }
    }
}

/// Helpers beside this thread, on the CPU.
pub trait Pool {
    /// How many pieces run side by side.
    fn width(&self) -> usize;

    /// Starts a piece at once. `None` where it could not be done there (a helper ended, an error): it is then done here, and an error
    /// is told as it is without a pool. Dropped before its end, the piece is given up.
    fn start(&self, task: Task) -> LocalFuture<'static, Option<Answer>>;
}

/// What a matrix turned out to need.
pub enum Step<R> {
    /// The result is known already.
    Known(R),
    /// It is left out; its warning is said.
    LeftOut,
    /// This has to be done.
    Task(Task),
}

/// A step under way: `Task` with the pool's promise, and its bytes.
enum Ahead<R> {
    Known(R),
    LeftOut,
    Here(Task),
    There(LocalFuture<'static, Option<Answer>>, u64),
}

/// Maps over matrices, in their order: `prepare` reads one, `finish` makes the result of its answer, `each` sees results as they come, in
/// order. Says progress before each matrix. On the CPU a pool helps where the face has one and the work is worth it: `cost` is that of one matrix,
/// in multiply-adds ([`decomposed`], [`profiled`]).
///
/// # Errors
/// Those of `prepare` and of the device; [`MethodError::Cancelled`] at once, also while a pool works.
pub(crate) async fn map<R>(
    desk: &Desk<'_>,
    session: &Session,
    matrices: &[MatrixRef],
    cost: fn(&MatrixRef) -> f64,
    mut prepare: impl AsyncFnMut(&MatrixRef) -> Result<Step<R>, MethodError>,
    mut finish: impl FnMut(&MatrixRef, Answer) -> R,
    mut each: impl FnMut(&R),
) -> Result<Vec<(MatrixRef, R)>, MethodError> {
    let pool = desk.pool().filter(|p| p.width() > 0 && !session.is_gpu() && matrices.len() > 1 && matrices.iter().map(cost).sum::<f64>() > WORTH);
    let most = pool.as_ref().map_or(1, |p| p.width() + 1);
    let mut ahead: VecDeque<Ahead<R>> = VecDeque::new();
    let (mut next, mut waiting) = (0, 0);
    let mut out = Vec::with_capacity(matrices.len());
    for (done, m) in matrices.iter().enumerate() {
        desk.at(done, matrices.len(), &m.label()).await?;
        while next < matrices.len() && (ahead.is_empty() || (ahead.len() < most && waiting < AHEAD)) {
            ahead.push_back(match (prepare(&matrices[next]).await?, &pool) {
                (Step::Known(r), _) => Ahead::Known(r),
                (Step::LeftOut, _) => Ahead::LeftOut,
                (Step::Task(task), None) => Ahead::Here(task),
                (Step::Task(task), Some(pool)) => {
                    waiting += task.bytes();
                    let bytes = task.bytes();
                    Ahead::There(pool.start(task), bytes)
                }
            });
            next += 1;
            desk.breathe().await?;
        }
        let result = match ahead.pop_front() {
            None | Some(Ahead::LeftOut) => continue,
            Some(Ahead::Known(r)) => r,
            Some(Ahead::Here(task)) => finish(m, task.on(session, desk).await?),
            Some(Ahead::There(answer, bytes)) => {
                let answer = match select(answer, desk.cancelled()).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => return Err(MethodError::Cancelled),
                };
                waiting -= bytes;
                match answer {
                    Some(answer) => finish(m, answer),
                    None => match prepare(m).await? {
                        Step::Task(task) => finish(m, task.on(session, desk).await?),
                        Step::Known(r) => r,
                        Step::LeftOut => continue,
                    },
                }
            }
        };
        each(&result);
        out.push((m.clone(), result));
    }
    desk.at(matrices.len(), matrices.len(), "").await?;
    Ok(out)
}

/// Cost of a matrix's singular values: p²·q.
pub(crate) fn decomposed(m: &MatrixRef) -> f64 {
    let [rows, columns] = m.shape.map(|d| d as f64);
    rows.min(columns).powi(2) * rows.max(columns)
}

/// Cost of a matrix's profile.
pub(crate) fn profiled(m: &MatrixRef) -> f64 {
    PROFILED * m.elements() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_answers_come_back_from_their_parts() {
        let matrix = Array2::from_shape_fn((7, 5), |(i, j)| (i * 5 + j) as f32 * 0.37 - 4.0);
        for task in [Task::Singular(matrix.clone()), Task::Profile(matrix)] {
            let (kind, shape, values) = task.clone().into_parts();
            assert_eq!(Task::from_parts(kind, shape, values), Some(task.clone()));
            let answer = task.run().expect("finite");
            let (kind, values, floor, route) = answer.clone().into_parts();
            assert_eq!(Answer::from_parts(kind, values.clone(), floor, route.clone()), Some(answer));
            assert_eq!(Answer::from_parts(9, values, floor, route), None);
        }
        assert_eq!(Answer::from_parts(1, vec![1.0; 5], 0.0, String::new()), None, "a profile of another length");
        assert_eq!(Task::from_parts(2, [1, 1], vec![0.0]), None);
    }
}
