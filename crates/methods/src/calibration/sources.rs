//! Rows of the papers' question sets as texts: the prompt strings of abx393/llm-pruning-calibration-data (specification prune §8).

use serde_json::Value;

/// The three forms of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The prompt, up to where the answer begins.
    pub prompt: String,
    /// The answer.
    pub answer: String,
    /// What stands in the answer's place where reasons are given; `None` where the set has none (or the published code drops them).
    pub reasoned: Option<String>,
    /// The reasons alone.
    pub reasons: String,
}

impl Row {
    /// How often ". " is in the reasons: what `num_cot_steps` counts.
    pub fn steps(&self) -> u32 {
        self.reasons.matches(". ").count() as u32
    }
}

/// The sets whose rows are known.
pub const SOURCES: [&str; 8] = ["gsm8k", "svamp", "mawps", "anli", "esnli", "commonsense_qa", "race", "winogrande"];

/// One row of a set as texts; `None` where the row lacks a field. A row of any other set has `prompt` and `answer`, or `question` and `answer`, and perhaps
/// `reasons`.
pub fn example(source: &str, row: &Value) -> Option<Row> {
    let text = |key: &str| row.get(key)?.as_str().map(str::to_owned);
    let plain = |prompt: String, answer: String| Some(Row { prompt, answer, reasoned: None, reasons: String::new() });
    if source.starts_with("anli") || source == "esnli" {
        let label = ["entailment", "neutral", "contradiction"].get(usize::try_from(row.get("label")?.as_i64()?).ok()?)?;
        let prompt = format!("Premise: {}\nHypothesis: {}\nLabel: ", text("premise")?, text("hypothesis")?);
        let reasons = text(if source == "esnli" { "explanation_1" } else { "reason" }).unwrap_or_default();
        let reasoned = Some(format!("{reasons} So the answer is {label}.")).filter(|_| !reasons.is_empty());
        return Some(Row { prompt, answer: (*label).into(), reasoned, reasons });
    }
    match source {
        "gsm8k" => {
            let whole = text("answer")?;
            let (reasons, label) = whole.split_once("#### ")?;
            let reasons = reasons.trim_end_matches('\n').to_owned();
            let reasoned = Some(format!("{reasons}. So the answer is {label}."));
            Some(Row { prompt: format!("Question: {}\nAnswer: ", text("question")?), answer: label.into(), reasoned, reasons })
        }
        "svamp" => plain(format!("Question: {} {}\nAnswer: ", text("Body")?, text("Question")?), text("Equation")?),
        "mawps" => plain(format!("Question: {}\nAnswer: ", text("question")?), text("expression")?),
        "commonsense_qa" => {
            let list = |key: &str| row.get("choices")?.get(key)?.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            let choices: String = list("label")?.iter().zip(list("text")?).map(|(l, t)| format!("{l}. {t}\n")).collect();
            plain(format!("Question: {}\nChoices:\n{choices}Answer: ", text("question")?), text("answerKey")?)
        }
        "race" => {
            let options = row.get("options")?.as_array()?;
            let lines: Option<String> = options.iter().zip('A'..).map(|(o, l)| Some(format!("{l}. {}\n", o.as_str()?))).collect();
            plain(format!("Article: {}\nQuestion: {}\nOptions:\n{}\nAnswer: ", text("article")?, text("question")?, lines?), text("answer")?)
        }
        "winogrande" => plain(format!("Sentence: {}\nOptions:\n1. {}\n2. {}\nAnswer: ", text("sentence")?, text("option1")?, text("option2")?), text("answer")?),
        _ => {
            let prompt = text("prompt").or_else(|| text("question").map(|q| format!("Question: {q}\nAnswer: ")))?;
            let (answer, reasons) = (text("answer")?, text("reasons").unwrap_or_default());
            let reasoned = Some(format!("{reasons} So the answer is {answer}.")).filter(|_| !reasons.is_empty());
            Some(Row { prompt, answer, reasoned, reasons })
        }
    }
}
