//! A curve as small as a word, for table rows.

use yew::prelude::*;

use crate::plot::decimate::thin;
use crate::plot::lines::Values;
use crate::plot::scale::{Scale, extent};
use crate::plot::scene::{d, polyline};

/// Properties of [`Sparkline`].
#[derive(Properties, PartialEq)]
pub struct SparklineProps {
    /// Values in order.
    pub values: Values,
    /// Logarithmic y.
    #[prop_or(true)]
    pub log: bool,
    /// What it is, for screen readers.
    #[prop_or_default]
    pub label: AttrValue,
    /// Width in pixels.
    #[prop_or(56.0)]
    pub width: f64,
    /// Height in pixels.
    #[prop_or(15.0)]
    pub height: f64,
}

/// The path of a sparkline.
fn path(values: &[f64], log: bool, width: f64, height: f64) -> String {
    let Some(e) = extent(values.iter().copied(), log) else { return String::new() };
    // A spectrum's last values fall to rounding noise; four decades are what a small curve can show.
    let low = if log { e[0].max(e[1] * 1e-4) } else { e[0] };
    let y = Scale::new(log, [low, e[1]], [height - 1.0, 1.0]);
    let x = Scale::linear([0.0, values.len().saturating_sub(1).max(1) as f64], [0.5, width - 0.5]);
    let points: Vec<[f64; 2]> = thin(values.len(), 48).into_iter().map(|i| [x.at(i as f64), if y.has(values[i]) { y.clamped(values[i]) } else { height - 1.0 }]).collect();
    d(&polyline(&points))
}

/// A sparkline.
#[component]
pub fn Sparkline(props: &SparklineProps) -> Html {
    let d = use_memo((props.values.clone(), props.log), |(v, log)| path(v, *log, props.width, props.height));
    html! {
        <svg class="spark" width={props.width.to_string()} height={props.height.to_string()} role="img" aria-label={props.label.clone()}>
            <path d={(*d).clone()} fill="none" stroke="var(--ink-2)" stroke-width="1" />
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_its_box() {
        let v: Vec<f64> = (0..1000).map(|i| (-f64::from(i) / 40.0).exp()).collect();
        let p = path(&v, true, 56.0, 15.0);
        let numbers: Vec<f64> = p.split(['M', 'L', ' ']).filter_map(|t| t.parse().ok()).collect();
        assert!(numbers.chunks(2).all(|c| c[0] >= 0.0 && c[0] <= 56.0 && c[1] >= 1.0 && c[1] <= 14.0));
        assert_eq!(path(&[], true, 56.0, 15.0), "");
        assert_eq!(path(&[0.0, -1.0], true, 56.0, 15.0), "");
    }
}
