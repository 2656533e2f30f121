//! A second checkpoint, compared with the open one: which tensors differ, by how much, and the two spectra of the selected matrix.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::context::use_lab;
use crate::figures::figure::Source;
use crate::figures::report::ReportFigure;
use crate::screens::parts::progress;

/// The panel; nothing while there is no first checkpoint.
#[component]
pub fn Compare() -> Html {
    let lab = &use_lab();
    let Some(first) = lab.state.summary.clone() else { return Html::default() };
    let chosen = {
        let second = lab.port.second.clone();
        Callback::from(move |e: Event| {
            let Some(input) = e.target_dyn_into::<HtmlInputElement>() else { return };
            let files: Vec<_> = input.files().into_iter().flat_map(|l| (0..l.length()).filter_map(move |i| l.get(i))).collect();
            input.set_value("");
            if !files.is_empty() {
                second.emit(files);
            }
        })
    };
    let run = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| {
            lab.diff();
        })
    };
    let report = lab.state.reports.get("diff").cloned();
    html! {
        <section class="compare" data-test="compare">
            <h2>{ "Compare " }<small class="d">{ format!("{} with another checkpoint", first.name) }</small></h2>
            <p class="acts">
                <label class="btn">{ "Choose the second" }<input class="vh" type="file" multiple=true onchange={chosen} data-test="second-files" /></label>
                if let Some(second) = &lab.state.second {
                    <code>{ &second.name }</code>
                    <button type="button" class="btn go" onclick={run} disabled={lab.state.running("diff").is_some()} data-test="diff-run">{ "Compare" }</button>
                }
            </p>
            { progress(lab, "diff") }
            if let Some(report) = report {
                <p class="say" data-test="diff-summary">{ &report.summary }</p>
                { for report.figures.iter().map(|f| html! { <ReportFigure key={f.id.clone()} figure={Rc::new(f.clone())} source={Source { model: first.name.clone().into(), ..Source::default() }} /> }) }
            }
        </section>
    }
}
