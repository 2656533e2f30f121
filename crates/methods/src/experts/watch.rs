//! Sees what routers decide and what experts give.

use espalier_nets::models::{Hook, Routing};
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::{Session, Tensor};

use crate::method::MethodError;

/// Collects one mixture's routing of one batch. Norms are folded on the device and read back once a batch.
pub struct Watch {
    session: Session,
    routing: Option<Routing>,
    /// Expert, its rows, squared norms of its outputs.
    outputs: Vec<(u32, Vec<u32>, Tensor)>,
}

/// One batch's routing with norms.
pub struct Seen {
    /// What the router decided.
    pub routing: Routing,
    /// Gate weight × norm of the output, in the order of the choices.
    pub norms: Vec<f32>,
}

impl Watch {
    /// On a device.
    pub fn new(session: &Session) -> Self {
        Self { session: session.clone(), routing: None, outputs: Vec::new() }
    }

    /// What was seen since the last time; `None` for a block without a mixture.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn take(&mut self) -> Result<Option<Seen>, MethodError> {
        let Some(routing) = self.routing.take() else { return Ok(None) };
        let outputs = std::mem::take(&mut self.outputs);
        let k = routing.per_token.max(1);
        let mut norms = vec![0.0f32; routing.experts.len()];
        let squares: Vec<&Tensor> = outputs.iter().map(|(.., t)| t).collect();
        for ((expert, rows, _), squares) in outputs.iter().zip(self.session.read_many(&squares).await?) {
            for (row, square) in rows.iter().zip(squares.into_f32()) {
                let places = *row as usize * k..(*row as usize + 1) * k;
                if let Some(i) = places.into_iter().find(|i| routing.experts[*i] == *expert) {
                    norms[i] = routing.weights[i] * square.sqrt();
                }
            }
        }
        Ok(Some(Seen { routing, norms }))
    }
}

impl Hook for Watch {
    fn input(&mut self, _linear: usize, _x: &Tensor, _rows: Option<&[u32]>) {}

    fn routing(&mut self, routing: &Routing) {
        self.routing = Some(routing.clone());
    }

    fn expert(&mut self, expert: u32, output: &Tensor, rows: &[u32]) {
        let squares = self.session.run(&Fold::along(FoldKind::SumSquares, 1), &[output]);
        self.outputs.push((expert, rows.to_vec(), squares));
    }
}
