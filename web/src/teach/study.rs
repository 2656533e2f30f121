//! The lesson of the Study place.

use super::lessons::Step;
use crate::app::state::{Allocation, State};
use crate::screens::study::shown;

/// Its steps.
pub const STUDY: [Step; 8] = [
    Step {
        say: "One block at a time is pruned to each share while all others stay dense: what does the model then lose? Press Sweep, and let it fill the map.",
        aim: "[data-test=sweep-run]",
        done: |s, _| s.summary.as_ref().is_some_and(|m| m.blocks > 0 && s.language.cells.len() >= m.blocks as usize * 5),
    },
    Step {
        say: "Loss is what the last block says. Look at the output error instead: how much of a part’s own outputs changed. Blocks that look alike in one map may part in the other.",
        aim: "[data-test=sweep-shown]",
        done: |s, _| s.view("study-sweep").as_deref() == Some("error"),
    },
    Step { say: "What was measured can be acted on: take it as an allocation. Blocks that the sweep found costly will keep more.", aim: "[data-test=sweep-take]", done: |s, _| s.prune().allocation == Allocation::Measured },
    Step {
        say: "Back in Study, a change that changes nothing: some channels get a gain, and what reads them is divided by it. Press Rescale and prune, and see which rule minds.",
        aim: "[data-test=rescale-run]",
        done: |s, _| s.language.patch.is_some(),
    },
    Step {
        say: "Move the gain to its right end and watch both masks. One of them does not move at all: weight times input is what it was.",
        aim: "[data-test=rescale-gain]",
        done: |s, _| {
            let last = s.language.rescaled.iter().filter(|r| r.rule == "wanda").count();
            last > 1 && s.view("study-gain").and_then(|v| v.parse().ok()) == Some(last - 1)
        },
    },
    Step {
        say: "Now the texts. Does it matter what is read before pruning, and more so when more is removed? Ask for two sparsities in one run: type 50, 70.",
        aim: "[data-test=study-sparsity]",
        done: |s, _| s.study().ladder_of_study().len() > 1,
    },
    Step {
        say: "Run the prunings. A run that is stopped goes on later where it was. When it has ended, each claim of the paper has a verdict, for each sparsity.",
        aim: "[data-test=study-run]",
        done: |s, _| !s.language.claims.is_empty(),
    },
    Step {
        say: "A question. At the largest sparsity, on which text do the sources part most, from the best row to the worst? Show that sparsity, then choose that text under domain.",
        aim: "[data-test=study-domain]",
        done: parted_most,
    },
];

/// Whether the largest sparsity is shown, and of it the domain whose best and worst sources lie furthest apart.
fn parted_most(state: &State, _: &super::lessons::Since) -> bool {
    let runs = &state.language.study;
    let at = shown(state);
    let most = runs.iter().map(|r| r.asked).fold(0.0, f64::max);
    let Some(chosen) = state.view("study-domain").filter(|_| at == most) else { return false };
    let of = |d: usize| {
        let mut means: Vec<(&str, f64, f64)> = Vec::new();
        for r in runs.iter().filter(|r| r.asked == at) {
            match means.iter_mut().find(|m| m.0 == r.source) {
                Some(m) => (m.1, m.2) = (m.1 + r.nats[d], m.2 + 1.0),
                None => means.push((&r.source, r.nats[d], 1.0)),
            }
        }
        let (low, high) = means.iter().map(|m| m.1 / m.2).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        high - low
    };
    let domains = runs.first().map(|r| r.domains.as_slice()).unwrap_or_default();
    (0..domains.len()).max_by(|a, b| of(*a).total_cmp(&of(*b))).is_some_and(|d| *domains[d] == *chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    use espalier_methods::findings::StudyRun;

    #[test]
    fn the_answer_is_the_widest_domain_of_the_largest_sparsity() {
        let run = |source: &str, asked: f64, nats: [f64; 2]| StudyRun { source: source.into(), seed: 7, sparsity: asked, asked, domains: vec!["a".into(), "b".into()], dense: vec![1.0, 1.0].into(), nats: nats.to_vec().into() };
        let mut state = State::default();
        // At 0.5 the sources part most on a, at 0.7 on b.
        Rc::make_mut(&mut state.language).study = vec![run("x", 0.5, [1.0, 2.0]), run("y", 0.5, [3.0, 2.1]), run("x", 0.7, [1.0, 2.0]), run("y", 0.7, [1.5, 4.0])];
        let mut look = |name: &str, how: &str| {
            let views = Rc::make_mut(&mut state.views);
            views.retain(|(n, _)| **n != *name);
            views.push((name.into(), how.into()));
            parted_most(&state, &Default::default())
        };
        assert!(!look("study-domain", "a"), "the smaller sparsity is shown first");
        assert!(!look("study-at", "0.7"));
        assert!(look("study-domain", "b"));
    }
}
