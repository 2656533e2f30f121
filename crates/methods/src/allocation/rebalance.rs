//! Dragging one bar while the budget stays.

/// Bars after one was moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebalanced {
    /// One sparsity a layer.
    pub sparsities: Vec<f64>,
    /// What of the budget the other bars could not take, as a share of all elements: over 0 where too little is pruned now, under 0
    /// where too much is.
    pub unkept: f64,
}

/// Sets one layer's sparsity to `value` and lets the layers that are not locked make up for it, so that the element-weighted mean stays
/// what it was. Every value stays within 0 … `max`.
///
/// Where the others must be pruned less, their sparsities shrink by one factor; where they must be pruned more, what they have left
/// (max − s) shrinks by one factor. Both keep their order and never leave the range, so the budget is kept exactly whenever it can be.
/// Moving a bar there and back in many steps need not come back to the start: a drag should rebalance from the bars as they were when it
/// began.
pub fn rebalance(sparsities: &[f64], sizes: &[f64], locked: &[bool], changed: usize, value: f64, max: f64) -> Rebalanced {
    let mut out: Vec<f64> = sparsities.to_vec();
    let total: f64 = sizes.iter().sum();
    let Some(bar) = out.get_mut(changed) else { return Rebalanced { sparsities: out, unkept: 0.0 } };
    let value = if value.is_finite() { value.clamp(0.0, max) } else { *bar };
    // To be pruned more by the others, in elements.
    let mut owed = (*bar - value) * sizes[changed];
    *bar = value;
    let free: Vec<usize> = (0..out.len()).filter(|&i| i != changed && !locked.get(i).copied().unwrap_or(false)).collect();
    let room: f64 = if owed > 0.0 {
        free.iter().map(|&i| (max - out[i]).max(0.0) * sizes[i]).sum()
    } else {
        free.iter().map(|&i| out[i] * sizes[i]).sum()
    };
    if room > 0.0 && owed != 0.0 {
        let taken = owed.abs().min(room);
        let factor = 1.0 - taken / room;
        for &i in &free {
            out[i] = if owed > 0.0 { (max - (max - out[i]).max(0.0) * factor).max(out[i]) } else { out[i] * factor };
        }
        owed -= taken.copysign(owed);
    }
    let unkept = if total > 0.0 { owed / total } else { 0.0 };
    Rebalanced { sparsities: out, unkept }
}

#[cfg(test)]
mod tests {
    use super::super::overall;
    use super::*;

    const SIZES: [f64; 4] = [100.0, 400.0, 50.0, 10.0];

    #[test]
    fn the_mean_stays_and_locked_bars_too() {
        let s = [0.5, 0.4, 0.7, 0.9];
        for value in [0.0, 0.3, 0.8, 1.0] {
            let r = rebalance(&s, &SIZES, &[false, false, true, false], 0, value, 1.0);
            assert_eq!((r.sparsities[0], r.sparsities[2], r.unkept), (value, 0.7, 0.0));
            assert!((overall(&r.sparsities, &SIZES) - overall(&s, &SIZES)).abs() < 1e-12);
            assert!(r.sparsities.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        let r = rebalance(&[0.5, 0.5], &[300.0, 100.0], &[false, false], 0, 0.0, 1.0);
        // 150 elements are owed, the other bar has room for 50: 100 of 400 are missing.
        assert_eq!((r.sparsities[1], r.unkept), (1.0, 0.25));
        let r = rebalance(&[0.5, 0.5], &[300.0, 100.0], &[false, true], 0, 1.0, 1.0);
        assert_eq!((r.sparsities.as_slice(), r.unkept), (&[1.0, 0.5][..], -0.375));
    }

    #[test]
    fn values_out_of_range_are_held() {
        assert_eq!(rebalance(&[0.5], &[1.0], &[false], 0, 7.0, 0.95).sparsities, [0.95]);
        assert_eq!(rebalance(&[0.5], &[1.0], &[false], 0, f64::NAN, 0.95).sparsities, [0.5]);
        assert_eq!(rebalance(&[0.5], &[1.0], &[false], 3, 0.1, 0.95).sparsities, [0.5]);
    }
}
