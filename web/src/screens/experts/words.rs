//! A text as the tokens that are watched.

use std::rc::Rc;

use espalier_lab::protocol::{Fault, FaultKind};

use crate::app::context::Lab;
use crate::app::experts::Words;
use crate::tokens::message::{Told, What};

/// A text, token by token, by the tokenizer of what is open.
///
/// # Errors
/// A tokenizer that did not come.
pub async fn words(lab: &Lab, text: String) -> Result<Rc<Words>, Fault> {
    let failed = |why: String| Fault {
        kind: FaultKind::Source,
        what: "The text could not be tokenized".into(),
        details: why.clone(),
        why,
        advice: "Drop the tokenizer.json of the model together with its weights, or try again.".into(),
    };
    lab.port.texts.tokenizer(&lab.state).await?;
    match lab.port.texts.tokens().ask(What::View { text: text.clone() }).await.map_err(failed)? {
        Told::View(pieces) => {
            let mut from = 0;
            let part = |(id, _, end): (u32, String, u32)| {
                let end = (end as usize).clamp(from, text.len());
                let part = String::from_utf8_lossy(&text.as_bytes()[from..end]).into_owned();
                from = end;
                (id, part)
            };
            let tokens = pieces.into_iter().map(part).collect();
            Ok(Rc::new(Words { text, tokens }))
        }
        other => Err(failed(format!("{other:?}"))),
    }
}
