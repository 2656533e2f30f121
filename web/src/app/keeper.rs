//! What the page does beside drawing: it keeps address, records, studies and training runs, and begins the runs of a link.

use yew::prelude::*;

use crate::app::address::{use_address, use_queue};
use crate::app::context::{Lab, use_lab};
use crate::app::runs::use_runs;
use crate::app::training::use_training;
use crate::app::unfinished::use_unfinished;

/// Draws nothing.
#[component]
pub fn Keeper() -> Html {
    let lab = use_lab();
    use_top(&lab);
    use_address(&lab);
    use_queue(&lab);
    use_runs(&lab);
    use_unfinished(&lab);
    use_training(&lab);
    Html::default()
}

/// Another place is seen from its top: what scrolls, the window or its main part, is the same for all of them.
#[hook]
fn use_top(lab: &Lab) {
    let first = use_mut_ref(|| true);
    use_effect_with(lab.state.place, move |_| {
        if !first.replace(false) {
            gloo::utils::window().scroll_to_with_x_and_y(0.0, 0.0);
            if let Ok(Some(main)) = gloo::utils::document().query_selector(".main") {
                main.set_scroll_top(0);
            }
        }
    });
}
