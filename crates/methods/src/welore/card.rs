//! What WeLore is, and its knobs.

use crate::method::{Card, Knob, Range};

const SHARE: Range = Range::Number { min: 0.0, max: 1.0, step: 0.005 };

/// What it is.
pub static CARD: Card = Card {
    id: "welore",
    title: "WeLore rank selection",
    authors: "A. Jaiswal, L. Yin, Z. Zhang, S. Liu, J. Zhao, Y. Tian, Z. Wang",
    year: 2024,
    link: "https://arxiv.org/abs/2407.11239",
    paragraph: "A matrix whose singular values fall off fast can be replaced by two thin factors with little loss; one whose values stay level cannot. \
        WeLore scales every matrix's singular values to run from 0 to 1 and holds one threshold against all of them: what lies under it is cut. Attention \
        queries and keys usually lose most, values and the feed-forward outputs least. Matrices that lose more than a set share of their rank become \
        low-rank components, stored as two factors and later fine-tuned; the others stay dense and frozen. The threshold is searched so that the ranks \
        removed in all come near a target. No data is needed. Mind that a pair of factors is smaller than its matrix only under the break-even \
        rank mn/(m+n): removing few ranks makes a model larger.",
    needs: "a checkpoint with linear layers or convolutions",
    knobs: &[
        Knob {
            key: "rule",
            label: "Rule",
            help: "How ranks are set: search the threshold grid for the reduction nearest to the target, or for the first that reaches it; use a threshold as given; \
                cut all matrices alike; keep a share of each matrix's energy; or set ranks by hand.",
            unit: "",
            range: Range::Choice(&["nearest", "reach", "threshold", "uniform", "energy", "by_hand"]),
            paper: "\"nearest\"",
        },
        Knob { key: "target", label: "Target reduction", help: "Share of all ranks to remove, for the searching rules and the uniform one.", unit: "", range: SHARE, paper: "0.5" },
        Knob {
            key: "threshold",
            label: "Threshold",
            help: "Singular values under this, scaled to 0 … 1 within their matrix, are cut; 0.175 is what the authors use for half the ranks of LLaMA-2.",
            unit: "",
            range: SHARE,
            paper: "0.175",
        },
        Knob { key: "energy", label: "Energy kept", help: "Share of each matrix's Σσ² that is kept under the energy rule.", unit: "", range: SHARE, paper: "0.9" },
        Knob {
            key: "min_ratio",
            label: "Least cut to factor",
            help: "A matrix is factored only if it loses more than this share of its rank; the others stay dense. The authors use 0.4999 for fine-tuning and 0 for \
                plain reduction.",
            unit: "",
            range: Range::Number { min: 0.0, max: 1.0, step: 0.0001 },
            paper: "0.4999",
        },
        Knob {
            key: "size_aware",
            label: "Only where it saves",
            help: "Factor a matrix only if the two factors hold fewer numbers than the matrix; this test is ours.",
            unit: "",
            range: Range::Switch,
            paper: "false",
        },
        Knob { key: "by_hand", label: "Ranks by hand", help: "Ranks that win over the rule, by matrix name.", unit: "", range: Range::Elsewhere, paper: "{}" },
    ],
};
