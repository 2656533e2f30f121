//! The four claims of the calibration paper, held against the runs of a study. Differences are of the loss that pruning adds, in nats a token: under zero is better.

use super::sources::{MIXTURE, RANDOM, REPEATED, name_of};
use crate::calibration::OWN;
use crate::findings::{Claim, StudyRun, Verdict};

/// Loss that pruning added: mean over the domains that `of` picks; NaN where there are none.
fn added(run: &StudyRun, of: impl Fn(&str) -> bool) -> f64 {
    let all: Vec<f64> = (0..run.domains.len()).filter(|&d| of(&run.domains[d])).map(|d| run.nats[d] - run.dense[d]).collect();
    if all.is_empty() { f64::NAN } else { all.iter().sum::<f64>() / all.len() as f64 }
}

/// One number a seed.
struct Seeds<'a> {
    asked: f64,
    runs: Vec<&'a StudyRun>,
    seeds: Vec<u64>,
}

impl<'a> Seeds<'a> {
    fn new(runs: &'a [StudyRun], asked: f64) -> Self {
        let runs: Vec<&StudyRun> = runs.iter().filter(|r| r.asked == asked).collect();
        let mut seeds: Vec<u64> = runs.iter().map(|r| r.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        Self { asked, runs, seeds }
    }

    fn of(&self, source: &str, seed: u64) -> Option<&StudyRun> {
        self.runs.iter().copied().find(|r| r.source == source && r.seed == seed)
    }

    /// Mean over seeds of what a source adds on the domains.
    fn mean(&self, source: &str, of: &dyn Fn(&str) -> bool) -> f64 {
        let all: Vec<f64> = self.seeds.iter().filter_map(|s| Some(added(self.of(source, *s)?, of))).collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    }

    /// One text less another, on the domains that neither of them is where there are such: a text that has calibrated must not judge itself.
    fn versus(&self, claim: &str, text: Option<&str>, general: &str) -> Claim {
        let Some(text) = text else { return self.claim(claim, "no other text was run".into(), |_| None) };
        let apart = |d: &str| d != text && d != general;
        let any = self.runs.first().is_some_and(|r| r.domains.iter().any(|d| apart(d)));
        let fair = |d: &str| !any || apart(d);
        let words = if any { format!("{text} less {general}, on texts that neither is") } else { format!("{text} less {general}") };
        self.claim(claim, words, |seed| Some(added(self.of(text, seed)?, fair) - added(self.of(general, seed)?, fair)))
    }

    /// A claim whose difference is given for each seed; seeds where something has not run are left out.
    fn claim(&self, claim: &str, difference: String, by_seed: impl Fn(u64) -> Option<f64>) -> Claim {
        let all: Vec<f64> = self.seeds.iter().filter_map(|s| by_seed(*s)).filter(|d| d.is_finite()).collect();
        let (asked, claim, seeds) = (self.asked, claim.to_owned(), all.len() as u32);
        if all.is_empty() {
            return Claim { asked, claim, difference, mean: 0.0, spread: 0.0, seeds, verdict: Verdict::NotRun };
        }
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let spread = all.iter().map(|d| (d - mean).abs()).fold(0.0, f64::max);
        let verdict = match () {
            () if all.iter().all(|d| *d < 0.0) => Verdict::Holds,
            () if all.iter().all(|d| *d > 0.0) => Verdict::Fails,
            () => Verdict::Open,
        };
        Claim { asked, claim, difference, mean, spread, seeds, verdict }
    }
}

/// The claims of the runs that were asked for one sparsity. `general` is the source that stands for C4.
pub fn claims(runs: &[StudyRun], asked: f64, general: &str) -> Vec<Claim> {
    let s = Seeds::new(runs, asked);
    let mut sources: Vec<&str> = Vec::new();
    for r in &s.runs {
        if !sources.contains(&r.source.as_str()) {
            sources.push(&r.source);
        }
    }
    let all = |_: &str| true;
    let texts: Vec<&str> = sources.iter().copied().filter(|n| ![MIXTURE, RANDOM, REPEATED, OWN].contains(n) && !n.contains(':')).collect();
    let best = texts.iter().copied().filter(|n| *n != general).min_by(|a, b| s.mean(a, &all).total_cmp(&s.mean(b, &all)));
    let mut out = Vec::new();
    out.push(s.versus("General web text is not the best to calibrate with, on the mean of all domains.", best, general));
    let sums = sources.iter().copied().find(|n| name_of(n) == "arithmetic");
    out.push(s.versus("Arithmetic texts do as well as general ones, or better.", sums, general));
    // Of the domains that are also sources: what the own text adds, less the mean of what the others add.
    let own = |seed: u64, name: &str| {
        let here = |d: &str| d == name;
        let others: Vec<f64> = texts.iter().filter(|t| **t != name).filter_map(|t| Some(added(s.of(t, seed)?, here))).collect();
        (!others.is_empty()).then(|| Some(added(s.of(name, seed)?, here) - others.iter().sum::<f64>() / others.len() as f64))?
    };
    let matching = s.claim("A text like the task does not reliably help with the task.", "own text less the other texts, mean over domains that are sources".into(), |seed| {
        let each: Vec<f64> = texts.iter().filter_map(|t| own(seed, t)).filter(|d| d.is_finite()).collect();
        (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
    });
    // The claim says that it does not help: a difference under zero in all seeds speaks against it.
    let turned = match matching.verdict {
        Verdict::Holds => Verdict::Fails,
        Verdict::Fails => Verdict::Holds,
        v => v,
    };
    out.push(Claim { verdict: turned, ..matching });
    let told = |format: &str, from: &str, seed: u64| {
        let of = |f: &str| {
            let each: Vec<f64> = sources.iter().filter(|n| n.ends_with(&format!(":{f}"))).filter_map(|n| Some(added(s.of(n, seed)?, all))).collect();
            (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
        };
        Some(of(format)? - of(from)?)
    };
    out.push(s.claim("Many examples in a window do better than one with padding.", "many less one".into(), |seed| told("in_context", "single", seed)));
    out.push(s.claim("Reasons before the answers help further (the paper: only some tasks).", "with reasons less many".into(), |seed| told("chain_of_thought", "in_context", seed)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(source: &str, seed: u64, nats: [f64; 2]) -> StudyRun {
        StudyRun { source: source.into(), seed, sparsity: 0.5, asked: 0.5, domains: vec!["web".into(), "arithmetic".into()], dense: vec![1.0, 1.0].into(), nats: nats.to_vec().into() }
    }

    #[test]
    fn a_claim_holds_fails_or_stays_open_by_all_its_seeds() {
        let mut runs: Vec<StudyRun> = (0..3).flat_map(|s| [run("web", s, [1.2, 1.6]), run("arithmetic", s, [1.3, 1.2 + 0.1 * s as f64])]).collect();
        let c = claims(&runs, 0.5, "web");
        assert_eq!(c[0].verdict, Verdict::Holds, "{c:?}");
        assert!((c[0].mean + 0.1).abs() < 1e-12 && (c[0].spread - 0.05).abs() < 1e-12 && c[0].seeds == 3);
        assert_eq!(c[0].difference, "arithmetic less web");
        // Own text: web 1.2 against 1.3, arithmetic 1.2 … 1.4 against 1.6: it helps in every seed, so the claim that it does not fails.
        assert_eq!(c[2].verdict, Verdict::Fails);
        assert_eq!((c[3].verdict, c[4].verdict), (Verdict::NotRun, Verdict::NotRun));
        runs.iter_mut().filter(|r| r.source == "arithmetic" && r.seed == 1).for_each(|r| r.nats = vec![2.0, 2.0].into());
        assert_eq!(claims(&runs, 0.5, "web")[0].verdict, Verdict::Open);
        runs.extend((0..2).flat_map(|s| [run("arithmetic:single", s, [1.4, 1.4]), run("arithmetic:in_context", s, [1.5, 1.5])]));
        assert_eq!(claims(&runs, 0.5, "web")[3].verdict, Verdict::Fails);
        assert!(claims(&runs, 0.7, "web").iter().all(|c| c.verdict == Verdict::NotRun && c.asked == 0.7), "another sparsity was not run");
        assert!(claims(&[], 0.5, "web").iter().all(|c| c.verdict == Verdict::NotRun));
    }
}
