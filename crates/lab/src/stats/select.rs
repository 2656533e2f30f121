//! Exact order statistics of any number of floats in two passes and bounded memory: a radix selection over sort keys.

use std::collections::BTreeMap;

/// A float's sort key in two halves: keys order as values do (−0 just under +0).
#[derive(Clone, Copy)]
pub struct Key {
    pub upper: u16,
    pub lower: u16,
}

/// Sort key of a float that is not NaN.
pub fn key(v: f32) -> Key {
    let bits = v.to_bits();
    let k = if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 };
    Key { upper: (k >> 16) as u16, lower: k as u16 }
}

fn value(upper: u16, lower: u16) -> f32 {
    let k = (u32::from(upper) << 16) | u32::from(lower);
    f32::from_bits(if k >> 31 == 1 { k & 0x7fff_ffff } else { !k })
}

/// Second pass of the selection: counts lower halves within the few buckets that hold a wanted rank.
pub struct Selection {
    /// Wanted ranks (0-based, ascending order), each with its bucket and its rank inside.
    wanted: Vec<(u16, u64)>,
    /// Slot of a bucket in `lower`, 0 for none (slots count from 1): a byte each, so that the table stays in the cache.
    slot: Vec<u8>,
    lower: Vec<Vec<u64>>,
}

impl Selection {
    /// Prepares for `ranks` (each below the number of counted values), given the counts of upper halves. At most 255 buckets.
    pub fn new(upper: &[u64], ranks: &[u64]) -> Self {
        let mut wanted = Vec::with_capacity(ranks.len());
        let mut buckets: BTreeMap<u16, u8> = BTreeMap::new();
        for &rank in ranks {
            let mut rest = rank;
            let bucket = upper.iter().position(|&n| {
                let here = rest < n;
                rest -= if here { 0 } else { n };
                here
            });
            let bucket = bucket.and_then(|b| u16::try_from(b).ok()).expect("a rank below the number of values");
            let next = u8::try_from(buckets.len() + 1).expect("at most 255 ranks");
            buckets.entry(bucket).or_insert(next);
            wanted.push((bucket, rest));
        }
        let mut slot = vec![0; 1 << 16];
        for (&bucket, &s) in &buckets {
            slot[usize::from(bucket)] = s;
        }
        Self { wanted, slot, lower: vec![vec![0; 1 << 16]; buckets.len()] }
    }

    /// Takes the next finite value.
    pub fn add(&mut self, v: f32) {
        let k = key(v);
        let s = self.slot[usize::from(k.upper)];
        if s > 0 {
            self.lower[usize::from(s) - 1][usize::from(k.lower)] += 1;
        }
    }

    /// The values at the wanted ranks, in the order in which they were asked for.
    pub fn values(&self) -> Vec<f32> {
        self.wanted
            .iter()
            .map(|&(bucket, rank)| {
                let counts = &self.lower[usize::from(self.slot[usize::from(bucket)]) - 1];
                let mut rest = rank;
                let lower = counts.iter().position(|&n| {
                    let here = rest < n;
                    rest -= if here { 0 } else { n };
                    here
                });
                value(bucket, lower.and_then(|l| u16::try_from(l).ok()).expect("both passes saw the same values"))
            })
            .collect()
    }
}

/// Where quantile `q` of `n` values lies: the two neighbouring ranks and the weight of the upper (linear interpolation, NumPy's default).
pub fn place(q: f64, n: u64) -> (u64, u64, f64) {
    let at = q * (n - 1) as f64;
    let low = (at.floor() as u64).min(n - 1);
    (low, (low + 1).min(n - 1), at - low as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_values_and_turn_back() {
        let values = [f32::MIN, -2.5, -1e-40, -0.0, 0.0, 1e-45, 1.0, 1.0000001, f32::MAX];
        let keys: Vec<u32> = values.iter().map(|&v| (u32::from(key(v).upper) << 16) | u32::from(key(v).lower)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        for v in values {
            assert_eq!(value(key(v).upper, key(v).lower).to_bits(), v.to_bits());
        }
    }

    #[test]
    fn selection_agrees_with_sorting_where_there_are_ties() {
        let values: Vec<f32> = (0..997u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 20) % 61) as f32 / 7.0 - 4.0).collect();
        let mut upper = vec![0; 1 << 16];
        values.iter().for_each(|&v| upper[usize::from(key(v).upper)] += 1);
        let ranks = [0, 1, 10, 498, 499, 995, 996];
        let mut selection = Selection::new(&upper, &ranks);
        values.iter().for_each(|&v| selection.add(v));
        let mut sorted = values;
        sorted.sort_by(f32::total_cmp);
        assert_eq!(selection.values(), ranks.map(|r| sorted[r as usize]));
    }
}
