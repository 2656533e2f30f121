//! Headline numbers in a row: a grey label over its value, parted by wires.

use espalier_methods::report::Stat;
use yew::prelude::*;

use crate::plot::number::{bytes, count, number, params, percent, seconds};

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct StatItem {
    /// Name, lower case.
    pub label: AttrValue,
    /// Value as it is written.
    pub value: AttrValue,
    /// Context in grey.
    pub context: AttrValue,
    /// The whole number, for the hover.
    pub full: AttrValue,
    /// Stable name for tests.
    pub test: AttrValue,
}

impl StatItem {
    /// A name and a written value.
    pub fn new(label: impl Into<AttrValue>, value: impl Into<AttrValue>) -> Self {
        Self { label: label.into(), value: value.into(), context: "".into(), full: "".into(), test: "".into() }
    }

    /// With context in grey.
    pub fn of(mut self, context: impl Into<AttrValue>) -> Self {
        self.context = context.into();
        self
    }

    /// With the whole number for the hover.
    pub fn full(mut self, full: impl Into<AttrValue>) -> Self {
        self.full = full.into();
        self
    }

    /// With a name for tests.
    pub fn test(mut self, test: impl Into<AttrValue>) -> Self {
        self.test = test.into();
        self
    }
}

/// A report's number as the page writes it.
pub fn written(s: &Stat) -> String {
    match s.unit.as_str() {
        "%" => percent(s.value),
        "parameters" | "params" | "weights" => params(s.value),
        "bytes" | "B" => bytes(s.value),
        "s" => seconds(s.value),
        "count" | "matrices" | "ranks" => count(s.value),
        "" => number(s.value),
        unit => format!("{} {unit}", number(s.value)),
    }
}

impl From<&Stat> for StatItem {
    fn from(s: &Stat) -> Self {
        Self::new(s.label.clone(), written(s)).of(s.context.clone()).full(format!("{}", s.value))
    }
}

/// Properties of [`Stats`].
#[derive(Properties, PartialEq)]
pub struct StatsProps {
    /// Numbers, at most eight.
    pub items: Vec<StatItem>,
}

/// A row of headline numbers.
#[component]
pub fn Stats(props: &StatsProps) -> Html {
    html! {
        <dl class="stats">
            { for props.items.iter().map(|i| html! {
                <div data-test={(!i.test.is_empty()).then(|| i.test.clone())}>
                    <dt>{ &i.label }</dt>
                    <dd title={(!i.full.is_empty()).then(|| i.full.clone())}>
                        { &i.value }
                        if !i.context.is_empty() { <small>{ " " }{ &i.context }</small> }
                    </dd>
                </div>
            }) }
        </dl>
    }
}
