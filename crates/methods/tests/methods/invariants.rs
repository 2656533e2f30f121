//! What must hold whatever the weights: budgets, orders, counts, and the same answer by a slower way.

use espalier_methods::allocation::{self, Balance, Kernel, counts, elements, erdos_renyi, overall, rebalance};
use espalier_methods::spectra::{summary, truncation_errors};
use espalier_methods::welore::{Config, POINTS, Ranker, Rule, grid, plan};
use proptest::prelude::*;

/// Spectra of assorted shapes: random, level, with a long tail, with equal values, of one value.
fn spectra() -> impl Strategy<Value = Vec<(String, [u32; 2], Vec<f32>)>> {
    let one = (1u32..40, 0u32..40, 0.0f32..1.0, any::<bool>()).prop_flat_map(|(p, more, level, wide)| {
        prop::collection::vec(0.0f32..1.0, p as usize).prop_map(move |mut v| {
            v.iter_mut().for_each(|x| *x = if *x < level * 0.3 { 0.25 } else { x.powi(3) + level });
            v.sort_by(|a, b| b.total_cmp(a));
            (if wide { [p, p + more] } else { [p + more, p] }, v)
        })
    });
    prop::collection::vec(one, 1..8).prop_map(|all| all.into_iter().enumerate().map(|(i, (s, v))| (format!("m{i}"), s, v)).collect())
}

fn ranker(s: &[(String, [u32; 2], Vec<f32>)]) -> Ranker {
    Ranker::from_f32(s.iter().map(|(n, shape, v)| (n.as_str(), *shape, &v[..])))
}

/// The rule as the paper writes it, value by value.
fn brute(values: &[f32], k: f64) -> u32 {
    let (max, min) = (values[0], values[values.len() - 1]);
    if max - min <= 1e-5 * max {
        return 0;
    }
    values.iter().filter(|&&s| (s - min) / (max - min) < k as f32).count() as u32
}

proptest! {
    #[test]
    fn the_reduction_never_falls(s in spectra()) {
        let c = ranker(&s).curve();
        prop_assert!(c.windows(2).all(|w| w[0] <= w[1]));
        prop_assert_eq!(c.len(), POINTS as usize);
        prop_assert_eq!(c[0], 0.0);
    }

    #[test]
    fn ranks_equal_the_rule_written_out(s in spectra(), k in 0.0f64..1.3) {
        let r = ranker(&s);
        let by_hand: Vec<u32> = s.iter().map(|(_, _, v)| brute(v, k)).collect();
        prop_assert_eq!(r.pruned(k), by_hand.clone());
        let total: usize = s.iter().map(|(_, _, v)| v.len()).sum();
        prop_assert_eq!(r.err(k), f64::from(by_hand.iter().sum::<u32>()) / total as f64);
    }

    #[test]
    fn searches_equal_looking_at_every_threshold(s in spectra(), target in 0.0f64..1.0) {
        let r = ranker(&s);
        let all: Vec<(f64, f64)> = (0..POINTS).map(|j| (grid(j), r.err(grid(j)))).collect();
        prop_assert_eq!(r.reach(target), all.iter().find(|(_, e)| *e >= target).map(|(k, _)| *k));
        let least = all.iter().map(|(_, e)| (e - target).abs()).fold(f64::INFINITY, f64::min);
        prop_assert_eq!(Some(r.nearest(target)), all.iter().find(|(_, e)| (e - target).abs() == least).map(|(k, _)| *k));
    }

    #[test]
    fn a_plan_counts_what_it_chose(s in spectra(), threshold in 0.0f64..1.0, min_ratio in 0.0f64..1.0, size_aware in any::<bool>()) {
        let config = Config { rule: Rule::Threshold, threshold, min_ratio, size_aware, ..Config::default() };
        let p = ranker(&s).plan(&config);
        let (mut dense, mut compressed, mut kept, mut total, mut lost, mut all) = (0.0, 0.0, 0u64, 0u64, 0.0, 0.0);
        for ((_, shape, values), c) in s.iter().zip(&p.choices) {
            let (m, n) = (f64::from(shape[0]), f64::from(shape[1]));
            let cut = brute(values, threshold);
            let mut factored = f64::from(cut) / values.len() as f64 > min_ratio;
            if size_aware {
                factored &= f64::from(c.attempted) * (m + n) < m * n;
            }
            prop_assert_eq!((c.attempted, c.factored), (c.full - cut, factored));
            prop_assert_eq!(c.kept, if factored { c.attempted } else { c.full });
            dense += m * n;
            compressed += if factored { f64::from(c.kept) * (m + n) } else { m * n };
            kept += u64::from(c.kept);
            total += u64::from(c.full);
            let squares = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
            let error = (squares(&values[c.kept as usize..]) / squares(values)).sqrt();
            let error = if squares(values) > 0.0 { error } else { 0.0 };
            prop_assert!((c.error - error).abs() < 1e-9);
            lost += squares(&values[c.kept as usize..]);
            all += squares(values);
        }
        prop_assert_eq!((p.dense_params, p.compressed_params), (dense, compressed));
        prop_assert!((p.effective - (total - kept) as f64 / total as f64).abs() < 1e-12);
        prop_assert!(p.attempted >= p.effective - 1e-12);
        prop_assert!(all == 0.0 || (p.error - (lost / all).sqrt()).abs() < 1e-9);
        if size_aware {
            prop_assert!(compressed <= dense);
        }
    }

    #[test]
    fn scaling_by_a_power_of_two_changes_no_rank(s in spectra(), k in 0.0f64..1.0, power in -20i32..20) {
        let scaled: Vec<_> = s.iter().map(|(n, d, v)| (n.clone(), *d, v.iter().map(|x| x * 2f32.powi(power)).collect::<Vec<_>>())).collect();
        prop_assert_eq!(ranker(&s).pruned(k), ranker(&scaled).pruned(k));
    }

    #[test]
    fn the_order_of_matrices_changes_nothing(s in spectra(), target in 0.0f64..1.0) {
        let mut turned = s.clone();
        turned.reverse();
        let config = Config { target, ..Config::default() };
        let (a, mut b) = (ranker(&s).plan(&config), ranker(&turned).plan(&config));
        b.choices.reverse();
        prop_assert_eq!(a.choices, b.choices);
        prop_assert_eq!((a.threshold, a.effective, a.compressed_params), (b.threshold, b.effective, b.compressed_params));
    }

    #[test]
    fn a_plan_at_once_is_a_prepared_one(s in spectra(), target in 0.0f64..1.0) {
        let spectra: Vec<_> = s.iter().map(|(n, d, v)| summary(n, None, *d, v.iter().map(|x| f64::from(*x)).collect(), 0.0, "test")).collect();
        for rule in [Rule::Nearest, Rule::Reach, Rule::Uniform, Rule::Energy, Rule::ByHand] {
            let config = Config { rule, target, energy: target, ..Config::default() };
            prop_assert_eq!(plan(&spectra, &config), Ranker::new(&spectra).plan(&config));
        }
    }

    #[test]
    fn energy_ranks_keep_the_energy_and_no_more(s in spectra(), energy in 0.01f64..1.0) {
        let p = ranker(&s).plan(&Config { rule: Rule::Energy, energy, min_ratio: 0.0, ..Config::default() });
        for ((_, _, v), c) in s.iter().zip(&p.choices) {
            let squares: Vec<f64> = v.iter().map(|x| f64::from(*x).powi(2)).collect();
            let all: f64 = squares.iter().sum();
            let share = |k: u32| squares[..k as usize].iter().sum::<f64>() / all;
            if all > 0.0 {
                prop_assert!(share(c.attempted) >= energy - 1e-9);
                prop_assert!(c.attempted <= 1 || share(c.attempted - 1) <= energy + 1e-9);
            }
        }
    }

    #[test]
    fn truncation_errors_fall_from_one_to_nothing(mut v in prop::collection::vec(0.0f64..10.0, 1..50)) {
        v.sort_by(|a, b| b.total_cmp(a));
        let e = truncation_errors(&v);
        prop_assert!(e.windows(2).all(|w| w[0] >= w[1]));
        prop_assert!(v[0] == 0.0 || (e[0] == 1.0 && e[v.len()] == 0.0));
    }

    #[test]
    fn densities_keep_the_budget(shapes in prop::collection::vec(prop::collection::vec(1u64..40, 2..5), 1..10), sparsity in 0.0f64..1.0) {
        let sizes: Vec<f64> = shapes.iter().map(|s| elements(s)).collect();
        for kernel in [Kernel::Whole, Kernel::Channels] {
            let e = erdos_renyi(&shapes, sparsity, kernel, Balance::Real);
            prop_assert!(e.density.iter().all(|d| (0.0..=1.0).contains(d)));
            prop_assert!((overall(&e.density, &sizes) - (1.0 - sparsity)).abs() < 1e-9);
            prop_assert!(e.rounds as usize <= shapes.len() + 1);
        }
        let whole: Vec<u64> = sizes.iter().map(|n| *n as u64).collect();
        let d = erdos_renyi(&shapes, sparsity, Kernel::Whole, Balance::Real).density;
        let c = counts(&d, &whole, 1.0 - sparsity);
        prop_assert!(c.kept.iter().zip(&whole).all(|(k, n)| (1..=*n).contains(k)));
        if c.target >= shapes.len() as u64 {
            prop_assert_eq!(c.kept.iter().sum::<u64>(), c.target);
        }
    }

    #[test]
    fn tails_keep_the_budget(layers in prop::collection::vec((prop::option::of(1.0f64..12.0), 1.0f64..1e6), 1..12), sparsity in 0.0f64..1.0, epsilon in 0.0f64..1.0) {
        let (alphas, sizes): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        let s = allocation::by_alpha(&alphas, &sizes, sparsity, epsilon);
        prop_assert!(s.iter().all(|v| (0.0..=1.0).contains(v)));
        // With ε = 1 the lightest layer has ratio 0 and gives nothing, so that high budgets may be out of reach.
        if epsilon < 0.99 {
            prop_assert!((overall(&s, &sizes) - sparsity).abs() < 1e-9);
        }
    }

    #[test]
    fn a_moved_bar_keeps_the_mean(layers in prop::collection::vec((0.0f64..1.0, 1.0f64..1e6, any::<bool>()), 1..12), at in any::<prop::sample::Index>(), value in -0.2f64..1.2, max in 0.5f64..1.0) {
        let s: Vec<f64> = layers.iter().map(|l| l.0 * max).collect();
        let sizes: Vec<f64> = layers.iter().map(|l| l.1).collect();
        let locked: Vec<bool> = layers.iter().map(|l| l.2).collect();
        let i = at.index(s.len());
        let r = rebalance(&s, &sizes, &locked, i, value, max);
        prop_assert_eq!(r.sparsities[i], value.clamp(0.0, max));
        prop_assert!(r.sparsities.iter().all(|v| (0.0..=max).contains(v)));
        prop_assert!((overall(&r.sparsities, &sizes) + r.unkept - overall(&s, &sizes)).abs() < 1e-9);
        for j in (0..s.len()).filter(|&j| j != i) {
            prop_assert!(!locked[j] || r.sparsities[j] == s[j]);
        }
        // Something is left over only where the others are at an end of their range.
        if r.unkept.abs() > 1e-9 {
            let end = if r.unkept > 0.0 { max } else { 0.0 };
            prop_assert!((0..s.len()).all(|j| j == i || locked[j] || (r.sparsities[j] - end).abs() < 1e-9));
        }
        // Order is kept among the bars that moved.
        for a in (0..s.len()).filter(|&a| a != i && !locked[a]) {
            for b in (0..s.len()).filter(|&b| b != i && !locked[b]) {
                prop_assert!(s[a] > s[b] || r.sparsities[a] <= r.sparsities[b] + 1e-12);
            }
        }
    }
}

/// The screen drags the threshold at 60 frames a second: planning 154 matrices of 2048 values must be far under a frame. The bound is loose
/// for slow machines and light optimisation; the time is printed.
#[test]
fn planning_is_quick() {
    let values: Vec<f32> = (0..2048).rev().map(|i| (i as f32 / 2048.0).powi(3)).collect();
    let s: Vec<_> = (0..154).map(|i| (format!("model.layers.{i}.weight"), [2048u32, 2048u32], values.clone())).collect();
    let r = ranker(&s);
    let start = std::time::Instant::now();
    let mut sum = 0.0;
    for i in 0..20 {
        sum += r.plan(&Config { rule: Rule::Threshold, threshold: f64::from(i) / 20.0, ..Config::default() }).effective;
    }
    let each = start.elapsed().as_secs_f64() * 1e3 / 20.0;
    println!("one plan of 154 × 2048: {each:.3} ms");
    assert!(sum > 0.0);
}

/// A tail fit tries every start; 4096 values must still be done while nobody waits. Bulk of a random matrix with a tail on top.
#[test]
fn fitting_a_tail_is_quick() {
    let n = 4096;
    let mut v: Vec<f64> = (0..n).map(|i| (f64::from(i) + 0.5) / f64::from(n)).map(|u| if u > 0.9 { (1.0 - u).powf(-0.4) } else { 0.3 + u }).collect();
    v.sort_by(|a, b| b.total_cmp(a));
    let start = std::time::Instant::now();
    let tail = espalier_methods::spectra::tail::fit(&v, 0.0);
    let each = start.elapsed().as_secs_f64() * 1e3;
    println!("one tail of {n} values: {each:.1} ms, {tail:?}");
    assert!(matches!(tail, espalier_methods::report::Tail::Fit { .. }));
}
