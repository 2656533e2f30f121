//! The cost line above a run: bytes to read and to fetch, memory, time; red where a limit of the device is passed.

use espalier_lab::protocol::{Command, Work};
use yew::prelude::*;

use crate::app::use_lab;
use crate::plot::number::{bytes, mib, seconds};

/// Properties of [`Cost`].
#[derive(PartialEq, Properties)]
pub struct CostProps {
    /// Registry key of the run that stands below.
    pub method: AttrValue,
    /// Names of the matrices it takes; all of them without.
    #[prop_or_default]
    pub matrices: Option<Vec<String>>,
    /// Its configuration, as far as the cost depends on it.
    #[prop_or_default]
    pub config: serde_json::Value,
}

/// What a run of a method would need here, without the spectra that are known already where it asks for spectra.
#[component]
pub fn Cost(props: &CostProps) -> Html {
    let lab = use_lab();
    let asked = use_state_eq(|| 0u32);
    let device = lab.state.device.as_ref().map(|d| d.name.clone());
    {
        let (port, asked, open) = (lab.port.clone(), asked.setter(), lab.state.summary.is_some());
        // Only what computes spectra is spared those that are known.
        let known: Vec<String> = if props.method == "spectra" { lab.state.spectra.keys().map(|k| k.to_string()).collect() } else { Vec::new() };
        use_effect_with((props.method.clone(), props.matrices.clone(), props.config.clone(), lab.state.opened, device, known.len()), move |(method, matrices, config, ..)| {
            if open {
                let job = port.number();
                asked.set(job);
                let work = Work::Run { method: method.to_string(), config: config.clone(), matrices: matrices.clone(), known };
                port.command.emit(Command::Estimate { job, work });
            }
        });
    }
    let Some(e) = lab.state.estimates.iter().find(|(job, _)| *job == *asked).map(|(_, e)| e.clone()) else { return Html::default() };
    let over = !e.over.is_empty();
    html! {
        <p class="costline" data-test="cost" title={e.probe.clone()}>
            <span>{ "reads " }<b>{ bytes(e.reads) }</b></span>
            if e.fetches > 0.0 { <span>{ "fetches " }<b>{ bytes(e.fetches) }</b></span> }
            <span>{ "memory " }<b class={over.then_some("bad")}>{ mib(e.memory) }</b></span>
            if let Some(s) = e.seconds { <span>{ "about " }<b>{ seconds(s) }</b></span> }
            { for e.over.iter().map(|why| html! { <span class="bad">{ why }</span> }) }
        </p>
    }
}
