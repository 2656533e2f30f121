//! What a run needs, above the button that starts it: bytes to read and to fetch, memory, time; red where a limit of the device is passed, and then the run cannot be started.

use espalier_lab::protocol::{Command, Estimate, Work};
use yew::prelude::*;

use crate::app::texts::longest;
use crate::app::use_lab;
use crate::plot::number::{bytes, mib, seconds};

/// Properties of [`Start`].
#[derive(PartialEq, Properties)]
pub struct StartProps {
    /// Registry key of the run.
    pub method: AttrValue,
    /// Names of the matrices it takes; all of them without.
    #[prop_or_default]
    pub matrices: Option<Vec<String>>,
    /// Its configuration, as far as the cost depends on it.
    #[prop_or_default]
    pub config: serde_json::Value,
    /// Whether it could be run, but for its needs and for what is running: what cannot be run costs nothing.
    #[prop_or(true)]
    pub ready: bool,
    /// Whether something is running that it would have to wait for.
    pub busy: bool,
    /// What stands on the button.
    pub words: AttrValue,
    /// The button's name for tests and lessons.
    pub test: AttrValue,
    /// The button's classes.
    #[prop_or(classes!("btn", "go"))]
    pub class: Classes,
    /// Classes of the row that the button stands in.
    #[prop_or(classes!("acts"))]
    pub row: Classes,
    /// Further classes of the line.
    #[prop_or_default]
    pub line: Classes,
    /// Starts it.
    pub go: Callback<MouseEvent>,
    /// What stands beside the button.
    #[prop_or_default]
    pub children: Html,
}

/// The line of what a run of a method would need here, without the spectra that are known already where it asks for spectra, and its button.
#[component]
pub fn Start(props: &StartProps) -> Html {
    let lab = use_lab();
    let asked = use_state_eq(|| 0u32);
    let device = lab.state.device.as_ref().map(|d| d.name.clone());
    let measured = ["evaluation", "domains"].iter().find_map(|key| props.config.get(key)?.as_str()).and_then(|names| longest(names, &lab.state.own));
    {
        let (port, asked, open) = (lab.port.clone(), asked.setter(), lab.state.summary.is_some() && props.ready);
        // Only what computes spectra is spared those that are known.
        let known: Vec<String> = if props.method == "spectra" { lab.state.spectra.keys().map(|k| k.to_string()).collect() } else { Vec::new() };
        let text = measured.map(|n| n as f64);
        use_effect_with((props.method.clone(), props.matrices.clone(), props.config.clone(), lab.state.opened, device, known.len(), open, measured), move |(method, matrices, config, ..)| {
            if open {
                let job = port.number();
                asked.set(job);
                let work = Work::Run { method: method.to_string(), config: config.clone(), matrices: matrices.clone(), known, text };
                port.command.emit(Command::Estimate { job, work });
            }
        });
    }
    let estimate = lab.state.estimates.iter().find(|(job, _)| props.ready && *job == *asked).map(|(_, e)| e.clone());
    let short = estimate.as_ref().and_then(|e| shortage(e));
    let able = props.ready && !props.busy && short.is_none();
    let words = short.as_ref().map_or_else(|| props.words.to_string(), |short| format!("{}: {short}", props.words));
    let why = short.is_some().then(|| format!("{}-short", props.test));
    html! {
        <>
        if let Some(e) = estimate { { line(&e, props.line.clone(), why.clone()) } }
        <div class={props.row.clone()}>
            <button type="button" class={classes!(props.class.clone(), (!able).then_some("off"))} disabled={!able} onclick={props.go.clone()} id={props.test.clone()} data-test={props.test.clone()} aria-describedby={why}>{ words }</button>
            { props.children.clone() }
        </div>
        </>
    }
}

/// How much is missing, as it stands on the button.
fn shortage(e: &Estimate) -> Option<String> {
    (e.short > 0.0).then(|| format!("{} short", mib(e.short)))
}

fn line(e: &Estimate, class: Classes, id: Option<String>) -> Html {
    let over = !e.over.is_empty();
    html! {
        <p class={classes!("costline", class)} data-test="cost" title={e.probe.clone()}>
            <span>{ "reads " }<b>{ bytes(e.reads) }</b></span>
            if e.fetches > 0.0 { <span>{ "fetches " }<b>{ bytes(e.fetches) }</b></span> }
            <span>{ "memory " }<b class={over.then_some("bad")}>{ mib(e.memory) }</b></span>
            if let Some(s) = e.seconds { <span>{ "about " }<b>{ seconds(s) }</b></span> }
            if over { <span class="bad" data-test="short" {id}>{ e.over.join(" ") }</span> }
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_in_the_unit_of_memory() {
        let short = |short| shortage(&Estimate { short, ..Estimate::default() });
        assert_eq!(short(0.0), None);
        assert_eq!(short(812.0 * 1_048_576.0).as_deref(), Some("812\u{a0}MiB short"));
        assert_eq!(short(524_288.0).as_deref(), Some("0.5\u{a0}MiB short"));
    }
}
