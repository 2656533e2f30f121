//! The order of functions in a wasm file, chosen so that it compresses better.
//!
//! gzip finds repetitions no further than 32 KiB back, while the many copies of one generic function lie anywhere in a module. Here functions with
//! common byte strings become neighbours. Nothing else changes: the order is written as names that sort that way, and wasm-opt, which knows how to
//! renumber calls, sorts by them (its pass `reorder-functions-by-name`).

use std::collections::HashMap;

use anyhow::{Context, Result, bail};

/// Raised with every change of the order, so that what an older one made is not taken for this one's.
pub const VERSION: u32 = 1;
/// Length of the byte strings that are compared.
const STRING: usize = 6;
/// Strings that occur in more functions than this tell nothing.
const COMMON: usize = 200;
/// How far back a repetition is of use, a little under gzip's window.
const WINDOW: usize = 24_000;

/// The module with a name section that numbers its functions in the better order.
pub fn named(wasm: &[u8]) -> Result<Vec<u8>> {
    let module = read(wasm)?;
    let mut places = vec![0; module.bodies.len()];
    for (place, function) in order(&module.bodies).into_iter().enumerate() {
        places[function] = place;
    }
    let mut names = Vec::new();
    leb(&mut names, places.len());
    for (function, place) in places.into_iter().enumerate() {
        leb(&mut names, module.imported + function);
        let name = format!("{place:06}");
        leb(&mut names, name.len());
        names.extend_from_slice(name.as_bytes());
    }
    let mut section = vec![4, b'n', b'a', b'm', b'e', 1];
    leb(&mut section, names.len());
    section.extend(names);
    let mut out = wasm[..module.end].to_vec();
    out.push(0);
    leb(&mut out, section.len());
    out.extend(section);
    Ok(out)
}

struct Module<'a> {
    /// Imported functions, which come first in the numbering.
    imported: usize,
    /// Bodies of the module's own functions.
    bodies: Vec<&'a [u8]>,
    /// Where its custom sections at the end begin.
    end: usize,
}

fn read(wasm: &[u8]) -> Result<Module<'_>> {
    if !wasm.starts_with(b"\0asm") {
        bail!("not a wasm file");
    }
    let mut module = Module { imported: 0, bodies: Vec::new(), end: 8 };
    let mut at = Cursor { wasm, at: 8 };
    while at.at < wasm.len() {
        let kind = at.byte()?;
        let length = at.number()?;
        let end = at.at + length;
        match kind {
            2 => module.imported = imported(&mut at)?,
            10 => {
                for _ in 0..at.number()? {
                    let n = at.number()?;
                    module.bodies.push(at.take(n)?);
                }
            }
            _ => {}
        }
        at.at = end;
        if kind != 0 {
            module.end = end;
        }
    }
    Ok(module)
}

/// Counts the functions among the imports.
fn imported(at: &mut Cursor<'_>) -> Result<usize> {
    let mut functions = 0;
    for _ in 0..at.number()? {
        for _ in 0..2 {
            let n = at.number()?;
            at.take(n)?;
        }
        match at.byte()? {
            0 => {
                functions += 1;
                at.number()?;
            }
            1 => {
                at.byte()?;
                at.limits()?;
            }
            2 => at.limits()?,
            3 => {
                at.take(2)?;
            }
            kind => bail!("an import of unknown kind {kind}"),
        }
    }
    Ok(functions)
}

struct Cursor<'a> {
    wasm: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let part = self.wasm.get(self.at..self.at + n).context("the wasm file ends too early")?;
        self.at += n;
        Ok(part)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let b = self.byte()?;
            value |= usize::from(b & 0x7f) << shift;
            shift += 7;
            if b & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    fn limits(&mut self) -> Result<()> {
        let has_most = self.byte()? & 1 == 1;
        self.number()?;
        if has_most {
            self.number()?;
        }
        Ok(())
    }
}

fn leb(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Greedy: after each function the one that shares most, for its length, with what lies in the window.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let strings: Vec<Vec<u64>> = bodies.iter().map(|b| strings(b)).collect();
    let mut holders: HashMap<u64, Vec<usize>> = HashMap::new();
    for (f, s) in strings.iter().enumerate() {
        for s in s {
            holders.entry(*s).or_default().push(f);
        }
    }
    holders.retain(|_, h| (2..=COMMON).contains(&h.len()));
    let mut shared = vec![0u32; bodies.len()];
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    // Longest first where nothing is shared; taken from the end.
    left.sort_by_key(|f| (bodies[*f].len(), *f));
    let mut out: Vec<usize> = Vec::with_capacity(bodies.len());
    let (mut oldest, mut size) = (0, 0);
    let mut inside: HashMap<u64, u32> = HashMap::new();
    while !left.is_empty() {
        let worth = |f: usize| f64::from(shared[f]) / (bodies[f].len() + 20) as f64;
        let best = (0..left.len()).max_by(|a, b| worth(left[*a]).total_cmp(&worth(left[*b])).then(a.cmp(b))).unwrap_or(0);
        let next = left.remove(best);
        out.push(next);
        size += bodies[next].len();
        for s in &strings[next] {
            let Some(h) = holders.get(s) else { continue };
            let n = inside.entry(*s).or_default();
            *n += 1;
            if *n == 1 {
                h.iter().for_each(|f| shared[*f] += 1);
            }
        }
        while size > WINDOW && oldest + 1 < out.len() {
            let gone = out[oldest];
            oldest += 1;
            size -= bodies[gone].len();
            for s in &strings[gone] {
                let Some(n) = inside.get_mut(s) else { continue };
                *n -= 1;
                if *n == 0 {
                    holders[s].iter().for_each(|f| shared[*f] -= 1);
                }
            }
        }
    }
    out
}

/// The distinct byte strings of a body, as numbers.
fn strings(body: &[u8]) -> Vec<u64> {
    let mut out: Vec<u64> = body.windows(STRING).map(|w| w.iter().fold(0, |n, b| n << 8 | u64::from(*b))).collect();
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_functions_become_neighbours_and_none_is_lost() {
        let (a, b): (Vec<u8>, Vec<u8>) = ((0..200).collect(), (0..200).map(|i| (i * 7 + 3) as u8).collect());
        let bodies = [&a[..], &b[..], &a[1..], &b[1..], &a[2..]];
        let got = order(&bodies);
        let side: Vec<bool> = got.iter().map(|f| f % 2 == 0).collect();
        assert_eq!(side.windows(2).filter(|w| w[0] != w[1]).count(), 1, "{got:?}");
        let mut all = got;
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_module_keeps_its_sections_and_gets_names_behind_them() {
        // One type, one imported function, two functions of its own with empty bodies, and an old custom section.
        let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x07\x01\x01a\x01b\0\0\x03\x03\x02\0\0\x0a\x07\x02\x02\0\x0b\x02\0\x0b\0\x02\x01x";
        let out = named(wasm).unwrap();
        assert_eq!(out[..wasm.len() - 4], wasm[..wasm.len() - 4]);
        assert!(out.windows(6).any(|w| w == b"000000") && out.windows(6).any(|w| w == b"000001"));
        let again = read(&out).unwrap();
        assert_eq!((again.imported, again.bodies.len()), (1, 2));
        assert!(named(b"<!doctype html>").is_err() && named(&wasm[..30]).is_err());
    }
}
