//! The screen: what is looked at, and what stands there when nothing can be.

use std::rc::Rc;

use yew::prelude::*;

use super::published::Published;
use super::reading::Reading;
use super::{View, export, grid, hand, knobs, search, texts};
use crate::app::context::{Lab, use_lab};
use crate::app::experts::Shape;
use crate::app::state::Place;
use crate::figures::Source;
use crate::plot::number::plural;
use crate::screens::parts::{choice, segments};
use crate::teach::strip::buttons;

/// What of the place is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Wake,
    Compare,
    Condense,
    Published,
}

const LOOKS: [(Look, &str); 4] = [(Look::Wake, "Wake"), (Look::Compare, "Compare texts"), (Look::Condense, "Condense"), (Look::Published, "16 B search")];

/// Experts.
#[component]
pub fn ExpertsScreen() -> Html {
    let lab = use_lab();
    let shape = use_memo(lab.state.opened, |_| lab.state.summary.as_ref().and_then(|s| Shape::of(s)).map(Rc::new));
    let token = use_state_eq(|| 0usize);
    let found = &lab.state.experts;
    let length = found.routings.first().map_or(0, |r| r.length());
    {
        // A new text is looked at as a whole: at its last token.
        let token = token.clone();
        use_effect_with(found.routings.first().map(|r| (r.text.clone(), r.length())), move |now| {
            if let Some((_, n)) = now {
                token.set(n.saturating_sub(1));
            }
        });
    }
    let word = lab.state.view("experts").unwrap_or_default();
    let empty = shape.is_none();
    let look = LOOKS.iter().find(|(_, w)| **w == *word).map_or(if empty { Look::Published } else { Look::Wake }, |(l, _)| *l);
    let choose = {
        let lab = lab.clone();
        Callback::from(move |l: Look| lab.view("experts", LOOKS.iter().find(|(k, _)| *k == l).map_or("", |(_, w)| w)))
    };
    let sentence = match look {
        Look::Wake => "Type a text and watch which experts wake, layer by layer, token by token.",
        Look::Compare => "Two texts side by side: what one wakes more than the other.",
        Look::Condense => "Sparse layers become small dense ones; see each candidate that was tried.",
        Look::Published => "What condensing looks like at full size: the authors’ own search on DeepSeekMoE-16B, 27 mixtures of 64 experts.",
    };
    let choices = LOOKS.map(|(l, w)| choice(l, w));
    let head = html! {
        <div class="head"><h1>{ "Experts" }</h1><p class="say">{ sentence }</p>
            if !empty { { segments("View", "experts-look", &choices, &look, &choose) } }
            { buttons(&lab, Place::Experts) }</div>
    };
    let Some(shape) = (*shape).clone() else {
        return html! { <>{ head }<div class="ex alone" data-test="experts" data-open="false"><div class="work">{ standing(&lab) }<Published /></div></div></> };
    };
    let row = lab.state.selection().block.and_then(|b| shape.blocks.iter().position(|x| *x == b)).unwrap_or(shape.blocks.len() / 2);
    let name = lab.state.summary.as_ref().map(|s| s.name.clone()).unwrap_or_default();
    let settings = found.routings.first().map_or_else(String::new, |r| format!("{}, {} tokens", r.text, r.length()));
    let view = View { shape, routings: found.routings.clone(), row, token: (*token).min(length.saturating_sub(1)), source: Source { model: name.into(), tensor: "".into(), settings: settings.into() } };
    let to = {
        let token = token.clone();
        Callback::from(move |t: usize| token.set(t))
    };
    let work = match look {
        Look::Wake => html! { <><Reading lab={lab.clone()} view={view.clone()} {to} />{ grid::wake(&lab, &view) }{ grid::below(&lab, &view) }</> },
        Look::Compare => texts::compare(&lab, &view),
        Look::Condense => html! { <>{ grid::kept(&lab, &view) }{ search::charts(&lab, &view) }</> },
        Look::Published => html! { <Published /> },
    };
    html! {
        <>
        { head }
        <div class="ex" data-test="experts" data-open="true">
            <div class="work">{ work }</div>
            <aside class="knobs" aria-label="Token and knobs">
                if look == Look::Wake { { hand::token(&lab, &view) } }
                { hand::hand(&lab, &view) }
                { knobs::knobs(&lab, &view) }
                { export::export(&lab, &view) }
            </aside>
        </div>
        </>
    }
}

/// What stands there without experts: what is open, and what to open instead.
fn standing(lab: &Lab) -> Html {
    let open = lab.port.bundled.reform(|_: MouseEvent| "shakespeare-moe".to_owned());
    let text = match &lab.state.summary {
        Some(s) => {
            let kind = if s.architecture.is_empty() { s.family.label().to_owned() } else { s.architecture.clone() };
            let condensed = s.matrices.iter().any(|m| m.shared);
            let why = if condensed { "its mixtures have been condensed, so no router is left to choose" } else { "it is dense: every token meets the same feed-forward, so there is nothing to choose" };
            format!("{} is a {kind} with {}; {why}. Open a mixture of experts instead (Qwen2-MoE, DeepSeek-MoE, Mixtral, OLMoE).", s.name, plural(s.blocks as usize, "block", "blocks"))
        }
        None => "No checkpoint is open. Open a mixture of experts (Qwen2-MoE, DeepSeek-MoE, Mixtral, OLMoE), or the one that comes with the page: 5 layers of 16 experts, trained on Shakespeare.".to_owned(),
    };
    html! {
        <section class="frame lean" data-test="experts-empty">
            <div class="inv"><p class="say">{ text }</p>
                <button type="button" class="btn go" onclick={open} data-test="experts-open">{ "Open shakespeare-moe" }</button></div>
        </section>
    }
}
