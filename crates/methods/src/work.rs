//! What every method over matrices does alike: choose them, read them, say which were left out.

use std::cell::RefCell;
use std::rc::Rc;

use espalier_nets::checkpoint::MatrixRef;
use ndarray::Array2;

use crate::method::{Inputs, LocalFuture, MethodError, Sink};
use crate::pool::Pool;
use crate::report::{Event, Figure, Finding};

/// The sink of one run among many: its warnings count, its own steps and findings are not the whole's.
pub struct Quiet<'a>(
    /// The sink of the whole.
    pub &'a dyn Sink,
);

impl Sink for Quiet<'_> {
    fn event(&self, event: Event) {
        if let Event::Warning(_) = event {
            self.0.event(event);
        }
    }
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        self.0.breathe()
    }
    fn cancelled(&self) -> LocalFuture<'_, ()> {
        self.0.cancelled()
    }
    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.0.pool()
    }
}

/// The sink of one run, which also keeps the warnings for the report.
pub struct Desk<'a> {
    sink: &'a dyn Sink,
    warnings: RefCell<Vec<String>>,
}

impl<'a> Desk<'a> {
    /// Over a sink.
    pub fn new(sink: &'a dyn Sink) -> Self {
        Self { sink, warnings: RefCell::default() }
    }

    /// Says how far the work is, in matrices, and lets the event loop breathe.
    ///
    /// # Errors
    /// [`MethodError::Cancelled`].
    pub async fn at(&self, done: usize, total: usize, label: &str) -> Result<(), MethodError> {
        self.step(done, total, "matrices", label).await
    }

    /// The same in another unit.
    ///
    /// # Errors
    /// [`MethodError::Cancelled`].
    pub async fn step(&self, done: usize, total: usize, unit: &str, label: &str) -> Result<(), MethodError> {
        self.sink.event(Event::Progress { done: done as f64, total: total as f64, unit: unit.into(), label: label.into() });
        self.breathe().await
    }

    /// Lets the event loop breathe.
    ///
    /// # Errors
    /// [`MethodError::Cancelled`].
    pub async fn breathe(&self) -> Result<(), MethodError> {
        self.sink.breathe().await
    }

    /// Ends when the user asks to stop.
    pub fn cancelled(&self) -> LocalFuture<'_, ()> {
        self.sink.cancelled()
    }

    /// Who helps with work that is independent by matrix; see [`crate::pool::map`].
    pub fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.sink.pool()
    }

    /// Gives a result away.
    pub fn finding(&self, finding: Finding) {
        self.sink.event(Event::Finding(finding));
    }

    /// Gives a figure away.
    pub fn figure(&self, figure: &Figure) {
        self.sink.event(Event::Figure(figure.clone()));
    }

    /// Says something worth reading.
    pub fn note(&self, text: impl Into<String>) {
        self.sink.event(Event::Note(text.into()));
    }

    /// Warns, now and in the report.
    pub fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        self.sink.event(Event::Warning(text.clone()));
        self.warnings.borrow_mut().push(text);
    }

    /// The warnings so far, for the report.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }
}

/// The matrices that pruning and rank selection act on: where the whole checkpoint was given, its prunable ones (attention and feed-forward
/// projections, convolutions), said in a note; where some were chosen, those as they are.
///
/// # Errors
/// [`MethodError::Inputs`] where nothing is left.
pub fn targets(inputs: &Inputs<'_>, desk: &Desk<'_>) -> Result<Vec<MatrixRef>, MethodError> {
    let whole = inputs.matrices.len() == inputs.checkpoint.matrices().len();
    let prunable: Vec<_> = inputs.matrices.iter().filter(|m| m.prunable).cloned().collect();
    let chosen = if whole && !prunable.is_empty() { prunable } else { inputs.matrices.clone() };
    if chosen.is_empty() {
        return Err(MethodError::Inputs("no matrix was given; choose at least one tensor with two or more dimensions".into()));
    }
    if chosen.len() < inputs.matrices.len() {
        let left = inputs.matrices.len() - chosen.len();
        desk.note(format!("{left} of {} matrices are embeddings, heads, routers or the like and stay as they are", inputs.matrices.len()));
    }
    Ok(chosen)
}

/// Warns of names set by hand that are not among the matrices.
pub fn unknown_names<'n>(names: impl Iterator<Item = &'n String>, matrices: &[MatrixRef], desk: &Desk<'_>) {
    let known: std::collections::HashSet<String> = matrices.iter().map(MatrixRef::label).collect();
    for name in names.filter(|n| !known.contains(*n)) {
        desk.warn(format!("{name} was set by hand but is not among the matrices; it is ignored"));
    }
}

/// Reads a matrix; `None`, with a warning, where it holds NaN or infinities.
///
/// # Errors
/// Those of the checkpoint.
pub async fn read_finite(inputs: &Inputs<'_>, matrix: &MatrixRef, desk: &Desk<'_>) -> Result<Option<Array2<f32>>, MethodError> {
    let values = inputs.checkpoint.read_matrix(matrix).await?;
    let bad = values.iter().filter(|w| !w.is_finite()).count();
    if bad > 0 {
        desk.warn(format!("{} holds {bad} NaN or infinite values and was left out", matrix.label()));
        return Ok(None);
    }
    Ok(Some(values))
}

/// `[out, in]` as the reports have it.
pub fn shape(matrix: &MatrixRef) -> [u32; 2] {
    matrix.shape.map(|d| u32::try_from(d).unwrap_or(u32::MAX))
}
