//! What it is.

use crate::method::{Card, Knob, Range};
use crate::text;

/// What it is.
pub static CARD: Card = Card {
    id: "condense",
    title: "Condense-MoE",
    authors: "M. Cao, G. Li, J. Ji, J. Zhang, X. Ma, S. Liu, L. Yin",
    year: 2024,
    link: "https://arxiv.org/abs/2412.00069",
    paragraph: "Turns sparse layers of a mixture of experts into small dense ones. From calibration texts it takes the mean gate weight of each expert. Inside each layer it \
        picks, one after another, the experts that keep the layer's output closest when all tokens use them with those constant weights; the shared experts stay, the \
        router goes. Then it picks the layers, one after another, whose condensing changes the model's last hidden state least. A condensed layer holds a few of its \
        experts and runs them for every token. On DeepSeekMoE-16B, 9 of 27 layers condensed kept 90 % of the accuracy with 72.5 % of the memory. Fine-tuning the kept experts, \
        which the paper does next, is not part of this run.",
    needs: "a mixture of experts that can be run here, and a text",
    knobs: &[
        Knob { key: "variant", label: "Variant", help: "SR keeps shared and some routed experts; S keeps the shared ones alone.", unit: "", range: Range::Choice(&["sr", "s"]), paper: "\"sr\"" },
        Knob { key: "layers", label: "Layers to condense", help: "How many mixtures are condensed; 0 is a third of them, the paper's 9 of 27.", unit: "layers", range: Range::Number { min: 0.0, max: 4096.0, step: 1.0 }, paper: "0" },
        Knob { key: "experts", label: "Experts kept", help: "Routed experts that a condensed layer keeps; 0 is as many as a token is sent to, so that its work stays the same.", unit: "experts", range: Range::Number { min: 0.0, max: 4096.0, step: 1.0 }, paper: "0" },
        Knob { key: "choose", label: "Experts by", help: "Greedy search as in the paper, or the most used, the largest gate-weighted norm, or chance.", unit: "", range: Range::Choice(&["greedy", "count", "norm", "random"]), paper: "\"greedy\"" },
        Knob { key: "metric", label: "Measure", help: "How far two hidden states are apart: Jensen–Shannon divergence of their softmaxes, mean square, or cosine.", unit: "", range: Range::Choice(&["js", "mse", "cosine"]), paper: "\"js\"" },
        Knob { key: "unrouted", label: "Never routed", help: "Weight of an expert that no calibration token reached: none, or 0.06 as in the published search.", unit: "", range: Range::Choice(&["zero", "official"]), paper: "\"zero\"" },
        text::CALIBRATION,
        Knob { key: "samples", label: "Samples", help: "Calibration windows.", unit: "windows", range: Range::Number { min: 1.0, max: 4096.0, step: 1.0 }, paper: "100" },
        Knob { key: "length", label: "Length", help: "Tokens a window; the model's context where it is shorter.", unit: "tokens", range: Range::Number { min: 2.0, max: 131_072.0, step: 64.0 }, paper: "256" },
        Knob { key: "evaluation", label: "Evaluation text", help: "The text that perplexity is measured on; the last one given where nothing is said.", unit: "", range: Range::Elsewhere, paper: "\"\"" },
        Knob { key: "windows", label: "Evaluation windows", help: "Most windows that perplexity is measured on; 0 measures none.", unit: "windows", range: Range::Number { min: 0.0, max: 100_000.0, step: 1.0 }, paper: "64" },
        Knob { key: "rivals", label: "Rivals", help: "Measure other ways of making the model as small, too.", unit: "", range: Range::Switch, paper: "false" },
        Knob { key: "draws", label: "Random draws", help: "How many random choices of experts make the band.", unit: "draws", range: Range::Number { min: 20.0, max: 1000.0, step: 1.0 }, paper: "20" },
        Knob { key: "repair", label: "Repair", help: "What follows the search: nothing yet.", unit: "", range: Range::Elsewhere, paper: "\"none\"" },
    ],
};
