//! The page.

fn main() {
    console_error_panic_hook::set_once();
    yew::Renderer::<espalier_web::app::root::App>::new().render();
}
