//! `espalier methods`.

use espalier_methods::method::{Card, Knob, Range};
use espalier_methods::registry::METHODS;

use crate::session::Failure;
use crate::table::number;

/// The cards of all methods.
pub fn methods(json: bool) -> Result<String, Failure> {
    let cards: Vec<&Card> = METHODS.iter().map(|e| e.card).collect();
    if json {
        return Ok(serde_json::to_string_pretty(&cards)? + "\n");
    }
    Ok(cards.iter().map(|c| card(c)).collect::<Vec<_>>().join("\n"))
}

fn card(c: &Card) -> String {
    let mut out = format!("{}: {}\n  {} {}, {}\n  {}\n  Needs {}.\n", c.id, c.title, c.authors, c.year, c.link, c.paragraph, c.needs);
    for k in c.knobs {
        out.push_str(&format!("    {} ({}; paper {}): {}\n", k.key, range(k), k.paper, k.help));
    }
    out
}

fn range(k: &Knob) -> String {
    match &k.range {
        Range::Number { min, max, .. } => format!("{} … {} {}", number(*min), number(*max), k.unit).trim_end().to_owned(),
        Range::Choice(keys) => keys.join(", "),
        Range::Switch => "true or false".into(),
        Range::Elsewhere => "by name".into(),
    }
}
