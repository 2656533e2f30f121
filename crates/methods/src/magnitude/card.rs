//! What magnitude pruning is, and its knobs.

use crate::method::{Card, Knob, Range};

/// What it is.
pub static CARD: Card = Card {
    id: "magnitude",
    title: "Magnitude pruning",
    authors: "S. Han, J. Pool, J. Tran, W. J. Dally",
    year: 2015,
    link: "https://arxiv.org/abs/1506.02626",
    paragraph: "The oldest rule and still the one to beat: set the smallest weights to zero. It needs no data. What there is to choose is where the smallest \
        are looked for: in each matrix, in each output row, in all matrices together, or in every group of m neighbours (n:m, the pattern that \
        sparse tensor cores run, Mishra et al. 2021); and how much each matrix gives: the same for all, more from wide layers than from thin ones (ERK, \
        Evci et al. 2020), more from matrices without a heavy-tailed spectrum (after AlphaPruning, Lu et al. 2024), or what you set by hand. Equal \
        magnitudes go by the lower index, so the same settings give the same mask on every device. One-shot pruning of large language models by \
        magnitude alone fails early; Wanda (Sun et al. 2023) shows how much the inputs add.",
    needs: "a checkpoint with linear layers or convolutions",
    knobs: &[
        Knob {
            key: "scope",
            label: "Scope",
            help: "Where the smallest weights are looked for: in a matrix, in a row, in all matrices together, or n of every m neighbours (any n:m; the first number \
                is how many are removed).",
            unit: "",
            range: Range::Choice(&["tensor", "row", "global", "2:4", "4:8", "1:4"]),
            paper: "\"tensor\"",
        },
        Knob {
            key: "rule",
            label: "Counting",
            help: "Exact removes int(n · sparsity) weights; official cuts at that place of the sorted magnitudes as Wanda's code does, taking all that are equal, at \
                least one more.",
            unit: "",
            range: Range::Choice(&["exact", "official"]),
            paper: "\"exact\"",
        },
        Knob {
            key: "sparsity",
            label: "Sparsity",
            help: "Fraction of the weights to remove; an n:m pattern sets its own.",
            unit: "",
            range: Range::Number { min: 0.0, max: 1.0, step: 0.01 },
            paper: "0.5",
        },
        Knob {
            key: "allocation",
            label: "Allocation",
            help: "How the sparsity is shared out over matrices at the same number of weights removed in all.",
            unit: "",
            range: Range::Choice(&["uniform", "erk", "er", "east", "spectrum", "by_hand"]),
            paper: "\"uniform\"",
        },
        Knob {
            key: "epsilon",
            label: "Spread",
            help: "Half the spread of the spectrum allocation: shares run from 1 − ε to 1 + ε of the mean before they are scaled to the budget.",
            unit: "",
            range: Range::Number { min: 0.0, max: 1.0, step: 0.05 },
            paper: "0.2",
        },
        Knob { key: "by_hand", label: "Sparsities by hand", help: "Sparsities by matrix name, used when the allocation is by hand.", unit: "", range: Range::Elsewhere, paper: "{}" },
    ],
};
