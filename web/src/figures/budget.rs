//! The budget strip as a component.

use yew::prelude::*;

use super::hooks::use_size;
use super::layers::drawn;
use crate::plot::budget::Budget;
use crate::plot::number::percent;
use crate::plot::scene::Paint;

/// Properties of [`BudgetStrip`].
#[derive(Properties, PartialEq)]
pub struct BudgetStripProps {
    /// What the shares are of: `ranks cut, % of all ranks`.
    pub title: AttrValue,
    /// Name, colour, share of the whole (fractions).
    pub parts: Vec<(AttrValue, Paint, f64)>,
    /// Share that was attempted and given back.
    #[prop_or_default]
    pub given_back: f64,
    /// Target, a fraction.
    pub target: f64,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// A budget strip.
#[component]
pub fn BudgetStrip(props: &BudgetStripProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let strip = Budget {
        width: size[0],
        title: props.title.to_string(),
        parts: props.parts.iter().map(|(n, p, s)| (n.to_string(), p.clone(), *s)).collect(),
        given_back: props.given_back,
        target: props.target,
    };
    let parts: Vec<String> = props.parts.iter().filter(|p| p.2 > 0.0005).map(|(n, _, s)| format!("{n} {}", percent(*s))).collect();
    let words = format!("{}: {}; target {}", props.title, if parts.is_empty() { "nothing".into() } else { parts.join(", ") }, percent(props.target));
    let test = (!props.test.is_empty()).then(|| props.test.clone());
    html! {
        <div ref={node} class="layers strip" role="img" aria-label={words} data-test={test}>
            if size[0] > 0.0 { { drawn(&strip.scene()) } }
        </div>
    }
}
