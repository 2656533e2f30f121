//! The prunable matrices of a checkpoint as rows and columns: blocks by roles, or one row a layer where blocks do not repeat.

use std::collections::BTreeMap;

use espalier_lab::protocol::Summary;
use espalier_methods::report::Spectrum;
use espalier_nets::checkpoint::Role;

use crate::app::roles;
use crate::app::state::{Key, key};

/// One prunable matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Key in the maps of results.
    pub key: Key,
    /// Tensor's name.
    pub name: String,
    /// Index of the tensor; `None` in the finished example, where no checkpoint is open.
    pub tensor: Option<u32>,
    /// Slice, where a tensor holds several matrices.
    pub slice: Option<u32>,
    /// Role.
    pub role: Role,
    /// Block.
    pub block: Option<u32>,
    /// Routed expert.
    pub expert: Option<u32>,
    /// Belongs to a shared expert.
    pub shared: bool,
    /// `[out, in]`.
    pub shape: [u64; 2],
    /// Shape as it is stored (a convolution's four dimensions), for ERK.
    pub stored: Vec<u64>,
    /// Bytes an element in the file.
    pub width: f64,
}

impl Entry {
    /// Elements.
    pub fn elements(&self) -> f64 {
        self.shape[0] as f64 * self.shape[1] as f64
    }

    /// min(out, in).
    pub fn full(&self) -> f64 {
        self.shape[0].min(self.shape[1]) as f64
    }

    /// Colour token.
    pub fn token(&self) -> &'static str {
        roles::token(self.role, self.expert.is_some())
    }

    /// The module: the name without `.weight`.
    pub fn module(&self) -> &str {
        self.name.strip_suffix(".weight").unwrap_or(&self.name)
    }

    /// Word in a list of its block: `q`, `gate of expert 3`.
    pub fn word(&self) -> String {
        match (self.expert, self.shared) {
            (Some(e), _) => format!("{} {e}", roles::word(self.role)),
            (None, true) => format!("shared {}", roles::word(self.role)),
            _ => roles::word(self.role).to_string(),
        }
    }
}

/// The prunable matrices of an open checkpoint, in its order.
pub fn of_summary(summary: &Summary) -> Vec<Entry> {
    summary
        .matrices
        .iter()
        .filter(|m| m.prunable)
        .map(|m| {
            let row = summary.tensors.get(m.tensor);
            let stored = match (m.slice, row) {
                (None, Some(r)) => r.shape.iter().map(|d| *d as u64).collect(),
                _ => m.shape.to_vec(),
            };
            Entry {
                key: key(&m.name, m.slice),
                name: m.name.clone(),
                tensor: u32::try_from(m.tensor).ok(),
                slice: m.slice,
                role: m.role,
                block: m.block,
                expert: m.expert,
                shared: m.shared,
                shape: m.shape,
                stored,
                width: row.map_or(2.0, |r| if r.elements > 0.0 { r.bytes / r.elements } else { 2.0 }),
            }
        })
        .collect()
}

/// The matrices of the finished example, whose names are those of a Llama.
pub fn of_spectra<'a>(spectra: impl IntoIterator<Item = &'a Spectrum>) -> Vec<Entry> {
    let role = |name: &str| {
        [("q_proj", Role::Q), ("k_proj", Role::K), ("v_proj", Role::V), ("o_proj", Role::O), ("gate_proj", Role::Gate), ("up_proj", Role::Up), ("down_proj", Role::Down)]
            .into_iter()
            .find(|(part, _)| name.contains(part))
            .map(|r| r.1)
    };
    spectra
        .into_iter()
        .filter_map(|s| {
            let block = s.tensor.split("layers.").nth(1)?.split('.').next()?.parse().ok()?;
            let shape = s.shape.map(u64::from);
            Some(Entry {
                key: key(&s.tensor, s.slice),
                name: s.tensor.clone(),
                tensor: None,
                slice: s.slice,
                role: role(&s.tensor)?,
                block: Some(block),
                expert: None,
                shared: false,
                shape,
                stored: shape.to_vec(),
                width: 2.0,
            })
        })
        .collect()
}

/// One column of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridColumn {
    /// Name: `q`, `gate`, `gate ×16`.
    pub name: String,
    /// Colour token.
    pub token: &'static str,
    /// Square for feed-forward, circle for attention.
    pub square: bool,
    /// Holds routed experts.
    pub routed: bool,
}

/// One row of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridRow {
    /// Name: the block's number, or the layer's name.
    pub label: String,
    /// Block.
    pub block: Option<u32>,
}

/// Rows and columns; every cell holds indices of entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// Rows, block 0 first.
    pub rows: Vec<GridRow>,
    /// Columns.
    pub columns: Vec<GridColumn>,
    /// `cells[row][column]`: entries.
    pub cells: Vec<Vec<Vec<usize>>>,
    /// One row a matrix (convolutional networks), not one a block.
    pub by_layer: bool,
}

/// Order of the columns: as the model computes.
const ORDER: [Role; 10] = [Role::Q, Role::K, Role::V, Role::Qkv, Role::O, Role::Gate, Role::GateUp, Role::Up, Role::Down, Role::Linear];

fn place(role: Role) -> usize {
    ORDER.iter().position(|r| *r == role).unwrap_or(ORDER.len())
}

/// Lays entries out.
pub fn grid(entries: &[Entry]) -> Grid {
    let mut columns: BTreeMap<(bool, bool, usize), (Role, u32)> = BTreeMap::new();
    let mut cells: BTreeMap<(u32, (bool, bool, usize)), Vec<usize>> = BTreeMap::new();
    let mut regular = true;
    for (i, e) in entries.iter().enumerate() {
        let Some(block) = e.block else {
            regular = false;
            break;
        };
        let column = (e.expert.is_some(), e.shared, place(e.role));
        let most = &mut columns.entry(column).or_insert((e.role, 0)).1;
        *most = (*most).max(e.expert.map_or(0, |x| x + 1));
        let cell = cells.entry((block, column)).or_default();
        cell.push(i);
        // Two matrices of one role in one block that are not experts: blocks mean something else here.
        regular &= cell.len() == 1 || e.expert.is_some();
    }
    if !regular {
        return by_layer(entries);
    }
    let mut blocks: Vec<u32> = cells.keys().map(|k| k.0).collect();
    blocks.dedup();
    let grid_columns = columns
        .iter()
        .map(|((routed, shared, _), (role, n))| GridColumn {
            name: match (routed, shared) {
                (true, _) => format!("{} ×{n}", roles::word(*role)),
                (_, true) => format!("{}, shared", roles::word(*role)),
                _ => roles::word(*role).to_string(),
            },
            token: roles::token(*role, *routed),
            square: !roles::round(*role),
            routed: *routed,
        })
        .collect();
    Grid {
        rows: blocks.iter().map(|b| GridRow { label: b.to_string(), block: Some(*b) }).collect(),
        columns: grid_columns,
        cells: blocks.iter().map(|b| columns.keys().map(|c| cells.get(&(*b, *c)).cloned().unwrap_or_default()).collect()).collect(),
        by_layer: false,
    }
}

fn by_layer(entries: &[Entry]) -> Grid {
    Grid {
        rows: entries.iter().map(|e| GridRow { label: short(e.module()), block: e.block }).collect(),
        columns: if entries.is_empty() { Vec::new() } else { vec![GridColumn { name: "layer".into(), token: "c1", square: true, routed: false }] },
        cells: (0..entries.len()).map(|i| vec![vec![i]]).collect(),
        by_layer: true,
    }
}

/// The end of a module's name that fits beside a bar.
fn short(module: &str) -> String {
    let n = module.chars().count();
    if n <= 20 { module.into() } else { format!("…{}", module.chars().skip(n - 19).collect::<String>()) }
}

impl Grid {
    /// Row that holds an entry.
    pub fn row_of(&self, entry: usize) -> Option<usize> {
        self.cells.iter().position(|r| r.iter().any(|c| c.contains(&entry)))
    }

    /// Entries of a row.
    pub fn members(&self, row: usize) -> Vec<usize> {
        self.cells.get(row).into_iter().flatten().flatten().copied().collect()
    }

    /// Width of the labels at 11 px.
    pub fn label_width(&self) -> f64 {
        let longest = self.rows.iter().map(|r| r.label.chars().count()).max().unwrap_or(1);
        (longest as f64 * 6.6 + 14.0).clamp(28.0, 150.0)
    }

    /// What a row is: `block`, `layer`.
    pub fn what(&self) -> &'static str {
        if self.by_layer { "layer" } else { "block" }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An entry for tests.
    pub(crate) fn entry(name: &str, role: Role, block: Option<u32>, expert: Option<u32>, shape: [u64; 2]) -> Entry {
        Entry { key: name.into(), name: name.into(), tensor: Some(0), slice: None, role, block, expert, shared: false, shape, stored: shape.to_vec(), width: 2.0 }
    }

    #[test]
    fn a_llama_is_blocks_by_roles_in_the_order_of_computing() {
        let mut all = Vec::new();
        for b in 0..3 {
            for (n, r) in [("down", Role::Down), ("gate", Role::Gate), ("up", Role::Up), ("k", Role::K), ("o", Role::O), ("q", Role::Q), ("v", Role::V)] {
                all.push(entry(&format!("layers.{b}.{n}"), r, Some(b), None, [8, 8]));
            }
        }
        let g = grid(&all);
        assert!(!g.by_layer);
        assert_eq!(g.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["q", "k", "v", "o", "gate", "up", "down"]);
        assert_eq!(g.rows.len(), 3);
        assert!(g.cells.iter().flatten().all(|c| c.len() == 1));
        assert_eq!(g.row_of(8), Some(1));
        assert_eq!(g.members(2).len(), 7);
    }

    #[test]
    fn experts_share_a_column_of_their_role() {
        let mut all = vec![entry("q", Role::Q, Some(0), None, [8, 8])];
        for e in 0..4 {
            all.push(entry(&format!("e{e}"), Role::Up, Some(0), Some(e), [8, 4]));
        }
        let mut shared = entry("s", Role::Up, Some(0), None, [8, 4]);
        shared.shared = true;
        all.push(shared);
        let g = grid(&all);
        assert_eq!(g.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["q", "up, shared", "up ×4"]);
        assert_eq!(g.cells[0][2], [1, 2, 3, 4]);
        assert_eq!(g.columns[2].token, "expert");
    }

    #[test]
    fn convolutions_are_one_row_a_layer() {
        let all: Vec<_> = (0..5).map(|i| entry(&format!("layer1.{i}.conv1.weight"), Role::Conv, Some(0), None, [16, 144])).collect();
        let g = grid(&all);
        assert!(g.by_layer);
        assert_eq!((g.rows.len(), g.columns.len()), (5, 1));
        assert_eq!(g.rows[3].label, "layer1.3.conv1");
        assert!(grid(&[]).rows.is_empty());
        assert!(grid(&[entry("a.very.long.module.name.of.a.linear", Role::Linear, None, None, [2, 2])]).rows[0].label.starts_with('…'));
    }

    #[test]
    fn the_example_is_read_by_its_names() {
        let s = espalier_methods::spectra::summary("model.layers.4.mlp.gate_proj.weight", None, [6, 4], vec![3.0, 2.0, 1.0, 0.5], 0.0, "test");
        let head = espalier_methods::spectra::summary("lm_head.weight", None, [6, 4], vec![3.0, 2.0, 1.0, 0.5], 0.0, "test");
        let e = of_spectra([&s, &head]);
        assert_eq!(e.len(), 1);
        assert_eq!((e[0].role, e[0].block, e[0].elements(), e[0].full()), (Role::Gate, Some(4), 24.0, 4.0));
    }
}
