//! Medians, ratios, and whether the promises hold.

use serde_json::{Value, json};

use super::Results;
use super::items::{Bar, Item};

/// All times of one peer on one item.
#[derive(Default)]
pub struct Outcome {
    times: Vec<f64>,
    /// Longest first call.
    first: f64,
    /// Largest error.
    error: f64,
    failed: Option<String>,
}

impl Outcome {
    /// Takes what a turn gave.
    pub fn add(&mut self, turn: &Value) {
        if let Some(why) = turn["failed"].as_str() {
            return self.fail(why.to_owned());
        }
        self.times.extend(turn["times"].as_array().into_iter().flatten().filter_map(Value::as_f64));
        self.times.sort_by(f64::total_cmp);
        self.first = self.first.max(turn["first"].as_f64().unwrap_or(0.0));
        // An error that is no number is not a small one.
        self.error = self.error.max(turn["error"].as_f64().unwrap_or(f64::INFINITY));
    }

    /// Nothing more will come.
    pub fn fail(&mut self, why: String) {
        self.failed = Some(why);
    }

    /// Whether another round would tell something: not after a failure, and not where one call takes ten seconds.
    pub fn wants_more(&self) -> bool {
        self.failed.is_none() && self.median().is_none_or(|ms| ms < 10_000.0)
    }

    fn median(&self) -> Option<f64> {
        self.times.get(self.times.len() / 2).copied().filter(|_| self.failed.is_none())
    }

    /// The median, if the result is right.
    fn right(&self, limit: f64) -> Option<f64> {
        self.median().filter(|_| self.error <= limit)
    }

    /// For the file.
    pub fn json(&self) -> Value {
        match &self.failed {
            Some(why) => json!({ "failed": why }),
            None => json!({ "median_ms": self.median(), "min_ms": self.times.first(), "max_ms": self.times.last(), "samples": self.times.len(), "first_ms": self.first, "error": self.error }),
        }
    }
}

/// One row for people.
pub fn line(outcome: &Outcome, limit: f64) -> String {
    match (&outcome.failed, outcome.median()) {
        (Some(why), _) => why.clone(),
        (None, Some(median)) => {
            let (least, most) = (outcome.times[0], outcome.times[outcome.times.len() - 1]);
            let wrong = if outcome.error <= limit { "" } else { "  WRONG" };
            let first = if outcome.first > 0.0 { format!(", first {:.0}", outcome.first) } else { String::new() };
            format!("{median:>9.2} ms  ({least:.2}–{most:.2}, {} samples{first})  error {:.1e}{wrong}", outcome.times.len(), outcome.error)
        }
        (None, None) => "no answer".into(),
    }
}

/// Prints ratios and promises; gives how many of our own results are wrong or missing.
pub fn print(items: &[Item], results: &Results) -> usize {
    let mut wrong = 0;
    println!("\nTimes over the fastest right one of the item:");
    for item in items {
        let rows = &results[&item.name];
        let right: Vec<(&str, f64)> = rows.iter().filter_map(|(p, o)| Some((p.as_str(), o.right(item.limit)?))).collect();
        let best = right.iter().map(|r| r.1).fold(f64::INFINITY, f64::min);
        let words: Vec<String> = right.iter().map(|(p, ms)| format!("{p} {:.2}", ms / best)).collect();
        println!("{:<26} {}", item.name, words.join(", "));
        wrong += rows.iter().filter(|(p, o)| item.is_ours(p) && o.right(item.limit).is_none()).count();
    }
    println!("\nPromises:");
    for item in items {
        let of = |peer: &str| results[&item.name].iter().find(|r| r.0 == peer).map(|r| &r.1);
        let time = |peer: &str| of(peer).and_then(|o| o.right(item.limit));
        for bar in &item.bars {
            let (text, held) = match bar {
                Bar::Ratio(ours, theirs, most) => {
                    let best = theirs.iter().filter_map(|p| time(p)).reduce(f64::min);
                    let ratio = time(ours).zip(best).map(|(a, b)| a / b);
                    let asked = if *most < 0.5 { format!("at least {:.0} × ahead of {}", most.recip(), theirs.join(", ")) } else { format!("at most {most:.2} × the time of {}", theirs.join(", ")) };
                    let got = ratio.map_or("not measured".into(), |r| if *most < 0.5 { format!("{:.1} × ahead", r.recip()) } else { format!("{r:.2} ×") });
                    (format!("{ours}: {asked}: {got}"), ratio.map(|r| r <= *most))
                }
                Bar::Within(ours, most) => {
                    (format!("{ours}: at most {most:.0} ms: {}", time(ours).map_or("not measured".into(), |t| format!("{t:.1} ms"))), time(ours).map(|t| t <= *most))
                }
                Bar::Error(ours, most) => {
                    let error = of(ours).filter(|o| o.median().is_some()).map(|o| o.error);
                    (format!("{ours}: error at most {most:.0e}: {}", error.map_or("not measured".into(), |e| format!("{e:.1e}"))), error.map(|e| e <= *most))
                }
            };
            let verdict = held.map_or("–", |h| if h { "holds" } else { "MISSED" });
            println!("{:<26} {text}  {verdict}", item.name);
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_taken_together_and_errors_are_not_forgotten() {
        let mut o = Outcome::default();
        o.add(&json!({ "times": [5.0, 3.0], "first": 9.0, "error": 1e-6 }));
        o.add(&json!({ "times": [4.0], "first": 2.0, "error": 0.0 }));
        assert_eq!((o.median(), o.first, o.error), (Some(4.0), 9.0, 1e-6));
        assert_eq!(o.right(1e-5), Some(4.0));
        assert_eq!(o.right(1e-7), None);
        o.add(&json!({ "times": [1.0], "error": null }));
        assert_eq!(o.right(1.0), None, "an error of NaN arrives as null");
        o.add(&json!({ "failed": "gone" }));
        assert!(o.median().is_none() && !o.wants_more());
    }
}
