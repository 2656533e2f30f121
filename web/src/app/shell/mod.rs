//! What stands around every screen: rail with plate, top bar, status line, log, keys, failures.

mod faults;
mod keys;
pub mod linked;
pub mod log;
mod menu;
mod rail;
mod running;
mod status;
mod top;

pub use faults::Faults;
pub use keys::Keys;
pub use log::Log;
pub use menu::Menu;
pub use rail::Rail;
pub use running::Running;
pub use status::Status;
pub use top::Top;
