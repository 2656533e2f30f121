//! The page.

use espalier_web::app::late::{self, Hands};
use espalier_web::app::part::{self, Coming, Draw, Missing, Source};
use espalier_web::app::piece::Piece;
use espalier_web::app::root::App;
use espalier_web::app::shell;
use espalier_web::{app, screens, teach};
use yew::prelude::*;

/// Something that the page begins without, in a file of its own in the released page (`cargo xtask` takes them apart). The split points stand in
/// this program and not in the library: the workers link the library too, and would keep what is exported from it.
macro_rules! later {
    ($file:ident $name:ident: $type:ty = $value:expr) => {
        #[cfg(all(target_arch = "wasm32", not(debug_assertions)))]
        #[wasm_split_helpers::wasm_split($file, fallible)]
        fn $name() -> Result<$type, Missing> {
            Ok($value)
        }
        #[cfg(not(all(target_arch = "wasm32", not(debug_assertions))))]
        async fn $name() -> Result<$type, Missing> {
            Ok($value)
        }
    };
}

/// The pieces of each file.
macro_rules! pieces {
    ($($file:ident: $($piece:ident $name:ident $component:path),+;)+) => {
        $($(later!($file $name: Draw = || html! { <$component /> });)+)+
        fn piece(piece: Piece) -> Coming<Draw> {
            match piece {
                $($(Piece::$piece => Box::pin($name()),)+)+
            }
        }
    };
}

pieces! {
    work:
        Inspect inspect screens::inspect::InspectScreen,
        Rank rank screens::rank::RankScreen,
        Prune prune screens::prune::PruneScreen,
        Keeper keeper app::keeper::Keeper,
        Linked linked shell::linked::Linked,
        Waiting waiting shell::linked::Waiting,
        Faults faults shell::Faults,
        Example example screens::open::Example,
        Menu menu shell::Menu,
        Running running shell::Running,
        Computer computer screens::open::Computer,
        Runs runs screens::open::Runs,
        Compare compare screens::open::Compare,
        Lesson lesson teach::strip::Strip,
        Shader shader teach::reader::Reader,
        Keys keys shell::Keys,
        Log log shell::Log;
    language:
        Study study screens::study::StudyScreen,
        Experts experts screens::experts::ExpertsScreen;
    map:
        Map map screens::map::MapScreen;
}

later!(work hands: Hands = late::HANDS);

fn main() {
    console_error_panic_hook::set_once();
    part::supply(Source { piece, hands: || Box::pin(hands()) });
    yew::Renderer::<App>::new().render();
}
