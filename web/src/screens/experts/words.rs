//! A text as the tokens that are watched.

use std::rc::Rc;

use espalier_lab::protocol::Fault;

use crate::app::context::Lab;
use crate::app::experts::Words;

/// A text, token by token, by the tokenizer of what is open.
///
/// # Errors
/// A tokenizer that did not come.
pub async fn words(lab: &Lab, text: String) -> Result<Rc<Words>, Fault> {
    let (_, pieces) = lab.port.texts.pieces(&lab.state, text.clone()).await?;
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
