//! The worker with everything, started when something is asked for that the small one lacks.

fn main() {
    espalier_web::worker::program::run(espalier_lab::Repertoire::WHOLE, "./pool.js?whole");
}
