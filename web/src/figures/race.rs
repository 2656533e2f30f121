//! A greedy search as it runs.

use std::rc::Rc;

use yew::prelude::*;

use super::figure::{Figure, Source};
use super::hooks::use_size;
use super::layers::drawn;
use crate::plot::race::Race;

/// Properties of [`RaceChart`].
#[derive(Properties, PartialEq)]
pub struct RaceProps {
    /// Title, sentence case.
    pub title: AttrValue,
    /// What is drawn.
    #[prop_or_default]
    pub what: AttrValue,
    /// What is seen, in one sentence.
    pub sentence: AttrValue,
    /// The race; its size is the figure's.
    pub race: Rc<Race>,
    /// Own tools.
    #[prop_or_default]
    pub tools: Html,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
    /// Stable name for tests.
    #[prop_or_default]
    pub test: AttrValue,
}

/// The chart.
#[component]
pub fn RaceChart(props: &RaceProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let race = Rc::new(Race { size, ..(*props.race).clone() });
    let table = {
        let race = race.clone();
        Callback::from(move |()| race.table())
    };
    let scene = {
        let race = race.clone();
        Callback::from(move |()| race.scene())
    };
    html! {
        <Figure title={props.title.clone()} what={props.what.clone()} sentence={props.sentence.clone()} tools={props.tools.clone()} source={props.source.clone()} table={Some(table)} scene={Some(scene)} test={props.test.clone()}>
            <div ref={node} class="layers plot" role="img" aria-label={props.sentence.clone()}>
                if size[0] > 0.0 { { drawn(&race.scene()) } }
            </div>
        </Figure>
    }
}
