//! This computer: adapter, parity, limits, and the switch between the two devices.

use espalier_lab::protocol::{Command, DeviceChoice, DeviceInfo};
use yew::prelude::*;

use super::parity::Rows;
use crate::app::context::{Lab, use_lab};
use crate::app::shell::log::copy_text;
use crate::app::state::SelfTest;
use crate::figures::download::save_text;
use crate::plot::number;

/// The panel.
#[component]
pub fn Computer() -> Html {
    let lab = use_lab();
    let Some(d) = lab.state.device.clone() else {
        return html! { <section><h2>{ "This computer" }</h2><p class="q">{ "The worker is starting." }</p></section> };
    };
    let self_test = {
        let lab = lab.clone();
        move |_: MouseEvent| {
            lab.self_test();
        }
    };
    let copy = {
        let (d, t) = (d.clone(), lab.state.self_test.clone());
        move |_: MouseEvent| copy_text(&as_text(&d, &t))
    };
    let save = {
        let (d, t) = (d.clone(), lab.state.self_test.clone());
        move |_: MouseEvent| save_text(&as_json(&d, &t), "application/json", "espalier-self-test.json")
    };
    let (other, word) = if d.gpu { (DeviceChoice::Cpu, "Use the CPU") } else { (DeviceChoice::Gpu, "Try the GPU") };
    let switch = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.port.command.emit(Command::Device(other))
    };
    let test = &lab.state.self_test;
    html! {
        <section data-test="computer">
            <h2>{ "This computer" }</h2>
            <dl class="facts">
                <dt>{ "runs on" }</dt><dd data-test="runs-on">{ if d.gpu { format!("GPU {}", d.name) } else { format!("CPU, {}", d.name) } }</dd>
                if !d.detail.is_empty() { <><dt>{ "driver" }</dt><dd>{ &d.detail }</dd></> }
                if d.software { <><dt>{ "software" }</dt><dd>{ "This adapter is a program on the CPU, slower than the CPU twins." }</dd></> }
                <dt>{ "parity" }</dt><dd data-test="parity">{ parity(test) }</dd>
                { for d.limits.iter().map(limit) }
                if !d.features.is_empty() { <><dt>{ "optional" }</dt><dd>{ d.features.join(", ") }</dd></> }
            </dl>
            if let Some((cause, why)) = &d.absent { { no_gpu(&lab, &d, cause, why) } }
            <Rows rows={test.rows.clone()} />
            <div class="acts">
                <button type="button" class="btn sm" onclick={self_test} data-test="self-test">{ "Self-test" }</button>
                <button type="button" class="btn sm" onclick={copy}>{ "Copy as text" }</button>
                if test.verdict.is_some() { <button type="button" class="btn sm" onclick={save} data-test="save-report">{ "Report JSON" }</button> }
                <button type="button" class="btn sm" onclick={switch} data-test="switch-device">{ word }</button>
            </div>
        </section>
    }
}

fn limit((name, asked, offered): &(String, f64, f64)) -> Html {
    let write = |v: f64| if *offered >= 1048576.0 { number::mib(v) } else { number::count(v) };
    html! { <><dt>{ name }</dt><dd>{ format!("{} asked, {} offered", write(*asked), write(*offered)) }</dd></> }
}

fn parity(test: &SelfTest) -> String {
    match &test.verdict {
        None if test.rows.is_empty() => "not checked".into(),
        None => format!("{} operations so far", test.rows.len()),
        Some(v) if !v.compared => format!("{} operations run on the CPU alone, {}; there is no second device to compare with", v.ops, number::seconds(v.seconds)),
        Some(v) if v.failed > 0 => format!("{} of {} operations fail; their results on the GPU are not to be trusted", v.failed, v.ops),
        Some(v) => format!("Δ {} largest of {} operations, {}", number::sig(v.largest, 2), v.ops, number::seconds(v.seconds)),
    }
}

/// Why there is no GPU, and what can be done: a warning, for everything goes on without one.
fn no_gpu(lab: &Lab, d: &DeviceInfo, cause: &str, why: &str) -> Html {
    let again = {
        let lab = lab.clone();
        move |_: MouseEvent| lab.port.command.emit(Command::Device(DeviceChoice::Auto))
    };
    let copy = {
        let text = as_text(d, &lab.state.self_test);
        move |_: MouseEvent| copy_text(&text)
    };
    html! {
        <div class="warnbox" role="status" data-test="no-gpu">
            <p><b>{ format!("{cause}.") }</b></p>
            <p class="q">{ why.to_owned() }</p>
            <div class="acts">
                <button type="button" class="btn sm" onclick={again}>{ "Ask again" }</button>
                <button type="button" class="btn sm plain" onclick={copy}>{ "Copy details" }</button>
            </div>
        </div>
    }
}

/// The report of a self-test: device, limits, every operation with its difference and tolerance.
fn as_json(d: &DeviceInfo, test: &SelfTest) -> String {
    let rows = test.rows.iter().map(|r| {
        serde_json::json!({
            "op": r.op, "samples": r.samples, "difference": r.difference, "tolerance": r.tolerance, "agrees": r.agrees, "failure": r.failure,
            "cpu_ms": r.millis[0], "gpu_ms": r.millis[1],
        })
    });
    let limits = d.limits.iter().map(|(name, asked, offered)| serde_json::json!({ "name": name, "asked": asked, "offered": offered }));
    serde_json::json!({
        "espalier": env!("CARGO_PKG_VERSION"),
        "browser": gloo::utils::window().navigator().user_agent().unwrap_or_default(),
        "device": { "gpu": d.gpu, "name": d.name, "detail": d.detail, "software": d.software, "no_gpu": d.absent.as_ref().map(|a| a.0.clone()), "features": d.features, "limits": limits.collect::<Vec<_>>() },
        "compared": test.verdict.is_some_and(|v| v.compared),
        "largest": test.verdict.map(|v| v.largest),
        "failed": test.verdict.map(|v| v.failed),
        "operations": rows.collect::<Vec<_>>(),
    })
    .to_string()
}

/// Everything for a bug report.
fn as_text(d: &DeviceInfo, test: &SelfTest) -> String {
    let mut lines = vec![format!("device: {} ({}), GPU {}, software {}", d.name, d.detail, d.gpu, d.software)];
    lines.extend(d.absent.iter().map(|(cause, why)| format!("no GPU: {cause}. {why}")));
    lines.extend(d.limits.iter().map(|(n, a, o)| format!("{n}: {a} asked, {o} offered")));
    lines.push(format!("features: {}", d.features.join(", ")));
    lines.extend(test.rows.iter().map(|r| format!("{}: {} samples, difference {:e}, tolerance {:e}, {}", r.op, r.samples, r.difference, r.tolerance, if r.agrees { "agrees" } else { &r.failure })));
    lines.push(format!("browser: {}", gloo::utils::window().navigator().user_agent().unwrap_or_default()));
    lines.join("\n")
}
