//! Inspect: what a checkpoint holds, and the spectra of its matrices.

mod blocks;
mod details;
mod filter;
mod list;
pub mod model;
mod python;
mod rows;
pub mod say;
mod spectrum;
mod totals;
mod weights;


use yew::prelude::*;

use crate::app::context::use_lab;
use crate::app::record::Record;
use crate::app::state::Place;
use crate::teach::strip::buttons;

/// The screen.
#[component]
pub fn InspectScreen() -> Html {
    let lab = use_lab();
    if lab.state.summary.is_none() {
        return html! { <Empty /> };
    }
    html! {
        <>
            <totals::Totals />
            <div class="insp">
                <section class="list" aria-label="Tensors"><list::TensorList /></section>
                <section class="right" aria-label="Selected tensor and spectra by block">
                    <details::Details />
                    <blocks::Blocks />
                </section>
            </div>
        </>
    }
}

/// Nothing is open: the finished example stands in, and says so.
#[component]
fn Empty() -> Html {
    let lab = use_lab();
    let go = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.go(Place::Open))
    };
    let record = Record::bundled();
    let matrices = use_memo((), |()| model::of_record(&record));
    html! {
        <>
            <div class="head"><h1>{ "Inspect" }</h1><p class="say">{ "Nothing is open. Below is a finished example, computed before this page was built." }</p>
                <button type="button" class="btn go" onclick={go} data-test="to-open">{ "Open a checkpoint" }</button>{ buttons(&lab, Place::Inspect) }</div>
            <div class="sec pad">
                if !matrices.is_empty() {
                    <blocks::Multiples {matrices} title="Spectra by block" source={AttrValue::from(record.checkpoint.clone())}
                        running={false} selected={None::<u32>} select={None::<Callback<u32>>} />
                }
            </div>
        </>
    }
}
