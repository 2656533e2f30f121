//! What the page does beside drawing: it keeps address, records, studies and training runs, and begins the runs of a link.

use yew::prelude::*;

use crate::app::address::{use_address, use_queue};
use crate::app::context::use_lab;
use crate::app::runs::use_runs;
use crate::app::training::use_training;
use crate::app::unfinished::use_unfinished;

/// Draws nothing.
#[component]
pub fn Keeper() -> Html {
    let lab = use_lab();
    use_address(&lab);
    use_queue(&lab);
    use_runs(&lab);
    use_unfinished(&lab);
    use_training(&lab);
    Html::default()
}
