//! Numbers of a run that are read some steps later, many at a time.

use crate::error::Result;
use crate::session::{Session, Tensor};

/// Scalars that lie on the device until they are read.
#[derive(Default)]
pub struct Ledger {
    open: Vec<(u32, Tensor)>,
}

impl Ledger {
    /// Keeps a scalar of a step.
    pub fn note(&mut self, step: u32, scalar: Tensor) {
        self.open.push((step, scalar));
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// Reads what waits, in one read: `(step, value)` in order.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn settle(&mut self, session: &Session) -> Result<Vec<(u32, f32)>> {
        let open = std::mem::take(&mut self.open);
        let tensors: Vec<&Tensor> = open.iter().map(|(_, t)| t).collect();
        let values = session.read_many(&tensors).await?;
        Ok(open.iter().zip(values).map(|((step, _), value)| (*step, value.into_f32()[0])).collect())
    }
}
