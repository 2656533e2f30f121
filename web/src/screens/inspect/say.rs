//! The sentences under the figures. Each is made of the numbers that the figure shows, and says the most telling of them.

use espalier_lab::protocol::TensorStats;
use espalier_methods::report::{Cells, Spectrum};

use super::model::{Matrix, kinds, need};
use super::rows::median;
use crate::plot::number::{count, number, percent, plural, sig};

/// Share of a normal distribution beyond four standard deviations, both sides: 2·(1 − Φ(4)).
const NORMAL_BEYOND_4: f64 = 6.334e-5;

/// Under the histogram.
pub fn weights(s: &TensorStats) -> String {
    let finite = s.elements - s.nan - s.infinite;
    if s.elements == 0.0 {
        return "The tensor has no elements.".into();
    }
    if finite <= 0.0 {
        return "No value is finite, so there is nothing to count.".into();
    }
    let mut out = if s.std == 0.0 {
        format!("All values are {}.", number(s.mean))
    } else {
        let form = match s.kurtosis {
            k if k < 2.5 => "Flatter than a bell",
            k if k <= 3.5 => "Bell-shaped",
            _ => "More pointed than a bell, with longer tails",
        };
        let tail = if s.outliers == 0.0 {
            "no weight lies beyond ±4 std".to_owned()
        } else {
            let times = s.outliers / finite / NORMAL_BEYOND_4;
            let compared = match times {
                t if t > 1.5 => format!("{} times as many as a normal distribution would have", sig(t, 2)),
                t if t < 0.67 => "fewer than a normal distribution would have".into(),
                _ => "as a normal distribution would have it".into(),
            };
            let verb = if s.outliers == 1.0 { "lies" } else { "lie" };
            format!("{} of {} {verb} beyond ±4 std, {compared}", count(s.outliers), count(finite))
        };
        format!("{form}: {tail}.")
    };
    if s.zeros / s.elements >= 0.001 {
        out += &format!(" {} are exactly zero.", percent(s.zeros / s.elements));
    }
    let odd = s.nan + s.infinite;
    if odd > 0.0 {
        out += &format!(" {} left out: {} not a number, {} infinite.", plural(odd as usize, "value is", "values are"), count(s.nan), count(s.infinite));
    }
    out
}

/// Under the heat-map. `of` are the rows and columns of the matrix.
pub fn cells(means: &Cells, peaks: &Cells, row_norms: &[f32], of: [u64; 2]) -> String {
    let at = |i: usize| (i / peaks.cols.max(1) as usize, i % peaks.cols.max(1) as usize);
    let Some((place, peak)) = peaks.values.iter().copied().enumerate().filter(|(_, v)| v.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return "There is no finite value to draw.".into();
    };
    if peak == 0.0 {
        return "Every weight is zero.".into();
    }
    let (r, c) = at(place);
    let span = |i: usize, cells: u32, of: u64| {
        let step = of as f64 / f64::from(cells.max(1));
        let (a, b) = ((i as f64 * step).floor(), ((i as f64 + 1.0) * step).ceil().min(of as f64) - 1.0);
        if b <= a { count(a) } else { format!("{}–{}", count(a), count(b)) }
    };
    let mut out = format!("The largest |w|, {}, is of output {} and input {}.", number(f64::from(peak)), span(r, peaks.rows, of[0]), span(c, peaks.cols, of[1]));
    let norms: Vec<f64> = row_norms.iter().map(|v| f64::from(*v)).filter(|v| v.is_finite()).collect();
    if norms.len() > 2 {
        let (most, mid) = (norms.iter().copied().fold(0.0, f64::max), median(norms.clone()));
        if mid > 0.0 {
            let loud = norms.iter().filter(|n| **n > 1.5 * mid).count();
            // Even rows are the common case and are seen in the bars.
            if loud > 0 {
                out += &format!(" {} over 1.5 times the median norm, up to {}.", plural(loud, "group of rows is", "groups of rows are"), sig(most / mid, 3));
            }
        }
    }
    if let Some(c) = loud_column(means) {
        out += &format!(" Inputs {} stand out in every row.", span(c, means.cols, of[1]));
    }
    out
}

/// The column of cells whose mean square is over four times the median's, if there is one.
fn loud_column(means: &Cells) -> Option<usize> {
    let cols = means.cols as usize;
    if cols < 3 || means.rows < 3 {
        return None;
    }
    let square: Vec<f64> = (0..cols).map(|c| means.values.iter().skip(c).step_by(cols).map(|v| f64::from(*v).powi(2)).sum()).collect();
    let mid = median(square.clone());
    let (c, most) = square.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (mid > 0.0 && most > 4.0 * mid).then_some(c)
}

/// Under one matrix's spectrum.
pub fn spectrum(s: &Spectrum) -> String {
    let full = s.values.len();
    if full == 0 {
        return "The matrix is empty and has no singular values.".into();
    }
    if s.frobenius == 0.0 {
        return "The matrix is zero: all singular values are.".into();
    }
    let above = s.values.iter().take_while(|v| **v > s.random_edge).count();
    let mut out = match above {
        0 => "No direction rises above a random matrix of this shape and variance.".to_owned(),
        n if n == full => "Every direction rises above a random matrix of this shape and variance.".to_owned(),
        n => {
            let energy = s.values[..n].iter().map(|v| v * v).sum::<f64>() / (s.frobenius * s.frobenius);
            let verb = if n == 1 { "rises" } else { "rise" };
            format!("{} of {} directions {verb} above a random matrix of this shape and variance, with {} of the energy.", count(n as f64), count(full as f64), percent(energy))
        }
    };
    let zero = full - (s.numerical_rank as usize).min(full);
    if zero > 0 {
        out += &format!(" The last {} at rounding level: the numerical rank is {}.", plural(zero, "value is", "values are"), count(f64::from(s.numerical_rank)));
    }
    out
}

/// How exact the singular values are, in words.
pub fn floor(s: &Spectrum) -> String {
    let top = s.values.first().copied().unwrap_or(0.0);
    let below = s.values.iter().filter(|v| **v <= s.floor).count();
    let relative = if top > 0.0 { format!(", {} of the largest", sig(s.floor / top, 2)) } else { String::new() };
    let mut out = format!("{}. Each σ is right to ±{}{relative}", s.route, sig(s.floor, 2));
    out += &match below {
        0 => "; all of them are larger than that.".to_owned(),
        n => format!("; {} not told from zero.", plural(n, "value is", "values are")),
    };
    out
}

/// Under the energy curve.
pub fn energy(s: &Spectrum) -> String {
    let full = s.values.len() as f64;
    if full == 0.0 || s.frobenius == 0.0 {
        return "There is no energy to share out.".into();
    }
    let [a, b, c] = s.energy_ranks.map(f64::from);
    format!("90 % of the energy lies in {} of {} directions, 95 % in {}, 99 % in {}: {} of full rank.", count(a), count(full), count(b), count(c), percent(c / full))
}

/// Under the spectra by block: which roles need few directions, how foot and tip differ, what is still open.
pub fn blocks(matrices: &[Matrix], running: bool) -> String {
    let inside: Vec<&Matrix> = matrices.iter().filter(|m| m.block.is_some()).collect();
    let known = inside.iter().filter(|m| m.spectrum.is_some()).count();
    if known == 0 {
        return if running { "The first spectrum is being computed.".into() } else { "No spectrum has been computed yet.".into() };
    }
    let mut out = String::new();
    let mut by_kind: Vec<(&str, f64)> = kinds(matrices)
        .into_iter()
        .map(|(word, _)| (word, median(inside.iter().filter(|m| m.word() == word).filter_map(|m| m.spectrum.as_deref().and_then(need)).collect())))
        .filter(|(_, v)| v.is_finite())
        .collect();
    espalier_methods::order::by_number(&mut by_kind, |k| k.1);
    match by_kind.as_slice() {
        [] => out += "All matrices so far are zero.",
        [(word, v)] => out += &format!("For 95 % of its energy {word} needs {} of its rank at the median.", percent(*v)),
        [(low, a), .., (high, b)] => out += &format!("For 95 % of its energy {low} needs the least, {} of its rank at the median, {high} the most, {}.", percent(*a), percent(*b)),
    }
    if let Some((foot, tip)) = foot_and_tip(&inside) {
        out += &match foot - tip {
            d if d < -0.05 => format!(" The foot of the tree needs less than the tip: {} against {}.", percent(foot), percent(tip)),
            d if d > 0.05 => format!(" The tip of the tree needs less than the foot: {} against {}.", percent(tip), percent(foot)),
            _ => format!(" Foot and tip of the tree need about the same: {} and {}.", percent(foot), percent(tip)),
        };
    }
    let open = inside.len() - known;
    if open > 0 {
        out += &format!(" {} {}.", plural(open, "matrix is", "matrices are"), if running { "still running" } else { "not computed" });
    }
    out
}

/// Medians over the lowest and the highest third of the blocks, where both are known.
fn foot_and_tip(inside: &[&Matrix]) -> Option<(f64, f64)> {
    let top = inside.iter().filter_map(|m| m.block).max()?;
    if top < 2 {
        return None;
    }
    let third = f64::from(top + 1) / 3.0;
    let of = |keep: &dyn Fn(f64) -> bool| {
        let v: Vec<f64> = inside.iter().filter(|m| m.block.is_some_and(|b| keep(f64::from(b)))).filter_map(|m| m.spectrum.as_deref().and_then(need)).collect();
        (!v.is_empty()).then(|| median(v))
    };
    Some((of(&|b| b < third)?, of(&|b| b >= 2.0 * third)?))
}

/// Under the finished example: attention against feed-forward.
pub fn example(matrices: &[Matrix]) -> String {
    let half = |words: &[&str]| median(matrices.iter().filter(|m| m.block.is_some() && words.contains(&m.word())).filter_map(|m| m.spectrum.as_deref().and_then(need)).collect());
    let (attention, forward) = (half(&["q", "k", "v", "o"]), half(&["gate", "up", "down"]));
    if !(attention.is_finite() && forward.is_finite()) {
        return blocks(matrices, false);
    }
    let (less, more) = if attention <= forward { ("Attention", "the feed-forward matrices") } else { ("The feed-forward matrices", "attention") };
    let (a, b) = (attention.min(forward), attention.max(forward));
    format!("{less} need{} {} of full rank for 95 % of the energy, {more} {}, at the median.", if less == "Attention" { "s" } else { "" }, percent(a), percent(b))
}

#[cfg(test)]
#[path = "say_tests.rs"]
mod tests;
