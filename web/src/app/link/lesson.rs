//! What a link may hold or hide, for lessons and for pages that embed this one.

/// Parts and controls that a link takes away or holds, and the task that stands beside what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// Only the place itself: no rail, no top bar, no status line.
    pub embed: bool,
    /// Parts that are not shown: `rail`, `plate`, `top`, `status`, `knobs`, and places by their word.
    pub hide: Vec<String>,
    /// Controls that can be read and not changed, by the name that they have in the page (`data-test`).
    pub lock: Vec<String>,
    /// What to do, in a sentence.
    pub task: String,
}

/// Parts that can be hidden.
pub const PARTS: [&str; 9] = ["rail", "plate", "top", "status", "knobs", "open", "inspect", "rank", "prune"];

impl Lesson {
    /// The parts not shown, as the style sheet asks for them.
    pub fn hidden(&self) -> String {
        let embed = if self.embed { &["rail", "top", "status"][..] } else { &[] };
        let mut all: Vec<&str> = embed.iter().copied().chain(self.hide.iter().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        all.join(" ")
    }

    /// Whether a control is held.
    pub fn holds(&self, control: &str) -> bool {
        self.lock.iter().any(|l| l == control)
    }
}
