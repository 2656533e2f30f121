//! What becomes of each block.

use espalier_nets::models::{Block, Mixture};
use serde::{Deserialize, Serialize};

use crate::bytes::{F64s, U32s};

/// What becomes of one block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Routing goes on among these experts only.
    Among {
        /// Experts that stay.
        experts: U32s,
    },
    /// These experts for every token, each times its constant weight, beside the shared ones; no router (Condense-MoE). Without experts: the shared ones
    /// alone.
    Condensed {
        /// Experts, in the order in which they were chosen.
        experts: U32s,
        /// Their weights.
        weights: F64s,
    },
    /// The mixture with its shared experts goes, the attention stays (LayerDrop).
    Layer,
    /// The whole block goes (BlockDrop).
    Block,
}

impl Change {
    /// How the block's experts are used. A dropped block is not run at all.
    pub fn mixture(&self) -> Mixture {
        match self {
            Self::Among { experts } => Mixture::Among(experts.to_vec()),
            #[expect(clippy::cast_possible_truncation, reason = "single precision is what blocks compute in")]
            Self::Condensed { experts, weights } => Mixture::Condensed(experts.iter().zip(weights.iter()).map(|(e, w)| (*e, *w as f32)).collect()),
            Self::Layer | Self::Block => Mixture::Nothing,
        }
    }
}

/// One block's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockChange {
    /// Decoder block.
    pub block: u32,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a model: blocks that are not named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Changes, one a block.
    pub changes: Vec<BlockChange>,
}

impl Plan {
    /// The change of a block.
    pub fn of(&self, block: usize) -> Option<&Change> {
        self.changes.iter().find(|c| c.block as usize == block).map(|c| &c.change)
    }

    /// The same with one more block changed, or changed otherwise.
    #[must_use]
    pub fn with(mut self, block: usize, change: Change) -> Self {
        self.changes.retain(|c| c.block as usize != block);
        self.changes.push(BlockChange { block: block as u32, change });
        self
    }

    /// The first block that is changed.
    pub fn first(&self) -> Option<usize> {
        self.changes.iter().map(|c| c.block as usize).min()
    }

    /// Blocks that go whole, ascending.
    pub fn dropped(&self) -> Vec<usize> {
        let mut out: Vec<usize> = self.changes.iter().filter(|c| c.change == Change::Block).map(|c| c.block as usize).collect();
        out.sort_unstable();
        out
    }

    /// The number of a block in a copy: those that go before it make it smaller.
    pub fn number(&self, block: usize) -> usize {
        block - self.dropped().iter().filter(|d| **d < block).count()
    }

    /// A block as the plan has it; `None` where it goes.
    pub fn apply(&self, block: &Block) -> Option<Block> {
        let mut block = block.clone();
        match self.of(block.index) {
            Some(Change::Block) => return None,
            Some(change) if block.is_mixture() => block.mix(change.mixture()),
            _ => {}
        }
        Some(block)
    }
}

/// A plan with what it costs: one mark of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Which way of choosing: `condense`, `layer drop`, `random`.
    pub arm: String,
    /// How far: layers condensed or dropped.
    pub step: u32,
    /// Which draw of a random arm; 0 elsewhere.
    pub draw: u32,
    /// The plan.
    pub plan: Plan,
    /// Parameters that are left.
    pub parameters: f64,
    /// Bytes that are left, in the checkpoint's own element types.
    pub bytes: f64,
    /// Floating-point operations a token: two for each weight that a token meets (attention scores not counted).
    pub flops: f64,
    /// Perplexity on the evaluation text; NaN where none was measured.
    pub perplexity: f64,
    /// What to write beside a copy under this plan; only of what a run is for.
    pub beside: Option<crate::condense::Beside>,
}
