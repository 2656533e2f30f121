//! The page as it stands before the application has come: Open with the finished example, drawn natively into `index.html`.
//!
//! So the first paint waits for the page, its styles and its fonts, not for wasm; the application then draws the same over it.

use yew::prelude::*;

use crate::app::action::Action;
use crate::app::context::{Lab, Port};
use crate::app::shell::{Rail, Status, Top};
use crate::app::state::{LogKind, LogLine, Place, State};
use crate::screens::open::OpenScreen;

/// The frame and Open, with nothing behind them.
#[component]
pub fn FirstPaint() -> Html {
    let state = use_reducer(|| {
        let mut state = State::default();
        state.apply(Action::Log(LogLine { at_ms: 0.0, kind: LogKind::Device, text: "starting …".into() }));
        state
    });
    let port = (*use_memo((), |()| Port::new(Callback::noop(), Callback::noop(), Callback::noop(), Callback::noop(), Callback::noop(), Callback::noop(), Default::default()))).clone();
    html! {
        <ContextProvider<Lab> context={Lab::new(state, port)}>
            <div class="app starting" data-place={Place::Open.slug()} aria-busy="true">
                <Rail />
                <Top />
                <main class="main"><OpenScreen over={false} /></main>
                <Status />
            </div>
        </ContextProvider<Lab>>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ESPALIER_BLESS=1` writes the file anew after a change of what it shows.
    #[test]
    fn the_file_in_the_page_is_what_the_application_draws() {
        let drawn = pollster::block_on(yew::ServerRenderer::<FirstPaint>::new().hydratable(false).render()) + "\n";
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/app/first-paint.html");
        if std::env::var_os("ESPALIER_BLESS").is_some() {
            std::fs::write(file, &drawn).expect("the assets can be written");
        }
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        assert!(kept == drawn, "{file} is not what Open draws now; look at the page, then run `ESPALIER_BLESS=1 cargo xtask test unit first_paint`");
        assert!(drawn.contains("Finished example") && drawn.contains("shakespeare-moe"), "{drawn}");
    }
}
