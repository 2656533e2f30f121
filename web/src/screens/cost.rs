//! What a run needs, above the button that starts it: bytes to read and to fetch, memory, time; red where a limit of the device is passed, and then the run cannot be started.

use std::rc::Rc;

use espalier_lab::protocol::{Command, Estimate, Work};
use yew::prelude::*;

use crate::app::context::{Lab, use_lab};
use crate::app::texts::longest;
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
    /// The button alone, beside another one: what the run would need is said when it is pointed at, and on it where that is not there.
    #[prop_or_default]
    pub aside: bool,
    /// What stands beside the button.
    #[prop_or_default]
    pub children: Html,
}

/// What a question about a run's needs depends on.
#[derive(Clone, PartialEq)]
struct Question {
    method: AttrValue,
    matrices: Option<Vec<String>>,
    config: serde_json::Value,
    opened: u32,
    device: Option<String>,
    /// Spectra that are known.
    known: usize,
    /// Bytes of the longest text that is measured.
    text: Option<usize>,
}

/// What a run of a method would need here, without the spectra that are known already where it asks for spectra.
#[hook]
fn use_needs(lab: &Lab, method: &AttrValue, matrices: &Option<Vec<String>>, config: &serde_json::Value, ready: bool) -> Option<Rc<Estimate>> {
    let job = use_state_eq(|| 0u32);
    let asked = use_mut_ref(|| None::<Question>);
    let state = &lab.state;
    // Only what computes spectra is spared those that are known.
    let known: Vec<String> = if method == "spectra" { state.spectra.keys().map(|k| k.to_string()).collect() } else { Vec::new() };
    let question = Question {
        method: method.clone(),
        matrices: matrices.clone(),
        config: config.clone(),
        opened: state.opened,
        device: state.device.as_ref().map(|d| d.name.clone()),
        known: known.len(),
        text: ["evaluation", "domains"].iter().find_map(|key| config.get(key)?.as_str()).and_then(|names| longest(names, &state.own)),
    };
    // While something runs nothing can be timed; then the question waits.
    let open = state.summary.is_some() && ready && state.run.is_none();
    let here = asked.borrow().as_ref().is_some_and(|q| q.opened == state.opened);
    {
        let (port, job) = (lab.port.clone(), job.setter());
        use_effect_with((question, open, state.reopening), move |(question, open, reopening)| {
            if *reopening {
                // What the last worker was asked went with it.
                asked.replace(None);
            } else if *open && asked.borrow().as_ref() != Some(question) {
                asked.replace(Some(question.clone()));
                let Question { method, matrices, config, text, .. } = question.clone();
                let number = port.number();
                job.set(number);
                let work = Work::Run { method: method.to_string(), config, matrices, known, text: text.map(|n| n as f64) };
                port.command.emit(Command::Estimate { job: number, work });
            }
        });
    }
    // The last answer stands until the next has come; over another checkpoint it says nothing.
    let told = use_mut_ref(|| None::<(u32, Rc<Estimate>)>);
    if let Some((_, e)) = state.estimates.iter().find(|(number, _)| here && *number == *job) {
        told.replace(Some((state.opened, e.clone())));
    }
    let told = told.borrow();
    told.as_ref().filter(|(opened, _)| ready && *opened == state.opened).map(|(_, e)| e.clone())
}

/// The line of what a run would need here, and its button.
#[component]
pub fn Start(props: &StartProps) -> Html {
    let lab = use_lab();
    let estimate = use_needs(&lab, &props.method, &props.matrices, &props.config, props.ready);
    let short = estimate.as_ref().and_then(|e| shortage(e));
    let able = props.ready && !props.busy && short.is_none();
    let words = short.as_ref().map_or_else(|| props.words.to_string(), |short| format!("{}: {short}", props.words));
    if props.aside {
        let title = estimate.as_ref().map(|e| needs(e));
        return html! { <button type="button" class="btn" disabled={!able} onclick={props.go.clone()} {title} data-test={props.test.clone()}>{ words }</button> };
    }
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

/// A run's needs in words.
fn needs(e: &Estimate) -> String {
    let time = e.seconds.map_or_else(String::new, |s| format!(", about {}", seconds(s)));
    let over = e.over.iter().map(|o| format!(" {o}")).collect::<String>();
    format!("Reads {}, takes {} of memory{time}.{over}", bytes(e.reads), mib(e.memory))
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

    #[test]
    fn needs_are_said_in_one_line() {
        let all = Estimate { reads: 2e6, memory: 3.0 * 1_048_576.0, seconds: Some(4.0), over: vec!["The device has 2 MiB.".into()], ..Estimate::default() };
        let said = needs(&all);
        assert!(said.starts_with("Reads 2") && said.contains("3") && said.contains(", about 4") && said.ends_with(". The device has 2 MiB."), "{said}");
        assert!(!needs(&Estimate::default()).contains("about"));
    }
}
