//! The sentences.

use espalier_methods::experts::{Measure, Point, Routing};

use crate::plot::number::{fixed, number, percent, plural};

/// What the grid shows.
pub fn grid(r: &Routing, upto: usize, measure: Measure) -> String {
    let counts = r.grid(Measure::Count, upto);
    let idle = counts.iter().filter(|c| **c == 0.0).count();
    let even = upto as f64 * f64::from(r.per_token) / f64::from(r.experts.max(1));
    let busiest = (0..r.layers()).map(|l| (l, r.balance(l, upto))).filter(|(_, b)| b.peak.is_finite()).max_by(|a, b| a.1.peak.total_cmp(&b.1.peak));
    let mut out = match busiest {
        Some((l, b)) => format!("Block {} spreads its tokens least: its busiest expert takes {} times its share. ", r.blocks[l], fixed(b.peak, 1)),
        None => String::new(),
    };
    out.push_str(&match (idle, measure) {
        (0, Measure::Count) => format!("Every expert was woken; an even load would be {} tokens each.", number(even)),
        (0, _) => "Every expert was woken.".to_owned(),
        (n, _) => format!("{} not been woken yet.", if n == 1 { "1 expert has".to_owned() } else { format!("{n} experts have") }),
    });
    out.push_str(" Expert numbers mean nothing across layers.");
    out
}

/// What two texts wake differently.
pub fn difference(a: &Routing, b: &Routing) -> String {
    let far = (0..a.layers()).map(|l| (l, a.specialisation(b, l))).max_by(|x, y| x.1.total_cmp(&y.1));
    let near = (0..a.layers()).map(|l| (l, a.specialisation(b, l))).min_by(|x, y| x.1.total_cmp(&y.1));
    match (far, near) {
        (Some((f, v)), Some((n, w))) => format!(
            "Red wakes for the first text, blue for the second. Block {} tells them apart most, {} of the ln 2 nats that two texts without an expert in common have; block {} least, {}.",
            a.blocks[f], percent(v / std::f64::consts::LN_2), a.blocks[n], percent(w / std::f64::consts::LN_2)
        ),
        _ => String::new(),
    }
}

/// Which two of a layer come together most.
pub fn pairs(r: &Routing, layer: usize) -> String {
    let (lift, both, n) = (r.lift(layer), r.together(layer), r.experts as usize);
    let best = (0..n * n).filter(|at| at / n < at % n && both[*at] >= 5.0 && lift[*at].is_finite()).max_by(|a, b| lift[*a].total_cmp(&lift[*b]));
    match best {
        Some(at) => format!("In block {}, experts {} and {} are chosen together {} times as often as chance would have it, {}.", r.blocks[layer], at / n, at % n, fixed(lift[at], 1), plural(both[at] as usize, "token", "tokens")),
        None => format!("In block {}, no two experts have been chosen together five times; a longer text would show pairs.", r.blocks[layer]),
    }
}

/// What a plan costs.
pub fn cost(whole: Option<&Point>, point: &Point) -> String {
    let kept = whole.map_or_else(String::new, |w| format!(", {} of the parameters", percent(point.parameters / w.parameters.max(1.0))));
    let before = whole.map_or_else(String::new, |w| format!(" (whole: {})", fixed(w.perplexity, 3)));
    format!("Perplexity {}{before}{kept}.", fixed(point.perplexity, 3))
}
