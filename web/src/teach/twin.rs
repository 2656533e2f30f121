//! A shader beside its CPU twin: both files as text, and which of their lines do the same, judged by the names they share. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Words of the languages, which say nothing about what a line does.
const WORDS: &[&str] = &[
    "let", "var", "mut", "fn", "for", "in", "if", "else", "while", "loop", "return", "pub", "use", "struct", "impl", "where", "match", "const", "self", "Self", "as", "ref", "move",
    "u32", "i32", "f32", "f64", "bool", "usize", "u8", "array", "vec3", "vec2", "vec4", "storage", "read", "read_write", "uniform", "workgroup", "group", "binding", "builtin", "compute",
    "workgroup_size", "main", "params", "Params", "Option", "Some", "None", "Vec", "vec", "true", "false", "crate", "super", "iter", "map", "collect", "len",
];

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// As it is written.
    pub text: String,
    /// Names in its code, comments left out.
    pub names: BTreeSet<String>,
}

/// Both files, and what they have in common: worked out once, when they have come.
#[derive(Clone, Debug, PartialEq)]
pub struct Twins {
    /// The shader.
    pub wgsl: Vec<Line>,
    /// Its twin.
    pub rust: Vec<Line>,
    /// Indices of lines that do the same.
    pub pairs: Vec<(usize, usize)>,
    /// Names that stand on both sides.
    pub marked: BTreeSet<String>,
}

impl Twins {
    /// Of the texts of both files.
    pub fn new(wgsl: &str, rust: &str) -> Self {
        let (wgsl, rust) = (lines(wgsl), lines(rust));
        Self { pairs: pairs(&wgsl, &rust), marked: common(&wgsl, &rust), wgsl, rust }
    }
}

/// A file as it is shown: without its tests, whose twin is another file.
pub fn lines(source: &str) -> Vec<Line> {
    source
        .lines()
        .enumerate()
        .take_while(|(_, text)| *text != "#[cfg(test)]")
        .map(|(i, text)| Line { number: i + 1, text: text.to_owned(), names: names(text) })
        .collect()
}

/// Pairs of indices (left, right) of lines that name the same rare things: each is the other's best match.
///
/// A name counts the less the more lines hold it: `1 / (lines on the left · lines on the right)`. A pair must share at least two names, or one that
/// stands on one line a side.
pub fn pairs(left: &[Line], right: &[Line]) -> Vec<(usize, usize)> {
    let (here, there) = (counts(left), counts(right));
    let weight = |name: &String| 1.0 / (here[name] * there[name]) as f64;
    let score = |a: &Line, b: &Line| {
        let shared: Vec<f64> = a.names.intersection(&b.names).map(weight).collect();
        let sure = shared.len() > 1 || shared.first().is_some_and(|w| *w == 1.0);
        sure.then(|| shared.iter().sum::<f64>()).filter(|s| *s > 0.0)
    };
    // The first of equal matches is taken, on both sides.
    let best = |a: &Line, of: &[Line], flip: bool| {
        let scores = of.iter().enumerate().filter_map(|(i, b)| Some((i, if flip { score(b, a) } else { score(a, b) }?)));
        scores.fold(None, |best: Option<(usize, f64)>, (i, s)| if best.is_none_or(|(_, b)| s > b) { Some((i, s)) } else { best }).map(|(i, _)| i)
    };
    let mutual = left.iter().enumerate().filter_map(|(i, a)| {
        let j = best(a, right, false)?;
        (best(&right[j], left, true) == Some(i)).then_some((i, j))
    });
    mutual.collect()
}

/// Names that stand on both sides.
pub fn common(left: &[Line], right: &[Line]) -> BTreeSet<String> {
    counts(left).into_keys().filter(|n| right.iter().any(|l| l.names.contains(n))).collect()
}

/// A line cut into runs: comments, names of `marked`, and the rest.
pub fn runs<'a>(text: &'a str, marked: &BTreeSet<String>) -> Vec<(Kind, &'a str)> {
    let (code, comment) = text.split_at(text.find("//").unwrap_or(text.len()));
    let mut out: Vec<(Kind, &str)> = Vec::new();
    let mut from = 0;
    for (start, word) in words(code) {
        if marked.contains(word) {
            if start > from {
                out.push((Kind::Plain, &code[from..start]));
            }
            out.push((Kind::Common, word));
            from = start + word.len();
        }
    }
    if from < code.len() {
        out.push((Kind::Plain, &code[from..]));
    }
    if !comment.is_empty() {
        out.push((Kind::Comment, comment));
    }
    out
}

/// What a run of characters is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Code.
    Plain,
    /// A name that stands on both sides.
    Common,
    /// A comment.
    Comment,
}

fn counts(lines: &[Line]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in lines.iter().flat_map(|l| &l.names) {
        *counts.entry(name.clone()).or_insert(0) += 1;
    }
    counts
}

fn names(text: &str) -> BTreeSet<String> {
    let code = &text[..text.find("//").unwrap_or(text.len())];
    words(code).map(|(_, w)| w).filter(|w| w.len() > 1 && !WORDS.contains(w)).map(str::to_owned).collect()
}

/// Identifiers and where they begin.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(part)?;
        let end = code[start..].find(|c| !part(c)).map_or(code.len(), |n| start + n);
        at = end;
        Some((start, &code[start..end]))
    })
    .filter(|(_, w)| !w.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_do_the_same_find_each_other() {
        let left = lines("// prose\nlet kth = digit(key);\nif kth == wanted { stop(); }\nlet unrelated = 1;");
        let right = lines("//! words\nlet wanted = 3;\nlet kth = key.digit();\nfn else_where() {}\n#[cfg(test)]\nmod tests {}");
        assert_eq!(right.len(), 4);
        assert_eq!(pairs(&left, &right), [(1, 2), (2, 1)]);
        assert!(common(&left, &right).contains("kth"));
    }

    #[test]
    fn a_line_is_cut_without_losing_a_character() {
        let marked = BTreeSet::from(["kth".to_owned()]);
        let text = "    let kth = kth2 + kth; // kth";
        let cut = runs(text, &marked);
        assert_eq!(cut.iter().map(|(_, s)| *s).collect::<String>(), text);
        assert_eq!(cut.iter().filter(|(k, _)| *k == Kind::Common).count(), 2);
        assert_eq!(cut.last(), Some(&(Kind::Comment, "// kth")));
    }

    #[test]
    fn the_houses_own_twins_have_lines_in_common() {
        let of = |family: &str, op: &str| {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
            let read = |path: String| std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
            (lines(&read(format!("{root}/shaders/{family}/{op}.wgsl"))), lines(&read(format!("{root}/crates/tensor/src/ops/{family}/{op}.rs"))))
        };
        for (family, op) in [("select", "row_smallest"), ("select", "n_of_m"), ("stats", "histogram")] {
            let (wgsl, rust) = of(family, op);
            let found = pairs(&wgsl, &rust);
            assert!(!found.is_empty(), "{family}/{op}");
            for (i, j) in found {
                assert!(!wgsl[i].names.is_disjoint(&rust[j].names));
            }
        }
    }
}
