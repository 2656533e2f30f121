//! What a visitor chooses of the page itself: its theme, and what lies over it.

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What lies over the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sheet {
    /// Nothing.
    #[default]
    None,
    /// The keys.
    Keys,
    /// A shader beside its twin.
    Shader,
    /// The open checkpoint's menu.
    Menu,
}
