//! What an engine can do. A face that must be small carries less, and starts an engine with more of it when that is asked for.

use espalier_methods::method::Entry;
use espalier_methods::registry;

use crate::engine::Engine;
use crate::host::LocalFuture;
use crate::more;
use crate::protocol::{Command, Fault};

/// The methods that an engine runs, and what does its other work.
#[derive(Clone, Copy)]
pub struct Repertoire {
    /// Methods.
    pub methods: fn() -> &'static [Entry],
    /// Finds the files of a checkpoint under an address.
    pub(crate) locate: more::Locate,
    /// Compares, writes copies, does records again, tests itself.
    pub(crate) more: fn(Engine, Command) -> LocalFuture<'static, ()>,
}

impl Repertoire {
    /// Everything.
    pub const WHOLE: Self = Self { methods: registry::all, locate: more::locates, more: more::does };
    /// Opens, looks, and runs methods that need nothing but the weights: code that only the others use is not linked.
    pub const DATA_FREE: Self = Self { methods: registry::data_free, locate: more::locates_none, more: more::refuses };

    /// The method with this key.
    ///
    /// # Errors
    /// A fault that names those there are.
    pub(crate) fn find(&self, id: &str) -> Result<&'static Entry, Fault> {
        let methods = (self.methods)();
        methods.iter().find(|e| e.card.id == id).ok_or_else(|| Fault::no_method(id, &methods.iter().map(|e| e.card.id).collect::<Vec<_>>()))
    }
}

/// Whether a command needs more than [`Repertoire::DATA_FREE`]. A record may hold any method, so doing it again always does; a file of points is kept for such a method.
pub fn needs_whole(command: &Command) -> bool {
    match command {
        Command::Run { method, .. } => !registry::is_data_free(method),
        Command::Replay { .. } | Command::SelfTest { .. } | Command::Diff { .. } | Command::Export { .. } => true,
        // Only runs of a model read texts, and only those over a city points.
        Command::Text(_) | Command::Points(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_engine_knows_its_methods_and_names_them_when_asked_for_another() {
        assert!(Repertoire::DATA_FREE.find("welore").is_ok());
        let fault = Repertoire::DATA_FREE.find("wanda").err().expect("not among them");
        assert!(format!("{fault:?}").contains("magnitude"), "{fault:?}");
        assert!(Repertoire::WHOLE.find("wanda").is_ok());
    }

    #[test]
    fn commands_say_what_they_need() {
        let run = |method: &str| Command::Run { job: 1, method: method.into(), config: serde_json::Value::Null, matrices: None, known: Vec::new(), seed: 0 };
        assert!(registry::all().iter().all(|e| needs_whole(&run(e.card.id)) == Repertoire::DATA_FREE.find(e.card.id).is_err()));
        assert!(needs_whole(&Command::SelfTest { job: 1 }) && needs_whole(&Command::Replay { job: 1, record: String::new() }) && !needs_whole(&Command::Cancel { job: 1 }));
        assert!(needs_whole(&Command::Diff { job: 1, config: serde_json::Value::Null }) && !needs_whole(&Command::Stats { job: 1, tensor: 0 }) && !needs_whole(&Command::Record));
    }
}
