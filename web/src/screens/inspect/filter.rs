//! The filter of the tensor table: words and comparisons, all of which must hold.
//!
//! `down_proj` is part of a name or a role; `block 11`, `expert 3`, `dtype bf16` are exact; `shape>1e6` (elements), `bytes<4096`,
//! `block>=8` compare. Commas and spaces part the terms.

use espalier_lab::protocol::TensorRow;

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Test {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Test {
    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::Equal => a == b,
            Self::AtLeast => a >= b,
            Self::More => a > b,
        }
    }
}

/// What a number is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Block,
    Expert,
    Elements,
    Bytes,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Word(String),
    Dtype(String),
    Number(Field, Test, f64),
}

/// A filter that has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(Vec<Term>);

fn field(word: &str) -> Option<Field> {
    Some(match word {
        "block" | "layer" => Field::Block,
        "expert" => Field::Expert,
        "shape" | "params" | "elements" | "size" => Field::Elements,
        "bytes" => Field::Bytes,
        _ => return None,
    })
}

/// `shape>1e6` as field, comparison and number.
fn comparison(word: &str) -> Option<Term> {
    let at = word.find(['<', '>', '='])?;
    let (name, rest) = word.split_at(at);
    let (test, number) = if let Some(n) = rest.strip_prefix(">=") {
        (Test::AtLeast, n)
    } else if let Some(n) = rest.strip_prefix("<=") {
        (Test::AtMost, n)
    } else if let Some(n) = rest.strip_prefix('>') {
        (Test::More, n)
    } else if let Some(n) = rest.strip_prefix('<') {
        (Test::Less, n)
    } else {
        (Test::Equal, rest.trim_start_matches('='))
    };
    Some(Term::Number(field(name)?, test, number.parse().ok()?))
}

impl Filter {
    /// Reads a filter. Anything that is not understood is a word to be found in the name, so that nothing is an error.
    pub fn read(text: &str) -> Self {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split([',', ' ']).filter(|w| !w.is_empty()).collect();
        let mut terms = Vec::new();
        let mut i = 0;
        while i < words.len() {
            let next = words.get(i + 1);
            let number = next.and_then(|n| n.parse::<f64>().ok());
            if let (Some(f), Some(n)) = (field(words[i]), number) {
                terms.push(Term::Number(f, Test::Equal, n));
                i += 1;
            } else if let ("dtype", Some(d)) = (words[i], next) {
                terms.push(Term::Dtype((*d).into()));
                i += 1;
            } else {
                terms.push(comparison(words[i]).unwrap_or_else(|| Term::Word(words[i].into())));
            }
            i += 1;
        }
        Self(terms)
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a tensor passes.
    pub fn passes(&self, row: &TensorRow) -> bool {
        self.0.iter().all(|term| match term {
            Term::Word(w) => row.name.to_lowercase().contains(w.as_str()) || row.role.label() == w,
            Term::Dtype(d) => row.dtype.to_lowercase() == *d,
            Term::Number(f, test, n) => {
                let value = match f {
                    Field::Block => row.block.map(f64::from),
                    Field::Expert => row.expert.map(f64::from),
                    Field::Elements => Some(row.elements),
                    Field::Bytes => Some(row.bytes),
                };
                value.is_some_and(|v| test.holds(v, *n))
            }
        })
    }

    /// The first plain word, for guessing what was meant where nothing passes.
    pub fn word(&self) -> Option<&str> {
        self.0.iter().find_map(|t| if let Term::Word(w) = t { Some(w.as_str()) } else { None })
    }
}

/// The part of a name that is nearest to a word of the filter, and how many names have it; `None` where nothing is near.
pub fn nearest(word: &str, rows: &[TensorRow]) -> Option<(String, usize)> {
    let parts: std::collections::BTreeSet<&str> = espalier_methods::order::gather(rows.iter().flat_map(|r| r.name.split('.')).filter(|p| p.parse::<u32>().is_err()));
    let best = parts.into_iter().map(|p| (distance(word, &p.to_lowercase()), p)).min()?;
    // More than a third of its letters changed is another word.
    if best.0 == 0 || best.0 * 3 > word.chars().count() {
        return None;
    }
    let count = rows.iter().filter(|r| r.name.split('.').any(|p| p == best.1)).count();
    Some((best.1.into(), count))
}

/// Letters to change, add or drop to make one word of another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
pub(super) mod tests {
    use espalier_nets::checkpoint::Role;

    use super::*;

    pub(crate) fn row(name: &str, role: Role, block: Option<u32>, shape: &[f64]) -> TensorRow {
        let elements: f64 = shape.iter().product();
        TensorRow { name: name.into(), dtype: "F16".into(), readable: true, shape: shape.into(), elements, bytes: 2.0 * elements, role, block, expert: None, file: 0 }
    }

    fn passing(filter: &str) -> Vec<usize> {
        let rows = [
            row("model.embed_tokens.weight", Role::Embedding, None, &[512.0, 160.0]),
            row("model.layers.1.mlp.down_proj.weight", Role::Down, Some(1), &[160.0, 432.0]),
            row("model.layers.11.mlp.down_proj.weight", Role::Down, Some(11), &[160.0, 432.0]),
            row("model.layers.11.input_layernorm.weight", Role::Norm, Some(11), &[160.0]),
        ];
        let f = Filter::read(filter);
        (0..rows.len()).filter(|i| f.passes(&rows[*i])).collect()
    }

    #[test]
    fn words_numbers_and_comparisons_all_hold() {
        assert_eq!(passing(""), [0, 1, 2, 3]);
        assert_eq!(passing("down_proj"), [1, 2]);
        assert_eq!(passing("DOWN"), [1, 2]);
        assert_eq!(passing("block 1"), [1]);
        assert_eq!(passing("down_proj, block 11"), [2]);
        assert_eq!(passing("shape>1e4 block>=11"), [2]);
        assert_eq!(passing("bytes<=320"), [3]);
        assert_eq!(passing("dtype f16 norm"), [3]);
        assert_eq!(passing("dtype bf16"), Vec::<usize>::new());
        assert_eq!(passing("block"), Vec::<usize>::new());
        assert_eq!(passing("shape>x"), Vec::<usize>::new());
    }

    #[test]
    fn a_slip_of_the_fingers_is_understood() {
        let rows = [row("a.down_proj", Role::Down, None, &[1.0]), row("b.down_proj", Role::Down, None, &[1.0]), row("a.q", Role::Q, None, &[1.0])];
        assert_eq!(nearest("down_prj", &rows), Some(("down_proj".into(), 2)));
        assert_eq!(nearest("zebra", &rows), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
