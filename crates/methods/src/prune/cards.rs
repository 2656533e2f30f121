//! What the three methods are.

use super::knobs::knobs;
use crate::method::{Card, Knob, Range};

/// Wanda.
pub static WANDA: Card = Card {
    id: "wanda",
    title: "Wanda",
    authors: "M. Sun, Z. Liu, A. Bair, J. Z. Kolter",
    year: 2023,
    link: "https://arxiv.org/abs/2306.11695",
    paragraph: "A weight matters as much as it is large and as what it is multiplied with is large. A few calibration texts run through the model block by block; every \
        linear's inputs give one norm a column, and in each output row the weights with the smallest |w|·‖x‖ go. Nothing is updated and nothing is trained; what \
        costs is two passes over the texts. With magnitude as the criterion the same loop shows what the inputs add.",
    needs: "a language model that can be run here, and a text",
    knobs: knobs!(&["wanda", "magnitude"], "\"wanda\"", "0.5", "\"uniform\""),
};

/// SparseGPT.
pub static SPARSEGPT: Card = Card {
    id: "sparsegpt",
    title: "SparseGPT",
    authors: "E. Frantar, D. Alistarh",
    year: 2023,
    link: "https://arxiv.org/abs/2301.00774",
    paragraph: "When a weight goes, its neighbours in the row can make up for it: how, the inverse of the inputs' second moments says. Columns are taken from left to \
        right; of every block of them the weights with the smallest (w/d)² go, and their error is taken off the columns still to come. The moments and their \
        factors are computed in double precision, the sweep on the device. Marks may come from another rule, and the update may be switched off, to see what each adds.",
    needs: "a language model that can be run here, and a text",
    knobs: knobs!(&["sparsegpt"], "\"sparsegpt\"", "0.5", "\"uniform\""),
};

/// OWL.
pub static OWL: Card = Card {
    id: "owl",
    title: "OWL",
    authors: "L. Yin, Y. Wu, Z. Zhang, C.-Y. Hsieh, Y. Wang, Y. Jia, M. Pechenizkiy, Y. Liang, Z. Wang, S. Liu",
    year: 2023,
    link: "https://arxiv.org/abs/2310.05175",
    paragraph: "Not every block can spare as much. OWL counts in each block the weights whose metric stands out, over M times the block's mean; the more there are, the \
        less is pruned there, within ±λ of the target. The masks are then Wanda's, SparseGPT's or magnitude's. Under 60 % it changes little, and on small models \
        truncation by rows can pass for a gain: compare at equal actual sparsity and with several seeds.",
    needs: "a language model that can be run here, and a text",
    knobs: knobs!(&["wanda", "sparsegpt", "magnitude"], "\"wanda\"", "0.7", "\"owl\""),
};
