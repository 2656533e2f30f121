//! The knobs, in the order of the configuration.

/// The knobs of one card: what may be chosen as the criterion, and the paper's criterion, sparsity and allocation as JSON.
macro_rules! knobs {
    ($criteria:expr, $criterion:expr, $sparsity:expr, $allocation:expr) => {
        &[
            Knob { key: "criterion", label: "Criterion", help: "By what weights are judged: magnitude, Wanda's magnitude times input norm, or SparseGPT's saliency with an update of what stays.", unit: "", range: Range::Choice($criteria), paper: $criterion },
            Knob { key: "sparsity", label: "Sparsity", help: "Fraction of the weights to remove; a pattern sets its own.", unit: "", range: Range::Number { min: 0.0, max: 1.0, step: 0.01 }, paper: $sparsity },
            Knob { key: "pattern", label: "Pattern", help: "Unstructured, or n of every m neighbouring inputs (any n:m; the first number is how many are removed).", unit: "", range: Range::Choice(&["unstructured", "2:4", "4:8"]), paper: "\"unstructured\"" },
            Knob { key: "group", label: "Compared within", help: "Whether Wanda and magnitude look for the smallest in each output row or in the whole matrix.", unit: "", range: Range::Choice(&["row", "layer"]), paper: "\"row\"" },
            Knob { key: "variant", label: "Wanda's variant", help: "Cuts each row where its sorted metric has summed up to a common share, found by bisection.", unit: "", range: Range::Switch, paper: "false" },
            Knob { key: "exact", label: "Match the sparsity", help: "Hands out over rows what truncation leaves, so that runs are compared at equal actual sparsity.", unit: "", range: Range::Switch, paper: "false" },
            Knob { key: "blocksize", label: "Block of columns", help: "SparseGPT chooses what to remove jointly over so many columns.", unit: "columns", range: Range::Number { min: 1.0, max: 2048.0, step: 16.0 }, paper: "128" },
            Knob { key: "damping", label: "Damping", help: "SparseGPT adds this share of the Hessian's mean diagonal to its diagonal.", unit: "", range: Range::Number { min: 0.0, max: 1.0, step: 0.005 }, paper: "0.01" },
            Knob { key: "mask", label: "Marks", help: "Whose choice of weights SparseGPT's update takes.", unit: "", range: Range::Choice(&["own", "wanda", "magnitude"]), paper: "\"own\"" },
            Knob { key: "update", label: "Update", help: "Whether the weights that stay make up for those that go.", unit: "", range: Range::Switch, paper: "true" },
            Knob { key: "true_sequential", label: "True sequential", help: "Prunes query, key and value first, runs the block again, then the rest stage by stage.", unit: "", range: Range::Switch, paper: "false" },
            Knob { key: "allocation", label: "Allocation", help: "How the sparsity is shared out over blocks or matrices.", unit: "", range: Range::Choice(&["uniform", "owl", "erk", "alpha", "sensitivity", "by_hand"]), paper: $allocation },
            Knob { key: "multiple", label: "M", help: "OWL: a weight's metric stands out when it is over so many times its block's mean.", unit: "", range: Range::Number { min: 1.0, max: 100.0, step: 1.0 }, paper: "5.0" },
            Knob { key: "lambda", label: "λ", help: "OWL and sensitivity: half the range of the blocks' sparsities; with a pattern the range of n.", unit: "", range: Range::Number { min: 0.0, max: 8.0, step: 0.01 }, paper: "0.08" },
            Knob { key: "epsilon", label: "Spread", help: "AlphaPruning: shares run from 1 − ε to 1 + ε of the mean before they are scaled to the budget.", unit: "", range: Range::Number { min: 0.0, max: 1.0, step: 0.05 }, paper: "0.2" },
            Knob { key: "by_hand", label: "Sparsities by hand", help: "Sparsities by matrix or by block, used when the allocation is by hand.", unit: "", range: Range::Elsewhere, paper: "{}" },
            Knob { key: "measured", label: "Measured sensitivity", help: "What each block cost in a sweep, used when the allocation is by sensitivity.", unit: "nats", range: Range::Elsewhere, paper: "{}" },
            Knob { key: "roles", label: "Targets", help: "Roles of the linears that are pruned, separated by commas: q, k, v, o, gate, up, down; or all.", unit: "", range: Range::Elsewhere, paper: "\"all\"" },
            crate::text::CALIBRATION,
            Knob { key: "evaluation", label: "Evaluation text", help: "The text that perplexity is measured on; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
            Knob { key: "format", label: "Format", help: "What fills a calibration window: a cut out of a text, or questions without answers, with one, in a row, or with reasons.", unit: "", range: Range::Choice(&["windows", "zero", "single", "in_context", "chain_of_thought"]), paper: "\"windows\"" },
            crate::text::SAMPLES,
            crate::text::LENGTH,
            crate::text::COUNT_PADDING,
            Knob { key: "windows", label: "Evaluation windows", help: "Most windows that perplexity is measured on, from the start of the text.", unit: "windows", range: Range::Number { min: 0.0, max: 100_000.0, step: 1.0 }, paper: "64" },
        ]
    };
}

pub(super) use knobs;
