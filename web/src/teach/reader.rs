//! "Read the shader": a kernel's WGSL beside its CPU twin, both the very files that the page was built from, fetched when they are asked for.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

use super::twin::{Kind, Line, Twins, runs};
use crate::app::action::Action;
use crate::app::context::{Lab, use_lab};
use crate::app::state::{Place, Sheet};

/// A kernel by family and operation.
pub type Name = (&'static str, &'static str);

/// The kernels that do a place's work, the most telling first.
pub fn of_place(place: Place) -> &'static [Name] {
    match place {
        Place::Inspect => &[("linalg", "left"), ("linalg", "right"), ("linalg", "column"), ("linalg", "row"), ("stats", "histogram"), ("reduce", "fold")],
        Place::Rank => &[("matmul", "matmul"), ("matmul", "gram"), ("linalg", "left"), ("layout", "transpose")],
        Place::Prune => &[("select", "row_smallest"), ("select", "n_of_m"), ("select", "order_statistic"), ("select", "apply_mask"), ("elementwise", "unary")],
        Place::Study => &[("loss", "likelihood"), ("select", "row_smallest"), ("attention", "attend"), ("rows", "normalise"), ("matmul", "matmul")],
        Place::Map => &[("matmul", "matmul"), ("loss", "cross_entropy"), ("loss", "cross_entropy_grad"), ("optim", "adamw"), ("random", "dropout"), ("layout", "gather")],
        Place::Experts => &[("loss", "divergence"), ("layout", "gather"), ("layout", "scatter_add"), ("rows", "softmax"), ("matmul", "matmul")],
        Place::Open => &[],
    }
}

/// What is being read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Kernel.
    pub name: Name,
    /// WGSL and Rust, once both have come; why not, if they could not be had.
    pub text: Option<Result<Rc<Twins>, String>>,
    /// The line of the WGSL, from 0, whose pair is lit.
    pub lit: Option<usize>,
}

/// Where the page has a kernel's two files.
pub fn paths((family, op): Name) -> [String; 2] {
    let twins = if family == "linalg" { "linalg".into() } else { format!("ops/{family}") };
    [format!("assets/source/shaders/{family}/{op}.wgsl"), format!("assets/source/{twins}/{op}.rs")]
}

/// Opens the sheet on a kernel and fetches its files.
pub fn open(lab: &Lab, name: Name) {
    lab.act(Action::Reading(Some(Reading { name, ..Reading::default() })));
    lab.act(Action::Sheet(Sheet::Shader));
    let lab = lab.clone();
    spawn_local(async move {
        let [wgsl, rust] = paths(name);
        let text = match (get(&wgsl).await, get(&rust).await) {
            (Ok(a), Ok(b)) => Ok(Rc::new(Twins::new(&a, &b))),
            (Err(why), _) | (_, Err(why)) => Err(why),
        };
        lab.act(Action::Reading(Some(Reading { name, text: Some(text), lit: None })));
    });
}

async fn get(path: &str) -> Result<String, String> {
    let tell = |_| format!("{path} did not come. It is part of this site; is the network, or the copy of the site, whole?");
    let answer: web_sys::Response = JsFuture::from(gloo::utils::window().fetch_with_str(path)).await.map_err(tell)?.unchecked_into();
    if !answer.ok() {
        return Err(tell(wasm_bindgen::JsValue::NULL));
    }
    let text = JsFuture::from(answer.text().map_err(tell)?).await.map_err(tell)?;
    text.as_string().ok_or_else(|| tell(text))
}

/// The sheet.
#[component]
pub fn Reader() -> Html {
    let lab = &use_lab();
    use_lit(lab);
    let Some(reading) = &lab.state.reading else { return Html::default() };
    let close = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.act(Action::Sheet(Sheet::None)))
    };
    let kernels = of_place(lab.state.place).iter().map(|&name| {
        let lab = lab.clone();
        let onclick = Callback::from(move |_: MouseEvent| open(&lab, name));
        html! { <button type="button" aria-pressed={(name == reading.name).to_string()} {onclick}>{ name.1 }</button> }
    });
    let body = match &reading.text {
        None => html! { <p class="say">{ "Fetching both files …" }</p> },
        Some(Err(why)) => html! { <p class="say" data-test="reader-failed">{ why }</p> },
        Some(Ok(text)) => both(lab, reading, text),
    };
    html! {
        <div class="sheetback" onclick={close.clone()}>
            <section class="reader" role="dialog" aria-modal="true" aria-label="Read the shader" data-test="reader" onclick={|e: MouseEvent| e.stop_propagation()}>
                <header><h1>{ "Read the shader" }</h1><span class="seg" role="group" aria-label="Kernel">{ for kernels }</span><button type="button" class="btn sm" onclick={close} data-test="reader-close">{ "Close" }</button></header>
                <p class="d">{ "The files this page was built from. Numbers in green: lines of both sides that name the same things; bold: names that both sides use." }</p>
                { body }
            </section>
        </div>
    }
}

/// Brings both lines of the lit pair into view.
#[hook]
fn use_lit(lab: &Lab) {
    let lit = lab.state.reading.as_ref().and_then(|r| r.lit);
    use_effect_with(lit, |lit| {
        let found = lit.and_then(|_| gloo::utils::document().query_selector_all(".twin li.on").ok());
        for e in found.iter().flat_map(|list| (0..list.length()).filter_map(|i| list.get(i)?.dyn_into::<web_sys::Element>().ok())) {
            e.scroll_into_view_with_scroll_into_view_options(&in_the_middle());
        }
    });
}

fn in_the_middle() -> web_sys::ScrollIntoViewOptions {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Center);
    options
}

fn both(lab: &Lab, reading: &Reading, text: &Twins) -> Html {
    let Twins { wgsl, rust, pairs, marked } = text;
    let [wgsl_path, rust_path] = paths(reading.name).map(|p| p.trim_start_matches("assets/source/").to_owned());
    let side = |side: usize, title: &str, path: &str, lines: &[Line]| {
        // What a file takes from elsewhere is not what it does.
        let rows = lines.iter().enumerate().filter(|(_, l)| !l.text.starts_with("use ")).map(|(i, line)| {
            let pair = pairs.iter().find(|p| [p.0, p.1][side] == i);
            let other = pair.map(|p| [rust, wgsl][side][[p.1, p.0][side]].number);
            let lit = pair.is_some_and(|p| reading.lit == Some(p.0));
            let light = pair.map(|p| {
                let (lab, reading, at) = (lab.clone(), reading.clone(), p.0);
                Callback::from(move |_: MouseEvent| lab.act(Action::Reading(Some(Reading { lit: (reading.lit != Some(at)).then_some(at), ..reading.clone() }))))
            });
            let number = match light {
                Some(onclick) => html! { <button type="button" title={format!("with line {} of the other file", other.unwrap_or(0))} aria-pressed={lit.to_string()} {onclick}>{ line.number }</button> },
                None => html! { <i>{ line.number }</i> },
            };
            let code = runs(&line.text, marked).into_iter().map(|(kind, run)| match kind {
                Kind::Plain => html! { { run.to_owned() } },
                Kind::Common => html! { <b>{ run.to_owned() }</b> },
                Kind::Comment => html! { <span>{ run.to_owned() }</span> },
            });
            html! { <li key={i} class={classes!(lit.then_some("on"))}>{ number }<code>{ for code }</code>if lit { <em>{ format!("= {}", other.unwrap_or(0)) }</em> }</li> }
        });
        html! { <div><h2>{ title }{ " " }<code>{ path.to_owned() }</code></h2><ol data-test={format!("reader-{side}")}>{ for rows }</ol></div> }
    };
    let name = format!("{}/{}", reading.name.0, reading.name.1);
    let proof = match lab.state.self_test.rows.iter().find(|r| r.op == name) {
        Some(r) if r.tolerance == 0.0 => format!("On this device {} samples: every bit equal to the twin’s: {}.", r.samples, if r.agrees { "yes" } else { "no" }),
        Some(r) => format!("On this device {} samples, largest difference {:.1e} of the scale, tolerance {:.1e}: {}.", r.samples, r.difference, r.tolerance, if r.agrees { "they agree" } else { "they differ" }),
        None => "Not compared on this device yet: the self-test on Open runs every kernel’s samples on both paths.".into(),
    };
    html! {
        <>
        <div class="twin">{ side(0, "WGSL", &wgsl_path, wgsl) }{ side(1, "CPU twin", &rust_path, rust) }</div>
        <p class="proof" data-test="reader-proof">{ proof }</p>
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_that_can_be_read_is_there_with_its_twin() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        for name in Place::ALL.iter().flat_map(|p| of_place(*p)) {
            let [wgsl, rust] = paths(*name).map(|p| p.trim_start_matches("assets/source/").to_owned());
            for file in [format!("{root}/{wgsl}"), format!("{root}/crates/tensor/src/{rust}")] {
                assert!(std::path::Path::new(&file).is_file(), "{file}");
            }
        }
    }
}
