//! Where figures keep how they are looked at, and where they tell what is under the pointer.

use std::rc::Rc;

use yew::prelude::*;

use crate::plot::look::Look;

/// How figures are looked at, by name; given as a context by the application, so that it travels in links. Without it each figure keeps its own.
#[derive(Clone, PartialEq)]
pub struct Looks {
    /// Names of figures and their texts.
    pub kept: Rc<Vec<(Rc<str>, Rc<str>)>>,
    /// Keeps a text; an empty one is forgotten.
    pub keep: Callback<(AttrValue, String)>,
}

/// How this figure is looked at, for data with this sign, and how to change that. A figure without a name keeps it to itself.
#[hook]
pub fn use_look(name: &AttrValue, of: u32) -> (Look, Callback<Look>) {
    let looks = use_context::<Looks>().filter(|_| !name.is_empty());
    let own = use_state_eq(Look::default);
    let look = looks.as_ref().map_or_else(|| (*own).clone(), |l| l.kept.iter().find(|(n, _)| **n == **name).map(|(_, how)| Look::parse(how)).unwrap_or_default()).held(of);
    let name = name.clone();
    let set = Callback::from(move |to: Look| match &looks {
        Some(looks) => looks.keep.emit((name.clone(), to.to_string())),
        None => own.set(to),
    });
    (look, set)
}

/// What is pointed at on one axis: figures that share the axis mark the same place.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointed {
    /// Name of the axis: `rank`, `block`.
    pub axis: AttrValue,
    /// Place on it.
    pub at: f64,
}

/// The crosshair that figures share.
#[derive(Clone, PartialEq)]
struct Shared(UseStateHandle<Option<Pointed>>);

/// Properties of [`Crosshair`].
#[derive(Properties, PartialEq)]
pub struct CrosshairProps {
    /// The figures that share one.
    pub children: Html,
}

/// Lets the figures inside it share a crosshair. Only figures are drawn anew while the pointer moves.
#[component]
pub fn Crosshair(props: &CrosshairProps) -> Html {
    let pointed = use_state_eq(|| None);
    html! { <ContextProvider<Shared> context={Shared(pointed)}>{ props.children.clone() }</ContextProvider<Shared>> }
}

/// Where others point on this axis, and how to tell where this figure does.
#[hook]
pub fn use_crosshair(axis: &str) -> (Option<f64>, Callback<Option<f64>>) {
    let shared = use_context::<Shared>();
    let at = shared.as_ref().and_then(|s| s.0.as_ref()).filter(|p| p.axis == axis).map(|p| p.at);
    let axis = AttrValue::from(axis.to_owned());
    let tell = Callback::from(move |to: Option<f64>| {
        if let Some(Shared(pointed)) = &shared {
            pointed.set(to.map(|at| Pointed { axis: axis.clone(), at }));
        }
    });
    (at, tell)
}
