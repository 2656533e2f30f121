//! The lessons: a few steps for each place, each a sentence or two and one thing to do. Pure: whether a step is done is read off the state.
//!
//! The last step of every lesson is a question, and doing is the answer.

use espalier_methods::report::Spectrum;
use espalier_methods::welore::Ranker;
use espalier_nets::checkpoint::Role;

use crate::app::state::{Allocation, Edit, Lead, Place, RankRule, Scope, Search, State};
use crate::screens::matrices::of_summary;
use crate::screens::{prune, rank};

/// What one step asks for.
pub struct Step {
    /// What to see and what to do.
    pub say: &'static str,
    /// The control it points at, as a selector.
    pub aim: &'static str,
    /// Whether it has been done, given how things stood when the step began.
    pub done: fn(&State, &Since) -> bool,
}

/// How things stood when a step began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// Settings and selection.
    pub edit: Edit,
    /// How many checkpoints had been opened.
    pub opened: u32,
    /// How many questions the Map had been asked.
    pub asked: u32,
}

impl Since {
    /// As things stand now.
    pub fn now(state: &State) -> Self {
        Self { edit: state.edit.clone(), opened: state.opened, asked: state.town.asked }
    }
}

/// A lesson under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Tour {
    /// Whose lesson.
    pub of: Place,
    /// Step, from 0.
    pub step: usize,
    /// How things stood when it began.
    pub since: Since,
}

impl Tour {
    /// The first step of a place's lesson.
    pub fn begin(of: Place, state: &State) -> Self {
        Self { of, step: 0, since: Since::now(state) }
    }

    /// Another step of the same lesson; beyond either end it stays at the end.
    pub fn at(&self, step: usize, state: &State) -> Self {
        Self { of: self.of, step: step.min(steps(self.of).len() - 1), since: Since::now(state) }
    }

    /// The step.
    pub fn now(&self) -> &'static Step {
        &steps(self.of)[self.step]
    }

    /// Whether it has been done.
    pub fn done(&self, state: &State) -> bool {
        (self.now().done)(state, &self.since)
    }
}

/// The steps of a place's lesson.
pub fn steps(of: Place) -> &'static [Step] {
    match of {
        Place::Open => &OPEN,
        Place::Inspect => &INSPECT,
        Place::Rank => &RANK,
        Place::Prune => &PRUNE,
        Place::Experts => &super::experts::EXPERTS,
        Place::Study => &super::study::STUDY,
        Place::Map => &MAP,
    }
}

const MAP: [Step; 6] = [
    Step {
        say: "Every dot is a point of interest with a description: a bakery, a bus stop, a foundry. A network is to learn places from nothing but their coordinates. Press Train.",
        aim: "[data-test=map-play]",
        done: |s, _| s.town.curves.contains_key("loss"),
    },
    Step {
        say: "Dots of one hue are alike to the model. At first hue only follows the coordinates; then quarters part. Hold the run to look closer: press Pause.",
        aim: "[data-test=map-pause]",
        done: |s, _| s.town.paused || s.town.probes.is_some(),
    },
    Step {
        say: "Chance is ln of the batch: a model that knows nothing is there. The loss cannot fall far below it, because one place hosts many kinds. Let the run go on until it is below.",
        aim: "[data-test=map-loss]",
        done: |s, _| s.town.last("below chance").is_some_and(|v| v > 0.05),
    },
    Step {
        say: "Click a dot. The map is coloured by how like it every place is; the five most alike are numbered, and lie elsewhere in the city.",
        aim: "[data-test=map-surface]",
        done: |s, was| s.town.asked > was.asked,
    },
    Step {
        say: "Now the proof. Let the run end, or press Finish: a linear probe has to tell land use from the embedding, and from much cheaper things beside it.",
        aim: "[data-test=map-finish]",
        done: |s, _| s.town.probes.is_some(),
    },
    Step {
        say: "A question. On the split by blocks no neighbour of a test place was learnt from. Which row of the probe’s figure is first there, and what does that say of the random split? Read it in the sentence below the figure.",
        aim: "[data-test=map-probes]",
        done: |s, _| s.town.probes.is_some(),
    },
];

const OPEN: [Step; 6] = [
    Step {
        say: "A checkpoint is a file of named tables of numbers. Open shakespeare-llama, a small language model that came with this page.",
        aim: "[data-test=bundled-shakespeare-llama]",
        done: |s, _| s.summary.is_some(),
    },
    Step {
        say: "Only a header of a few kilobytes was read: it names every table. The drawing at the left is the model, one tier a block, an arm as long as its parameters. Choose the highest tier.",
        aim: "[data-test=plate]",
        done: |s, _| s.summary.as_ref().is_some_and(|m| m.blocks > 0 && block(s) == Some(m.blocks - 1)),
    },
    Step {
        say: "A table’s numbers are read when you ask for them, and only then. Choose any tensor in the list and look at its histogram.",
        aim: "[data-test=tensors]",
        done: |s, was| s.selection().tensor.is_some() && s.selection().tensor != was.edit.selection.tensor,
    },
    Step {
        say: "Two ways to say the same thing: names say what a table does, shapes say how large it is. Which single table holds the most numbers? Choose it.",
        aim: "[data-test=tensors]",
        done: |s, _| chosen(s).is_some_and(|t| Some(t.elements) == s.summary.as_ref().and_then(|m| m.tensors.iter().map(|t| t.elements).max_by(f64::total_cmp))),
    },
    Step {
        say: "Go back to Open and take the second example, shakespeare-moe: its feed-forward part is split into experts. Your own files open the same way, and stay on this computer.",
        aim: "[data-test=bundled-shakespeare-moe]",
        done: |s, was| s.opened > was.opened,
    },
    Step {
        say: "A question. Taken together, which kind of table holds most of this model: attention, experts, embeddings? Answer by choosing one of them in the list.",
        aim: "[data-test=tensors]",
        done: |s, _| chosen(s).is_some_and(|t| heaviest(s).contains(&t.role)),
    },
];

const INSPECT: [Step; 6] = [
    Step {
        say: "A matrix turns and stretches. How far it stretches in each of its own directions are its singular values σ. Compute those of every matrix.",
        aim: "[data-test=run-spectra]",
        done: |s, _| s.summary.as_ref().is_some_and(|m| !m.matrices.is_empty() && s.spectra.len() >= m.matrices.len()),
    },
    Step {
        say: "A curve that falls early means that few directions do the work. Choose a key matrix, k_proj, in any block.",
        aim: "[data-test=tensors]",
        done: |s, _| chosen(s).is_some_and(|t| t.role == Role::K),
    },
    Step {
        say: "Now a down_proj, and compare: its stable rank ‖W‖²/σ₁² counts the directions that are about as strong as the strongest.",
        aim: "[data-test=tensors]",
        done: |s, _| chosen(s).is_some_and(|t| t.role == Role::Down),
    },
    Step {
        say: "The dashed line is the largest σ that a matrix of pure chance would have with this shape and variance; what rises above it was learnt. Go to the same table in another block.",
        aim: "[data-test=plate]",
        done: |s, was| {
            let before = was.edit.selection.tensor.and_then(|t| s.summary.as_ref()?.tensors.get(t as usize));
            chosen(s).zip(before).is_some_and(|(now, then)| now.role == then.role && now.block != then.block)
        },
    },
    Step {
        say: "The list can be sorted by each of its columns in the table view. Which matrix has the smallest stable rank of all? Choose it.",
        aim: "[data-test=tensors]",
        done: |s, _| best(s, |values| -stable_rank(values)),
    },
    Step {
        say: "A question. Which matrix needs the largest share of its directions to keep 95 % of its energy Σσ²? It is the hardest to cut. Choose it.",
        aim: "[data-test=energy-by-block], [data-test=tensors]",
        done: |s, _| best(s, energy_share),
    },
];

const RANK: [Step; 7] = [
    Step {
        say: "WeLore draws one line through every normalised spectrum: directions above it stay. Drag the red line, or its handle, to a threshold of 0.25 or more.",
        aim: "[data-test=rank-threshold]",
        done: |s, _| s.rank().lead == Lead::Threshold && s.rank().threshold >= 0.25,
    },
    Step {
        say: "A rank cut by less than half would make the file larger, so that matrix stays dense: effective trails attempted. Now hold the target instead and set it to 30 %.",
        aim: "[data-test=rank-target]",
        done: |s, _| s.rank().lead == Lead::Target && (s.rank().target - 0.3).abs() < 5e-3,
    },
    Step {
        say: "The search takes the threshold nearest to the target, as the paper does. Ask it to reach the target instead, and watch the threshold move.",
        aim: "[data-test=rank]",
        done: |s, _| s.rank().search == Search::Reach,
    },
    Step {
        say: "The plain rival cuts the same share of rank everywhere. Choose Uniform, and compare the errors in the two columns at the right of the bars.",
        aim: "[data-test=rank]",
        done: |s, _| s.rank().rule == RankRule::Uniform,
    },
    Step {
        say: "You may know better. Choose By hand, and give one matrix a rank of your own: drag its bar, or type the number.",
        aim: "[data-test=rank-bars]",
        done: |s, _| s.rank().rule == RankRule::ByHand && !s.rank().by_hand.is_empty(),
    },
    Step { say: "Nothing is lost by trying: take that step back with Ctrl or Cmd and Z.", aim: "[data-test=rank-bars]", done: |s, _| s.history.ahead() > 0 },
    Step {
        say: "A question. In this model queries and keys fall early. Find a WeLore threshold so low that only they become factor pairs; at which reduction is that? Leave it there.",
        aim: "[data-test=rank-threshold]",
        done: only_q_and_k,
    },
];

const PRUNE: [Step; 7] = [
    Step {
        say: "Magnitude pruning sets the smallest weights to zero. Half of all: press Prune, and see in the histogram what is gone.",
        aim: "[data-test=prune-run]",
        done: |s, _| !s.pruned.is_empty(),
    },
    Step {
        say: "The same half can be shared out differently. ERK spares small matrices and takes more from large ones. Choose it; the ghosts show the other suggestions.",
        aim: "[data-test=prune]",
        done: |s, _| s.prune().allocation == Allocation::Erk,
    },
    Step {
        say: "Now by hand: drag the cut of one branch. The other branches give way, so that the total stays.",
        aim: "[data-test=prune-bars]",
        done: |s, was| s.prune().allocation == Allocation::ByHand && s.prune().sparsity != was.edit.prune.sparsity,
    },
    Step {
        say: "Lock that branch with its padlock, then move another one: what is locked does not pay for it.",
        aim: "[data-test=prune-bars]",
        done: |s, was| !s.prune().locked.is_empty() && s.prune().sparsity != was.edit.prune.sparsity,
    },
    Step {
        say: "Hardware likes order: of every four neighbours keep the largest two. Choose 2:4. The share is the same half; is the error?",
        aim: "[data-test=prune]",
        done: |s, _| s.prune().scope == (Scope::NOfM { n: 2, m: 4 }),
    },
    Step { say: "Take steps back with Ctrl or Cmd and Z until your own bars stand again.", aim: "[data-test=prune-bars]", done: |s, _| s.history.ahead() > 0 && !matches!(s.prune().scope, Scope::NOfM { .. }) },
    Step {
        say: "A question. Weights are many and mostly small. How large a share can go before the change passes 10 % of ‖W‖? Choose uniform, and set the sparsity to within two points.",
        aim: "[data-test=prune-target]",
        done: ten_percent,
    },
];

/// The tensor that is pointed at.
fn chosen(state: &State) -> Option<&espalier_lab::protocol::TensorRow> {
    state.summary.as_ref()?.tensors.get(state.selection().tensor? as usize)
}

/// The block that is pointed at, by itself or through its tensor.
fn block(state: &State) -> Option<u32> {
    state.selection().block.or_else(|| chosen(state)?.block)
}

/// Roles of the kind that holds most elements: all experts' roles count as one kind, as do q, k, v, o, and the embeddings.
fn heaviest(state: &State) -> Vec<Role> {
    const ATTENTION: &[Role] = &[Role::Q, Role::K, Role::V, Role::O, Role::Qkv];
    const FEED_FORWARD: &[Role] = &[Role::Gate, Role::Up, Role::Down, Role::GateUp];
    const EMBEDDINGS: &[Role] = &[Role::Embedding, Role::Head];
    let Some(summary) = &state.summary else { return Vec::new() };
    let sum = |roles: &[Role]| summary.tensors.iter().filter(|t| roles.contains(&t.role)).map(|t| t.elements).sum::<f64>();
    let most = [ATTENTION, FEED_FORWARD, EMBEDDINGS].into_iter().max_by(|a, b| sum(a).total_cmp(&sum(b)));
    most.map(<[Role]>::to_vec).unwrap_or_default()
}

fn stable_rank(values: &[f64]) -> f64 {
    let first = values.first().copied().unwrap_or(0.0);
    values.iter().map(|v| v * v).sum::<f64>() / (first * first)
}

/// Share of the directions that 95 % of the energy takes.
fn energy_share(values: &[f64]) -> f64 {
    let all: f64 = values.iter().map(|v| v * v).sum();
    let mut sum = 0.0;
    let rank = values.iter().take_while(|v| {
        let short = sum < 0.95 * all;
        sum += **v * **v;
        short
    });
    rank.count() as f64 / values.len() as f64
}

/// Whether the chosen matrix has the largest value of a measure among all whose spectrum is known.
fn best(state: &State, measure: impl Fn(&[f64]) -> f64) -> bool {
    let Some(name) = chosen(state).map(|t| t.name.as_str()) else { return false };
    let of = |values: &[f64]| Some(measure(values)).filter(|m| m.is_finite());
    let most = state.spectra.values().filter_map(|s| of(&s.values.0)).max_by(f64::total_cmp);
    let own = state.spectra.iter().filter(|(k, _)| ***k == *name || k.starts_with(&format!("{name}#"))).filter_map(|(_, s)| of(&s.values.0)).max_by(f64::total_cmp);
    own.is_some() && own == most
}

/// Whether WeLore's plan factors queries and keys and nothing else.
fn only_q_and_k(state: &State, _: &Since) -> bool {
    let (RankRule::Welore, Some(summary)) = (state.rank().rule, &state.summary) else { return false };
    let entries = of_summary(summary);
    let spectra: Vec<Spectrum> = entries.iter().filter_map(|e| Some((**state.spectra.get(&e.key)?).clone())).collect();
    let plan = Ranker::new(&spectra).plan(&rank::model::config(state.rank()));
    let mut factored = plan.choices.iter().filter(|c| c.factored).peekable();
    let early = |name: &str| entries.iter().any(|e| e.name == name && matches!(e.role, Role::Q | Role::K));
    factored.peek().is_some() && factored.all(|c| early(&c.tensor))
}

/// Whether the uniform sparsity is within two points of the one whose error is a tenth of ‖W‖.
fn ten_percent(state: &State, _: &Since) -> bool {
    let (Allocation::Uniform, Scope::Tensor, Some(summary)) = (state.prune().allocation, state.prune().scope, &state.summary) else { return false };
    let entries = of_summary(summary);
    let members: Vec<usize> = (0..entries.len()).collect();
    let error = |s: f64| prune::model::error(&entries, &members, &vec![s; entries.len()], &state.profiles);
    let (mut low, mut high) = (0.0, 1.0);
    // A thousandth is finer than the handle's step.
    for _ in 0..10 {
        let mid = (low + high) / 2.0;
        match error(mid) {
            Some(e) if e < 0.1 => low = mid,
            Some(_) => high = mid,
            None => return false,
        }
    }
    (state.prune().target - high).abs() <= 0.02
}
