//! Matrices with their places and spectra, from the open checkpoint or from the finished example: what figures of the whole model draw.

use std::rc::Rc;

use espalier_lab::protocol::Summary;
use espalier_methods::report::Spectrum;
use espalier_nets::checkpoint::Role;

use crate::app::record::Record;
use crate::app::roles;
use crate::app::state::{ByKey, Key, key};

/// One matrix.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Key of its results.
    pub key: Key,
    /// Block.
    pub block: Option<u32>,
    /// Role.
    pub role: Role,
    /// Belongs to an expert, a shared one included.
    pub expert: bool,
    /// Number of its singular values.
    pub full: u64,
    /// Its spectrum, once it is known.
    pub spectrum: Option<Rc<Spectrum>>,
}

impl PartialEq for Matrix {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.spectrum, &other.spectrum) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        same && self.key == other.key
    }
}

impl Matrix {
    /// Word of its kind: the role, or `expert`.
    pub fn word(&self) -> &'static str {
        if self.expert { "expert" } else { roles::word(self.role) }
    }

    /// Colour token.
    pub fn token(&self) -> &'static str {
        roles::token(self.role, self.expert)
    }
}

/// Matrices of the open checkpoint.
pub fn of(summary: &Summary, spectra: &ByKey<Spectrum>) -> Vec<Matrix> {
    let matrix = |m: &espalier_nets::checkpoint::MatrixRef| {
        let key = key(&m.name, m.slice);
        let spectrum = spectra.get(&key).cloned();
        Matrix { key, block: m.block, role: m.role, expert: m.expert.is_some(), full: m.shape[0].min(m.shape[1]), spectrum }
    };
    summary.matrices.iter().map(matrix).collect()
}

/// Matrices of the finished example. It is of a Llama, whose names say block and role.
pub fn of_record(record: &Record) -> Vec<Matrix> {
    record.spectra.iter().map(|s| Matrix { key: key(&s.tensor, s.slice), block: block_in(&s.tensor), role: role_in(&s.tensor), expert: false, full: s.values.len() as u64, spectrum: Some(s.clone()) }).collect()
}

fn block_in(name: &str) -> Option<u32> {
    name.split('.').find_map(|part| part.parse().ok())
}

fn role_in(name: &str) -> Role {
    let has = |part: &str| name.split('.').any(|p| p == part);
    let table = [
        ("q_proj", Role::Q),
        ("k_proj", Role::K),
        ("v_proj", Role::V),
        ("o_proj", Role::O),
        ("gate_proj", Role::Gate),
        ("up_proj", Role::Up),
        ("down_proj", Role::Down),
        ("embed_tokens", Role::Embedding),
        ("lm_head", Role::Head),
    ];
    table.iter().find(|(part, _)| has(part)).map_or(Role::Other, |(_, role)| *role)
}

/// The order of kinds in legends; what is not named comes last, in file order.
const ORDER: [&str; 10] = ["q", "k", "v", "qkv", "o", "gate", "gate+up", "up", "down", "router"];

/// Kinds that occur inside blocks, attention first, each with its colour.
pub fn kinds(matrices: &[Matrix]) -> Vec<(&'static str, &'static str)> {
    let mut out: Vec<(&str, &str)> = Vec::new();
    for m in matrices.iter().filter(|m| m.block.is_some()) {
        if !out.contains(&(m.word(), m.token())) {
            out.push((m.word(), m.token()));
        }
    }
    let place = |word: &str| ORDER.iter().position(|o| *o == word).unwrap_or(ORDER.len());
    espalier_methods::order::by(&mut out, |a, b| place(a.0).cmp(&place(b.0)));
    out
}

/// Share of its full rank that a spectrum needs for 95 % of its energy.
pub fn need(s: &Spectrum) -> Option<f64> {
    let full = s.shape[0].min(s.shape[1]);
    (full > 0 && s.frobenius > 0.0).then(|| f64::from(s.energy_ranks[1]) / f64::from(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_llamas_names_say_block_and_role() {
        let name = "model.layers.12.mlp.down_proj.weight";
        assert_eq!((block_in(name), role_in(name)), (Some(12), Role::Down));
        assert_eq!((block_in("lm_head.weight"), role_in("lm_head.weight")), (None, Role::Head));
    }
}
