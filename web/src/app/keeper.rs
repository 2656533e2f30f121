//! What the page does beside drawing: it brings the example's numbers, keeps address, records, studies and training runs, and begins the runs of a link.

use std::rc::Rc;

use yew::prelude::*;

use crate::app::action::Action;
use crate::app::address::{use_address, use_queue};
use crate::app::context::use_lab;
use crate::app::record::Record;
use crate::app::runs::use_runs;
use crate::app::training::use_training;
use crate::app::unfinished::use_unfinished;

/// Draws nothing.
#[component]
pub fn Keeper() -> Html {
    let lab = use_lab();
    {
        let lab = lab.clone();
        use_effect_with((), move |()| lab.act(Action::Record(Rc::new(Record::bundled()))));
    }
    use_address(&lab);
    use_queue(&lab);
    use_runs(&lab);
    use_unfinished(&lab);
    use_training(&lab);
    Html::default()
}
