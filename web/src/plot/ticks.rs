//! Where an axis is marked: 1, 2 or 5 times a power of ten; whole decades with their minor ticks on a log axis.

use super::number;
use super::scale::Scale;

/// One mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Value.
    pub value: f64,
    /// Label; empty for a minor tick and for a major one there is no room to name.
    pub label: String,
    /// Minor ticks are shorter and have no label.
    pub minor: bool,
}

/// Ticks of an axis with about one label every `gap` pixels.
pub fn ticks(scale: &Scale, gap: f64) -> Vec<Tick> {
    let room = (scale.span() / gap.max(1.0)).max(1.0);
    if scale.log { decades(scale.domain, room) } else { linear(scale.domain, room) }
}

/// The step of 1, 2 or 5 times a power of ten that makes at most `room` intervals of `width`.
pub fn step(width: f64, room: f64) -> f64 {
    let raw = width / room.max(1.0);
    if raw <= 0.0 || !raw.is_finite() {
        return 1.0;
    }
    let base = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * base).find(|s| *s >= raw * (1.0 - 1e-9)).unwrap_or(10.0 * base)
}

fn linear([a, b]: [f64; 2], room: f64) -> Vec<Tick> {
    let step = step(b - a, room);
    let first = (a / step - 1e-9).ceil() as i64;
    let last = (b / step + 1e-9).floor() as i64;
    // 64-bit steps cannot run away: a domain has at most `room` of them.
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
    (first..=last)
        .map(|i| {
            let value = i as f64 * step;
            let label = if value != 0.0 && !(1e-4..1e5).contains(&step) { number::sig(value, 3) } else { number::fixed(value, decimals) };
            let label = if value == 0.0 { "0".into() } else { label };
            Tick { value, label, minor: false }
        })
        .collect()
}

fn decades([a, b]: [f64; 2], room: f64) -> Vec<Tick> {
    let (low, high) = ((a.log10() - 1e-9).floor() as i32, (b.log10() + 1e-9).ceil() as i32);
    let inside = |v: f64| v >= a * (1.0 - 1e-9) && v <= b * (1.0 + 1e-9);
    let wholes = (low..=high).filter(|e| inside(10f64.powi(*e))).count();
    let every = ((wholes as f64 / room).ceil() as i32).max(1);
    let mut out = Vec::new();
    for e in low..=high {
        let decade = 10f64.powi(e);
        for m in 1..10 {
            let value = f64::from(m) * decade;
            if !inside(value) {
                continue;
            }
            // With fewer than two decades in sight 2 and 5 are named as well, else an axis could have a single label or none.
            let named = m == 1 && e.rem_euclid(every) == 0 || wholes < 2 && (m == 2 || m == 5);
            let minor = m != 1 && !named;
            if minor && every > 1 {
                continue;
            }
            out.push(Tick { value, label: if named { power(value) } else { String::new() }, minor });
        }
    }
    out
}

/// Short names for values on a log axis: `0.01`, `1`, `1 000`, `1e−6`, `1e6`.
fn power(value: f64) -> String {
    if (1e-4..1e5).contains(&(value * (1.0 + 1e-12))) {
        let text = format!("{value:.5}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return if value >= 1.0 { number::count(value) } else { text.to_string() };
    }
    number::sig(value, 2)
}

/// A domain that ends on ticks: for axes whose ends should be named.
pub fn nice(domain: [f64; 2], room: f64) -> [f64; 2] {
    let [a, b] = domain;
    let step = step(b - a, room);
    [(a / step + 1e-9).floor() * step, (b / step - 1e-9).ceil() * step]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, gap: f64) -> Vec<String> {
        ticks(&scale, gap).into_iter().map(|t| t.label.replace('\u{202f}', " ").replace('\u{2212}', "-")).filter(|l| !l.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_are_one_two_five() {
        assert_eq!(labels(Scale::linear([0.0, 1.0], [0.0, 300.0]), 60.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Scale::linear([-0.2, 0.2], [0.0, 160.0]), 40.0), ["-0.2", "-0.1", "0", "0.1", "0.2"]);
        assert_eq!(labels(Scale::linear([0.0, 2048.0], [0.0, 300.0]), 60.0), ["0", "500", "1 000", "1 500", "2 000"]);
        for (w, room) in [(1.0, 5.0), (7.3, 4.0), (1e-7, 3.0), (123_456.0, 8.0)] {
            let s = step(w, room);
            assert!(w / s <= room + 1e-6);
            let m = s / 10f64.powf(s.log10().floor() );
            assert!([1.0, 2.0, 5.0, 10.0].iter().any(|k| (m - k).abs() < 1e-6), "{s}");
        }
    }

    #[test]
    fn log_ticks_are_decades_with_minors() {
        let t = ticks(&Scale::log([1.0, 2048.0], [0.0, 300.0]), 60.0);
        let named: Vec<_> = t.iter().filter(|t| !t.label.is_empty()).map(|t| t.value).collect();
        assert_eq!(named.len(), 4);
        assert!(t.iter().filter(|t| t.minor).count() >= 24);
        assert!(t.iter().all(|t| t.value <= 2048.0 * 1.000_001));
    }

    #[test]
    fn a_short_log_axis_has_more_than_one_name() {
        assert!(labels(Scale::log([1.5, 8.0], [0.0, 100.0]), 30.0).len() >= 2);
        assert_eq!(labels(Scale::log([0.02, 1.0], [100.0, 0.0]), 50.0), ["0.1", "1"]);
    }

    #[test]
    fn a_long_log_axis_skips_decades() {
        let l = labels(Scale::log([1e-12, 1e6], [0.0, 200.0]), 50.0);
        assert!(l.len() <= 5, "{l:?}");
        assert!(l.contains(&"1".to_string()));
    }

    #[test]
    fn nice_domains_end_on_ticks() {
        assert_eq!(nice([0.13, 0.92], 5.0), [0.0, 1.0]);
    }
}
