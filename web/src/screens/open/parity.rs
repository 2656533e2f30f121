//! The self-test's rows: each operation's largest difference between GPU and CPU on one logarithmic wire, with its tolerance.

use espalier_lab::protocol::SelfTestRow;
use yew::prelude::*;

use crate::plot::number::{count, plural, sig};

/// The wire goes from here to 1.
const LEAST: f64 = 1e-8;
const WIDTH: f64 = 96.0;

/// Place of a difference on the wire, in pixels.
fn at(difference: f64) -> f64 {
    let share = 1.0 - difference.max(LEAST).log10() / LEAST.log10();
    4.0 + share.clamp(0.0, 1.0) * (WIDTH - 8.0)
}

/// The verdict in a word: bits that must be equal are, or an agreement within the tolerance, or neither.
fn verdict(row: &SelfTestRow) -> &'static str {
    match (row.agrees, row.tolerance == 0.0) {
        (false, _) => "fails",
        (true, true) => "equal",
        (true, false) => "agrees",
    }
}

/// Properties of [`Rows`].
#[derive(Properties, PartialEq)]
pub struct RowsProps {
    /// Rows as they came.
    pub rows: Vec<SelfTestRow>,
}

/// The table; failing rows come first and say what failed.
#[component]
pub fn Rows(props: &RowsProps) -> Html {
    if props.rows.is_empty() {
        return Html::default();
    }
    let mut rows: Vec<&SelfTestRow> = props.rows.iter().collect();
    espalier_methods::order::by(&mut rows, |a, b| a.agrees.cmp(&b.agrees));
    html! {
        <div class="scroll selftest" tabindex="0" aria-label="Self-test">
            <table data-test="self-test-rows">
                <thead><tr><th scope="col">{ "operation" }</th><th scope="col" class="n">{ "samples" }</th><th scope="col">{ "Δ; tick: tolerance" }</th><th scope="col" class="n">{ "value" }</th><th scope="col" class="n">{ "verdict" }</th></tr></thead>
                <tbody>{ for rows.into_iter().map(row) }</tbody>
            </table>
        </div>
    }
}

fn row(r: &SelfTestRow) -> Html {
    let (family, op) = r.op.split_once('/').map_or(("", r.op.as_str()), |(f, o)| (f, o));
    let paint = if r.agrees { "var(--leaf)" } else { "var(--cut)" };
    let word = verdict(r);
    let label = format!("difference {}, tolerance {}", sig(r.difference, 2), sig(r.tolerance, 2));
    html! {
        <>
            <tr class={classes!((!r.agrees).then_some("bad"))} data-op={r.op.clone()}>
                <td><code>if !family.is_empty() { <span class="d">{ family }{ "/" }</span> }{ op }</code></td>
                <td class="n">{ count(f64::from(r.samples)) }</td>
                <td>
                    <svg width={WIDTH.to_string()} height="16" role="img" aria-label={label}>
                        <line class="wire" x1="0" x2={WIDTH.to_string()} y1="8.5" y2="8.5" />
                        if r.tolerance > 0.0 { <path d={format!("M{:.1} 2v12", at(r.tolerance))} stroke="var(--ghost)" stroke-width="1.6" /> }
                        <circle cx={format!("{:.1}", at(r.difference))} cy="8.5" r="3.5" fill={paint} />
                    </svg>
                </td>
                <td class="n">{ sig(r.difference, 2) }</td>
                <td class={classes!("n", if r.agrees { "ok" } else { "bad" })}>{ word }</td>
            </tr>
            if !r.agrees {
                <tr class="why"><td colspan="5"><p class="err">{ &r.failure }{ format!(" {} compared.", plural(r.samples as usize, "sample was", "samples were")) }</p></td></tr>
            }
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_is_logarithmic_and_ends_are_held() {
        assert_eq!(at(0.0), 4.0);
        assert_eq!(at(1.0), WIDTH - 4.0);
        assert!((at(1e-4) - WIDTH / 2.0).abs() < 1e-9);
        assert_eq!(at(30.0), WIDTH - 4.0);
    }

    #[test]
    fn bits_are_equal_and_numbers_agree() {
        let mut r = SelfTestRow { op: "a/b".into(), samples: 1, difference: 0.0, tolerance: 0.0, agrees: true, failure: String::new(), millis: [0.0; 2] };
        assert_eq!(verdict(&r), "equal");
        r.tolerance = 1e-6;
        assert_eq!(verdict(&r), "agrees");
        r.agrees = false;
        assert_eq!(verdict(&r), "fails");
    }
}
