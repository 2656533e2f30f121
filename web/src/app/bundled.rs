//! The checkpoints that come with the page.

use espalier_nets::checkpoint::Role;

use crate::app::tree::{Piece, Tier};

/// One bundled checkpoint, as its card shows it. The numbers are its configuration's.
pub struct Bundled {
    /// Folder under `assets/checkpoints`.
    pub name: &'static str,
    /// Architecture.
    pub architecture: &'static str,
    /// Parameters · bytes · dtype.
    pub size: &'static str,
    hidden: f64,
    inner: f64,
    blocks: u32,
    /// Routed experts and their width; 0 for none.
    experts: [f64; 2],
}

/// All of them.
pub const BUNDLED: [Bundled; 2] = [
    Bundled { name: "shakespeare-llama", architecture: "Llama, 5 blocks", size: "1.709 M · 3.43 MB · F16", hidden: 160.0, inner: 432.0, blocks: 5, experts: [0.0, 0.0] },
    Bundled { name: "shakespeare-moe", architecture: "Qwen2-MoE, 5 × 16 experts", size: "2.680 M · 5.40 MB · F16", hidden: 128.0, inner: 128.0, blocks: 5, experts: [16.0, 64.0] },
];

/// Its files, relative to the page.
pub fn urls(name: &str) -> Vec<String> {
    ["model.safetensors", "config.json"].map(|file| format!("assets/checkpoints/{name}/{file}")).into()
}

impl Bundled {
    /// Its portrait.
    pub fn tiers(&self) -> Vec<Tier> {
        let piece = |role, weights| Piece { role, expert: false, weights, kept: 1.0, experts: 0 };
        let (d, i) = (self.hidden, self.inner);
        let tier = |block| {
            let mut right: Vec<Piece> = [Role::Gate, Role::Up, Role::Down].map(|r| piece(r, d * i)).into();
            if self.experts[0] > 0.0 {
                let [count, width] = self.experts;
                right.push(Piece { role: Role::Up, expert: true, weights: 3.0 * d * count * width, kept: 1.0, experts: count as u32 });
            }
            Tier { block, left: [Role::Q, Role::K, Role::V, Role::O].map(|r| piece(r, d * d)).into(), right }
        };
        (0..self.blocks).map(tier).collect()
    }
}
