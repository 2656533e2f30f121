//! Roles in words and colours: attention is cool, feed-forward is warm, experts are mauve, routers are ink.

use espalier_nets::checkpoint::{MatrixRef, Role};

/// Colour token of a role, as CSS.
pub fn color(role: Role, expert: bool) -> String {
    format!("var(--{})", token(role, expert))
}

/// Colour token of a role.
pub fn token(role: Role, expert: bool) -> &'static str {
    if expert {
        return "expert";
    }
    match role {
        Role::Q | Role::Qkv => "q",
        Role::K => "k",
        Role::V => "v",
        Role::O => "o",
        Role::Gate | Role::GateUp => "gate",
        Role::Up => "up",
        Role::Down => "down",
        Role::Router => "router",
        Role::Conv => "c1",
        Role::Linear => "c7",
        Role::Embedding | Role::Head => "c5",
        Role::Norm | Role::Bias | Role::Other => "ghost",
    }
}

/// Short word of a role.
pub fn word(role: Role) -> &'static str {
    match role {
        Role::Embedding => "embedding",
        Role::Head => "head",
        Role::Q => "q",
        Role::K => "k",
        Role::V => "v",
        Role::Qkv => "qkv",
        Role::O => "o",
        Role::Gate => "gate",
        Role::Up => "up",
        Role::Down => "down",
        Role::GateUp => "gate+up",
        Role::Router => "router",
        Role::Conv => "conv",
        Role::Linear => "linear",
        Role::Norm => "norm",
        Role::Bias => "bias",
        Role::Other => "other",
    }
}

/// True for attention: its marks are round, those of feed-forward square.
pub fn round(role: Role) -> bool {
    matches!(role, Role::Q | Role::K | Role::V | Role::Qkv | Role::O)
}

/// Word for a matrix: its role, and where it belongs to experts.
pub fn of(m: &MatrixRef) -> String {
    match (m.expert, m.shared) {
        (Some(e), _) => format!("{} of expert {e}", word(m.role)),
        (None, true) => format!("{} of the shared expert", word(m.role)),
        _ => word(m.role).to_owned(),
    }
}
