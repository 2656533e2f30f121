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

use crate::method::{LocalFuture, MethodError};
use crate::spectra::device::singular;
use crate::work::Desk;

/// Bytes of matrices that wait in a pool at most; a larger matrix waits alone.
const AHEAD: u64 = 256 << 20;
/// Multiply-adds below which all matrices together are not worth waking a pool: about a tenth of a second on one core.
const WORTH: f64 = 5e8;

/// A piece of work on one matrix that needs nothing else.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// All singular values of `[out, in]`.
    Singular(Array2<f32>),
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of [`Task::Singular`].
    Singular(Singular),
}

impl Task {
    /// Does it on this thread's CPU; what pools call.
    ///
    /// # Errors
    /// NaN, infinities, no convergence.
    pub fn run(self) -> espalier_tensor::Result<Answer> {
        match self {
            Self::Singular(matrix) => singular_values_cpu(matrix.view()).map(Answer::Singular),
        }
    }

    /// Kind, `[rows, columns]` and row-major values, for a pool that posts bytes.
    pub fn into_parts(self) -> (u32, [usize; 2], Vec<f32>) {
        match self {
            Self::Singular(matrix) => {
                let (rows, columns) = matrix.dim();
                (0, [rows, columns], matrix.iter().copied().collect())
            }
        }
    }

    /// The reverse; `None` for an unknown kind or another number of values.
    pub fn from_parts(kind: u32, shape: [usize; 2], values: Vec<f32>) -> Option<Self> {
        let matrix = Array2::from_shape_vec(shape, values).ok()?;
        (kind == 0).then_some(Self::Singular(matrix))
    }

    /// Does it on a session's device.
    async fn on(self, session: &Session) -> espalier_tensor::Result<Answer> {
        match self {
            Self::Singular(matrix) => singular(session, matrix).await.map(Answer::Singular),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Singular(matrix) => 4 * matrix.len() as u64,
        }
    }
}

impl Answer {
    /// Values, the floor under which they are noise, and the route in words.
    pub fn into_parts(self) -> (Vec<f64>, f64, String) {
        let Self::Singular(Singular { values, floor, route }) = self;
        (values, floor, route)
    }

    /// The reverse.
    pub fn from_parts(values: Vec<f64>, floor: f64, route: String) -> Self {
        Self::Singular(Singular { values, floor, route })
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
/// order. Says progress before each matrix. On the CPU a pool helps where the face has one and the work is worth it.
///
/// # Errors
/// Those of `prepare` and of the device; [`MethodError::Cancelled`] at once, also while a pool works.
pub(crate) async fn map<R>(
    desk: &Desk<'_>,
    session: &Session,
    matrices: &[MatrixRef],
    mut prepare: impl AsyncFnMut(&MatrixRef) -> Result<Step<R>, MethodError>,
    mut finish: impl FnMut(&MatrixRef, Answer) -> R,
    mut each: impl FnMut(&R),
) -> Result<Vec<(MatrixRef, R)>, MethodError> {
    let pool = desk.pool().filter(|p| p.width() > 0 && !session.is_gpu() && worth(matrices));
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
            Some(Ahead::Here(task)) => finish(m, task.on(session).await?),
            Some(Ahead::There(answer, bytes)) => {
                let answer = match select(answer, desk.cancelled()).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => return Err(MethodError::Cancelled),
                };
                waiting -= bytes;
                match answer {
                    Some(answer) => finish(m, answer),
                    None => match prepare(m).await? {
                        Step::Task(task) => finish(m, task.on(session).await?),
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

/// Whether all matrices together keep one core busy for long enough: p²·q multiply-adds each.
fn worth(matrices: &[MatrixRef]) -> bool {
    let cost = |m: &MatrixRef| {
        let [rows, columns] = m.shape.map(|d| d as f64);
        rows.min(columns).powi(2) * rows.max(columns)
    };
    matrices.len() > 1 && matrices.iter().map(cost).sum::<f64>() > WORTH
}
