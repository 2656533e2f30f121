//! The lesson of the Experts place.

use espalier_methods::experts::Measure;

use super::lessons::Step;

/// Its steps.
pub const EXPERTS: [Step; 6] = [
    Step {
        say: "A mixture of experts sends each token to a few of its feed-forwards. Open shakespeare-moe: five layers of sixteen experts, four a token.",
        aim: "[data-test=experts-open]",
        done: |s, _| s.summary.as_ref().is_some_and(|m| crate::app::experts::Shape::of(m).is_some()),
    },
    Step {
        say: "Watch a text: each row is a layer, each cell an expert, and it lights up as tokens are sent to it.",
        aim: "[data-test=experts-watch]",
        done: |s, _| !s.experts.routings.is_empty(),
    },
    Step {
        say: "Popular is not important. In the layer that you look at, drop the expert that most tokens were sent to: click its cell under counts.",
        aim: "[data-test=experts-grid]",
        done: |s, _| {
            let Some(r) = s.experts.routings.first() else { return false };
            let counts = r.grid(Measure::Count, usize::MAX);
            s.edit.experts.dropped.iter().any(|(block, gone)| {
                let Some(l) = r.blocks.iter().position(|b| b == block) else { return false };
                let row = &counts[l * r.experts as usize..(l + 1) * r.experts as usize];
                let most = row.iter().copied().fold(0.0, f64::max);
                gone.iter().any(|e| row.get(*e as usize) == Some(&most))
            })
        },
    },
    Step {
        say: "Measure what it costs: perplexity on a text that the model has not seen. Then bring the expert back.",
        aim: "[data-test=experts-measure-now]",
        done: |s, _| s.experts.points.iter().any(|p| p.arm == "by hand") && s.edit.experts.dropped.is_empty(),
    },
    Step {
        say: "Now let the search choose: it tries every expert of every layer, and then every layer. Press Search and watch the rings.",
        aim: "[data-test=experts-search]",
        done: |s, _| s.experts.picks.iter().any(|p| p.expert.is_none()),
    },
    Step {
        say: "A question. Is the greedy choice better than chance here? Look at the band of random draws, then take over the plan that you would ship.",
        aim: "[data-test=experts-take]",
        done: |s, _| !s.edit.experts.condensed.is_empty(),
    },
];
