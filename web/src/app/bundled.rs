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
    Bundled { name: "shakespeare-llama", architecture: "Llama, 5 blocks", size: "1.714 M · 3.43 MB · F16", hidden: 160.0, inner: 432.0, blocks: 5, experts: [0.0, 0.0] },
    Bundled { name: "shakespeare-moe", architecture: "Qwen2-MoE, 5 × 16 experts", size: "2.685 M · 5.40 MB · F16", hidden: 128.0, inner: 128.0, blocks: 5, experts: [16.0, 64.0] },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::number::{bytes, params};

    #[test]
    fn a_card_says_what_its_file_holds() {
        for b in BUNDLED {
            let path = format!("{}/../assets/checkpoints/{}/model.safetensors", env!("CARGO_MANIFEST_DIR"), b.name);
            let file = std::fs::read(&path).expect("it comes with the page");
            let head = 8 + u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
            let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&file[8..head]).expect("a header");
            let shape = |t: &serde_json::Value| t["shape"].as_array().map_or(0.0, |s| s.iter().filter_map(serde_json::Value::as_f64).product());
            let all: f64 = header.iter().filter(|(name, _)| *name != "__metadata__").map(|(_, t)| shape(t)).sum();
            assert_eq!(b.size.replace('\u{a0}', " "), format!("{} · {} · F16", params(all), bytes(file.len() as f64)).replace('\u{a0}', " "), "{path}");
        }
    }
}
