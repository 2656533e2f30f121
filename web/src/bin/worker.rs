//! The worker that a visit starts with: methods that need nothing but the weights.

fn main() {
    espalier_web::worker::program::run(espalier_lab::Repertoire::DATA_FREE, "./pool.js");
}
