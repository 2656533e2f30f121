//! Sparsities from the screen's settings, what moving a bar does, and what removing costs: pure.

use std::collections::BTreeMap;
use std::rc::Rc;

use espalier_methods::allocation::{Balance, Kernel, alpha, by_alpha, erdos_renyi, overall, rebalance};
use espalier_methods::magnitude::{Allocation as Shared, Config, Rule as Exactness, Scope as Among};
use espalier_methods::report::{Profile, Spectrum};

use crate::app::language::Rule;
use crate::app::state::{Allocation, Key, PruneState, Scope};
use crate::screens::matrices::Entry;

/// AlphaPruning's spread as the method has it by default.
pub const EPSILON: f64 = 0.2;

/// What each allocation would remove, one sparsity an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocations {
    /// The same everywhere.
    pub uniform: Vec<f64>,
    /// Erdős–Rényi with kernels.
    pub erk: Vec<f64>,
    /// From the tails; `None` while spectra are missing.
    pub spectrum: Option<Vec<f64>>,
    /// From outliers (OWL); `None` while they have not been counted.
    pub owl: Option<Vec<f64>>,
    /// From a sweep's measurements; `None` while there are none.
    pub measured: Option<Vec<f64>>,
}

/// Sizes of the entries.
pub fn sizes(entries: &[Entry]) -> Vec<f64> {
    entries.iter().map(Entry::elements).collect()
}

/// All allocations of a target. `spectra` are looked up by key.
pub fn allocations(entries: &[Entry], target: f64, spectra: &BTreeMap<Key, Rc<Spectrum>>) -> Allocations {
    let shapes: Vec<Vec<u64>> = entries.iter().map(|e| e.stored.clone()).collect();
    let found: Vec<Option<&Rc<Spectrum>>> = entries.iter().map(|e| spectra.get(&e.key)).collect();
    let whole = !entries.is_empty() && found.iter().all(Option::is_some);
    Allocations {
        uniform: vec![target; entries.len()],
        erk: erdos_renyi(&shapes, target, Kernel::Whole, Balance::Real).sparsities(),
        spectrum: whole.then(|| {
            let alphas: Vec<Option<f64>> = found.iter().map(|s| s.and_then(|s| alpha(s))).collect();
            by_alpha(&alphas, &sizes(entries), target, EPSILON)
        }),
        owl: None,
        measured: None,
    }
}

/// Fraction that an n:m pattern removes.
pub fn pattern(scope: Scope) -> Option<f64> {
    match scope {
        Scope::NOfM { n, m } => Some(1.0 - f64::from(n) / f64::from(m.max(1))),
        _ => None,
    }
}

/// What is removed over all under the settings: the target, or what a pattern says.
pub fn target(state: &PruneState) -> f64 {
    pattern(state.scope).unwrap_or(state.target)
}

/// Sparsities as they stand, one an entry.
pub fn current(entries: &[Entry], state: &PruneState, all: &Allocations, profiles: &BTreeMap<Key, Rc<Profile>>) -> Vec<f64> {
    match state.scope {
        // A calibrated pattern may differ by block.
        Scope::NOfM { .. } => match (&all.owl, state.allocation) {
            (Some(owl), Allocation::Owl) if state.calibrated.rule != Rule::Magnitude => owl.clone(),
            _ => vec![target(state); entries.len()],
        },
        Scope::Global => global(entries, state.target, profiles).unwrap_or_else(|| all.uniform.clone()),
        Scope::Tensor | Scope::Row => match state.allocation {
            Allocation::Uniform => all.uniform.clone(),
            Allocation::Erk => all.erk.clone(),
            Allocation::Spectrum => all.spectrum.clone().unwrap_or_else(|| all.uniform.clone()),
            Allocation::Owl => all.owl.clone().unwrap_or_else(|| all.uniform.clone()),
            Allocation::Measured => all.measured.clone().unwrap_or_else(|| all.uniform.clone()),
            Allocation::ByHand => entries.iter().map(|e| state.sparsity.get(&e.key).copied().unwrap_or(state.target)).collect(),
        },
    }
}

/// One cut through all weights, from the profiles: the magnitude under which `target` of all weights lie, and each matrix's share under it.
/// `None` while a profile is missing.
pub fn global(entries: &[Entry], target: f64, profiles: &BTreeMap<Key, Rc<Profile>>) -> Option<Vec<f64>> {
    let found: Vec<&Profile> = entries.iter().map(|e| profiles.get(&e.key).map(|p| &**p)).collect::<Option<_>>()?;
    let shares = |cut: f64| found.iter().map(|p| share_under(p, cut)).collect::<Vec<_>>();
    let sizes = sizes(entries);
    let (mut low, mut high) = (0.0, found.iter().flat_map(|p| p.magnitude.iter()).fold(0.0f64, |a, m| a.max(f64::from(*m))));
    // Halving 60 times leaves less than a float's spacing between the two.
    for _ in 0..60 {
        let mid = (low + high) / 2.0;
        if overall(&shares(mid), &sizes) < target { low = mid } else { high = mid }
    }
    Some(shares(high))
}

/// Share of a matrix's weights under a magnitude, between the points of its profile.
fn share_under(p: &Profile, cut: f64) -> f64 {
    let m = &p.magnitude;
    if m.len() < 2 {
        return 0.0;
    }
    let j = m.partition_point(|v| f64::from(*v) < cut);
    if j == 0 {
        return 0.0;
    }
    if j == m.len() {
        return 1.0;
    }
    let (a, b) = (f64::from(m[j - 1]), f64::from(m[j]));
    let within = if b > a { (cut - a) / (b - a) } else { 0.0 };
    (j as f64 - 1.0 + within) / (m.len() - 1) as f64
}

/// A value of a profile between its points: `error` or `magnitude` at a sparsity.
pub fn along(values: &[f32], sparsity: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let at = sparsity.clamp(0.0, 1.0) * last as f64;
    let i = at.floor() as usize;
    let (a, b) = (f64::from(values[i]), f64::from(values[(i + 1).min(last)]));
    a + (b - a) * (at - i as f64)
}

/// Relative error of several matrices together at their sparsities; `None` while a profile is missing.
pub fn error(entries: &[Entry], members: &[usize], sparsities: &[f64], profiles: &BTreeMap<Key, Rc<Profile>>) -> Option<f64> {
    let (mut lost, mut all) = (0.0, 0.0);
    for &i in members {
        let p = profiles.get(&entries[i].key)?;
        let f = p.frobenius * p.frobenius;
        lost += along(&p.error, sparsities[i]).powi(2) * f;
        all += f;
    }
    (all > 0.0).then(|| (lost / all).sqrt())
}

/// Weighted mean of a group.
pub fn mean(values: &[f64], sizes: &[f64], members: &[usize]) -> f64 {
    let total: f64 = members.iter().map(|&i| sizes[i]).sum();
    if total > 0.0 { members.iter().map(|&i| values[i] * sizes[i]).sum::<f64>() / total } else { 0.0 }
}

/// Moves a group's mean sparsity to `value` (its locked members stay), and lets all others that are not locked make up for it.
/// Also what of the budget they could not take, as a share of all weights.
pub fn set_group(values: &[f64], sizes: &[f64], locked: &[bool], group: &[usize], value: f64) -> (Vec<f64>, f64) {
    let mut out = values.to_vec();
    spread(&mut out, sizes, locked, group, value);
    // The group taken as one layer, locked as it now stands; the others take what it gave or owes.
    let others: Vec<usize> = (0..values.len()).filter(|i| !group.contains(i)).collect();
    let size: f64 = group.iter().map(|&i| sizes[i]).sum();
    let merged: Vec<f64> = std::iter::once(mean(values, sizes, group)).chain(others.iter().map(|&i| values[i])).collect();
    let weights: Vec<f64> = std::iter::once(size).chain(others.iter().map(|&i| sizes[i])).collect();
    let held: Vec<bool> = std::iter::once(false).chain(others.iter().map(|&i| locked[i])).collect();
    let moved = rebalance(&merged, &weights, &held, 0, mean(&out, sizes, group), 1.0);
    for (&i, s) in others.iter().zip(&moved.sparsities[1..]) {
        out[i] = *s;
    }
    (out, moved.unkept)
}

/// Moves the mean of a group to `value` by one factor on what its unlocked members have, or have left.
fn spread(values: &mut [f64], sizes: &[f64], locked: &[bool], group: &[usize], value: f64) {
    let free: Vec<usize> = group.iter().copied().filter(|&i| !locked[i]).collect();
    let size: f64 = free.iter().map(|&i| sizes[i]).sum();
    if size <= 0.0 {
        return;
    }
    let total: f64 = group.iter().map(|&i| sizes[i]).sum();
    let fixed: f64 = group.iter().filter(|&&i| locked[i]).map(|&i| values[i] * sizes[i]).sum();
    let to = ((value * total - fixed) / size).clamp(0.0, 1.0);
    let from = mean(values, sizes, &free);
    for &i in &free {
        values[i] = if to <= from {
            if from > 0.0 { values[i] * to / from } else { to }
        } else {
            1.0 - (1.0 - values[i]) * (1.0 - to) / (1.0 - from)
        };
    }
}

/// The sparsities scaled to a new target, locked ones staying.
pub fn retarget(values: &[f64], sizes: &[f64], locked: &[bool], target: f64) -> Vec<f64> {
    let mut out = values.to_vec();
    let all: Vec<usize> = (0..values.len()).collect();
    spread(&mut out, sizes, locked, &all, target);
    out
}

/// The method's configuration for the settings.
pub fn config(state: &PruneState, entries: &[Entry], sparsities: &[f64]) -> Config {
    let scope = match state.scope {
        Scope::Tensor => Among::Tensor,
        Scope::Row => Among::Row,
        Scope::Global => Among::Global,
        // The screen names what is kept, the method what is removed.
        Scope::NOfM { n, m } => Among::Groups { n: m.saturating_sub(n), m },
    };
    let allocation = match state.allocation {
        _ if matches!(state.scope, Scope::Global | Scope::NOfM { .. }) => Shared::Uniform,
        Allocation::Uniform => Shared::Uniform,
        Allocation::Erk => Shared::Erk,
        // The page has computed them from spectra it holds; the method need not do so again.
        Allocation::Spectrum | Allocation::ByHand | Allocation::Owl | Allocation::Measured => Shared::ByHand,
    };
    let by_hand = if allocation == Shared::ByHand { espalier_methods::order::gather(entries.iter().zip(sparsities).map(|(e, s)| (e.key.to_string(), *s))) } else { BTreeMap::new() };
    Config { scope, rule: if state.official { Exactness::Official } else { Exactness::Exact }, sparsity: target(state), allocation, epsilon: EPSILON, by_hand }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::matrices::tests::entry;
    use espalier_nets::checkpoint::Role;

    fn entries() -> Vec<Entry> {
        vec![
            entry("0.q", Role::Q, Some(0), None, [16, 16]),
            entry("0.up", Role::Up, Some(0), None, [64, 16]),
            entry("1.q", Role::Q, Some(1), None, [16, 16]),
            entry("1.up", Role::Up, Some(1), None, [64, 16]),
        ]
    }

    fn profile(name: &str, scale: f32) -> Rc<Profile> {
        // |w| rises linearly from 0 to `scale`.
        let magnitude: Vec<f32> = (0..=100).map(|j| scale * j as f32 / 100.0).collect();
        let error: Vec<f32> = (0..=100).map(|j| (j as f32 / 100.0).powf(1.5)).collect();
        Rc::new(Profile { tensor: name.into(), elements: 1.0, zeros: 0.0, frobenius: f64::from(scale), error: error.into(), magnitude: magnitude.into() })
    }

    #[test]
    fn every_allocation_keeps_the_budget() {
        let e = entries();
        let a = allocations(&e, 0.6, &BTreeMap::new());
        let n = sizes(&e);
        assert!((overall(&a.uniform, &n) - 0.6).abs() < 1e-12);
        assert!((overall(&a.erk, &n) - 0.6).abs() < 1e-9);
        assert_eq!(a.spectrum, None);
    }

    #[test]
    fn a_block_is_moved_and_the_others_give_way() {
        let e = entries();
        let n = sizes(&e);
        let s = [0.5, 0.4, 0.6, 0.5];
        for value in [0.0, 0.2, 0.7, 0.9] {
            let (out, unkept) = set_group(&s, &n, &[false; 4], &[0, 1], value);
            assert!((mean(&out, &n, &[0, 1]) - value).abs() < 1e-12);
            let kept = overall(&out, &n) + unkept;
            assert!((kept - overall(&s, &n)).abs() < 1e-12, "{value}: {kept}");
            assert!(out.iter().all(|v| (-1e-12..=1.0 + 1e-12).contains(v)));
        }
    }

    #[test]
    fn locked_bars_do_not_move() {
        let e = entries();
        let n = sizes(&e);
        let s = [0.5, 0.4, 0.6, 0.5];
        let (out, unkept) = set_group(&s, &n, &[true, false, true, false], &[0, 1], 0.3);
        assert_eq!((out[0], out[2]), (0.5, 0.6));
        assert!(unkept.abs() < 1e-12 && (overall(&out, &n) - overall(&s, &n)).abs() < 1e-12);
        let (out, unkept) = set_group(&s, &n, &[true, true, false, false], &[0, 1], 0.9);
        assert_eq!((out.as_slice(), unkept), (&s[..], 0.0), "a locked block cannot be moved");
        let r = retarget(&s, &n, &[true, false, false, false], 0.8);
        assert_eq!(r[0], 0.5);
        assert!((overall(&r, &n) - 0.8).abs() < 1e-12);
    }

    #[test]
    fn a_global_cut_follows_from_the_profiles() {
        let e = entries();
        let profiles: BTreeMap<Key, Rc<Profile>> = e.iter().zip([1.0, 2.0, 1.0, 2.0]).map(|(x, s)| (x.key.clone(), profile(&x.name, s))).collect();
        let s = global(&e, 0.5, &profiles).expect("all profiles are there");
        assert!((overall(&s, &sizes(&e)) - 0.5).abs() < 1e-6);
        assert!((s[0] - 2.0 * s[1]).abs() < 1e-6, "one magnitude for all");
        assert_eq!(global(&e, 0.5, &BTreeMap::new()), None);
        let err = error(&e, &[0, 1], &[0.25, 0.25, 0.0, 0.0], &profiles).expect("known");
        assert!((err - 0.125).abs() < 1e-6);
    }

    #[test]
    fn settings_become_the_methods_configuration() {
        let e = entries();
        let mut state = PruneState { scope: Scope::NOfM { n: 1, m: 4 }, ..PruneState::default() };
        let c = config(&state, &e, &[0.75; 4]);
        assert_eq!((c.scope, c.sparsity, c.allocation), (Among::Groups { n: 3, m: 4 }, 0.75, Shared::Uniform));
        state.scope = Scope::Tensor;
        state.allocation = Allocation::ByHand;
        let c = config(&state, &e, &[0.1, 0.2, 0.3, 0.4]);
        assert_eq!((c.by_hand.len(), c.by_hand["1.up"]), (4, 0.4));
    }

    #[test]
    fn profiles_are_read_between_their_points() {
        let p = profile("w", 1.0);
        assert!((along(&p.magnitude, 0.505) - 0.505).abs() < 1e-6);
        assert!(along(&[], 0.5).is_nan());
        assert_eq!(share_under(&p, -1.0), 0.0);
        assert_eq!(share_under(&p, 2.0), 1.0);
    }
}
