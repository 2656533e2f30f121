//! The rows of the tensor table: a tree by block in file order, or a flat list in any order.

use std::collections::{BTreeMap, BTreeSet};

use espalier_lab::protocol::{Summary, TensorRow};

use super::filter::Filter;
use crate::app::state::{ByKey, key};
use espalier_methods::report::Spectrum;

/// A branch of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// All tensors of a block.
    Block(u32),
    /// The experts within a block.
    Experts(u32),
}

/// What stands in the column of the stable rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    /// Not a matrix.
    Nothing,
    /// Not computed yet.
    Waiting,
    /// The stable rank; the median where a row stands for several matrices.
    Rank(f64),
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A branch: whether it is open, how many tensors it has.
    Branch(Branch, bool, usize),
    /// A tensor by its index.
    Tensor(u32),
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it stands for.
    pub kind: Kind,
    /// Steps from the trunk.
    pub depth: u8,
    /// The part of the name that tells it from its neighbours.
    pub name: String,
    /// Elements.
    pub elements: f64,
    /// Share of all elements, 0 to 1.
    pub share: f64,
    /// Stable rank.
    pub known: Known,
}

/// Columns by which the flat list can be ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// File order.
    #[default]
    File,
    /// Name.
    Name,
    /// Elements.
    Elements,
    /// Stable rank; what is not known comes last.
    Rank,
}

/// How the rows are arranged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// A flat list instead of the tree.
    pub flat: bool,
    /// Open branches.
    pub open: BTreeSet<Branch>,
    /// Order of the flat list.
    pub column: Column,
    /// From large to small.
    pub down: bool,
}

/// Matrices of each tensor: their keys. Fused experts have one a slice.
pub fn keys(summary: &Summary) -> BTreeMap<usize, Vec<crate::app::state::Key>> {
    let mut out: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for m in &summary.matrices {
        out.entry(m.tensor).or_default().push(key(&m.name, m.slice));
    }
    out
}

/// The rows to show.
pub fn rows(summary: &Summary, spectra: &ByKey<Spectrum>, filter: &Filter, view: &View) -> Vec<Row> {
    let keys = keys(summary);
    let total: f64 = summary.tensors.iter().map(|t| t.elements).sum();
    let passing: Vec<usize> = (0..summary.tensors.len()).filter(|i| filter.passes(&summary.tensors[*i])).collect();
    let known = |tensors: &[usize]| {
        let all: Vec<_> = tensors.iter().filter_map(|t| keys.get(t)).flatten().collect();
        let found: Vec<f64> = all.iter().filter_map(|k| spectra.get(*k)).map(|s| s.stable_rank).collect();
        match (all.len(), found.len()) {
            (0, _) => Known::Nothing,
            (a, f) if a == f => Known::Rank(median(found)),
            _ => Known::Waiting,
        }
    };
    let make = |kind, depth, name: String, tensors: &[usize]| {
        let elements: f64 = tensors.iter().map(|t| summary.tensors[*t].elements).sum();
        Row { kind, depth, name, elements, share: if total > 0.0 { elements / total } else { 0.0 }, known: known(tensors) }
    };
    let trunk = trunk(&summary.tensors);
    if view.flat {
        let mut out: Vec<Row> = passing.iter().map(|t| make(Kind::Tensor(*t as u32), 0, short(&summary.tensors[*t].name, trunk), &[*t])).collect();
        order(&mut out, view);
        return out;
    }
    let mut blocks: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for t in &passing {
        if let Some(b) = summary.tensors[*t].block {
            blocks.entry(b).or_default().push(*t);
        }
    }
    let mut out = Vec::new();
    let mut i = 0;
    while i < passing.len() {
        let Some(block) = summary.tensors[passing[i]].block else {
            out.push(make(Kind::Tensor(passing[i] as u32), 0, short(&summary.tensors[passing[i]].name, trunk), &[passing[i]]));
            i += 1;
            continue;
        };
        i += 1;
        // A file may come back to a block; its row is where it first stood.
        let Some(members) = blocks.remove(&block) else { continue };
        let prefix = up_to(shared(members.iter().map(|t| summary.tensors[*t].name.as_str())), block);
        let head = match short(prefix, trunk) {
            p if p.is_empty() => format!("block {block}"),
            p => p,
        };
        // What a filter has found is shown without a click.
        let open = view.open.contains(&Branch::Block(block)) || !filter.is_empty();
        out.push(make(Kind::Branch(Branch::Block(block), open, members.len()), 0, head, &members));
        if !open {
            continue;
        }
        let experts: Vec<usize> = members.iter().copied().filter(|t| summary.tensors[*t].expert.is_some()).collect();
        let mut said = false;
        for t in &members {
            if experts.len() > 1 && experts.contains(t) {
                if !said {
                    said = true;
                    let open = view.open.contains(&Branch::Experts(block)) || !filter.is_empty();
                    let head = short(shared(experts.iter().map(|t| summary.tensors[*t].name.as_str())), prefix);
                    let head = if head.is_empty() { "experts".into() } else { head };
                    out.push(make(Kind::Branch(Branch::Experts(block), open, experts.len()), 1, head, &experts));
                    if open {
                        let inner = shared(experts.iter().map(|t| summary.tensors[*t].name.as_str()));
                        out.extend(experts.iter().map(|t| make(Kind::Tensor(*t as u32), 2, short(&summary.tensors[*t].name, inner), &[*t])));
                    }
                }
            } else {
                out.push(make(Kind::Tensor(*t as u32), 1, short(&summary.tensors[*t].name, prefix), &[*t]));
            }
        }
    }
    out
}

fn order(rows: &mut Vec<Row>, view: &View) {
    let by = |a: f64, b: f64| a.total_cmp(&b);
    match view.column {
        Column::File => {}
        Column::Name => espalier_methods::order::by(rows, |a, b| a.name.cmp(&b.name)),
        Column::Elements => espalier_methods::order::by_number(rows, |r| r.elements),
        Column::Rank => {
            let value = |r: &Row| if let Known::Rank(v) = r.known { Some(v) } else { None };
            espalier_methods::order::by(rows, |a, b| match (value(a), value(b)) {
                (Some(a), Some(b)) => if view.down { by(b, a) } else { by(a, b) },
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
            return;
        }
    }
    if view.down {
        rows.reverse();
    }
}

/// The first segment, where more than half of all names begin with it.
fn trunk(tensors: &[TensorRow]) -> &str {
    let Some(first) = tensors.iter().find_map(|t| t.name.split_once('.').map(|(a, _)| a).filter(|a| tensors.iter().filter(|t| t.name.split('.').next() == Some(a)).count() * 2 > tensors.len())) else {
        return "";
    };
    first
}

/// The segments that all names begin with, never a whole name.
pub fn shared<'a>(mut names: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(first) = names.next() else { return "" };
    let mut end = first.rfind('.').unwrap_or(0);
    for name in names {
        while end > 0 && !(name.len() > end && name.is_char_boundary(end) && name[..end] == first[..end] && name.as_bytes()[end] == b'.') {
            end = first[..end].rfind('.').unwrap_or(0);
        }
    }
    &first[..end]
}

/// A prefix up to the number of its block: a block that holds only attention is still called by its number.
fn up_to(prefix: &str, block: u32) -> &str {
    let number = block.to_string();
    let mut end = 0;
    for part in prefix.split('.') {
        end += part.len();
        if part == number {
            return &prefix[..end];
        }
        end += 1;
    }
    prefix
}

/// A name without its prefix and without `.weight`.
pub fn short(name: &str, prefix: &str) -> String {
    let rest = match name.strip_prefix(prefix) {
        Some(r) if prefix.is_empty() => r,
        Some(r) => r.strip_prefix('.').unwrap_or(if r.is_empty() { name } else { r }),
        None => name,
    };
    rest.strip_suffix(".weight").unwrap_or(rest).to_owned()
}

/// The median; NaN of nothing.
pub fn median(mut v: Vec<f64>) -> f64 {
    espalier_methods::order::by_number(&mut v, |x| *x);
    match v.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => v[n / 2],
        n => (v[n / 2 - 1] + v[n / 2]) / 2.0,
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
