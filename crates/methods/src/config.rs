//! Reading a method's configuration: missing fields take their defaults, and whatever is wrong is named.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::method::{Card, MethodError, Range};

/// Reads a configuration. Every field of `C` is a knob of `card`.
///
/// # Errors
/// [`MethodError::Config`] with the field's name: unknown, of the wrong kind, or out of its knob's range.
pub fn decode<C>(card: &Card, given: Value) -> Result<C, MethodError>
where
    C: Default + Serialize + DeserializeOwned,
{
    let given = match given {
        Value::Null => serde_json::Map::new(),
        Value::Object(map) => map,
        other => return Err(bad("configuration", format!("it is a list of fields and their values, not {other}"))),
    };
    let mut whole = serde_json::to_value(C::default()).expect("a configuration is plain data");
    let mut config = C::default();
    for (key, value) in given {
        let Some(knob) = card.knobs.iter().find(|k| k.key == key) else {
            let known: Vec<_> = card.knobs.iter().map(|k| k.key).collect();
            return Err(bad(&key, format!("{} has no such field; it has {}", card.title, known.join(", "))));
        };
        // A number in a string is what a command line gives.
        let value = match (&knob.range, &value) {
            (Range::Number { .. }, Value::String(s)) => s.trim().parse::<f64>().map_or(value, Value::from),
            (Range::Switch, Value::String(s)) => s.trim().parse::<bool>().map_or(value, Value::from),
            // And a list of one number looks like a number there.
            (Range::Elsewhere, Value::Number(n)) if whole[&key].is_string() => Value::from(n.to_string()),
            _ => value,
        };
        if let (Range::Number { min, max, .. }, Some(v)) = (&knob.range, value.as_f64())
            && !(*min..=*max).contains(&v)
        {
            return Err(bad(&key, format!("{v} is outside {min} … {max}")));
        }
        if let (Range::Choice(choices), Value::String(s)) = (&knob.range, &value)
            && !choices.contains(&s.as_str())
            && serde_json::from_value::<C>(with(&whole, &key, value.clone())).is_err()
        {
            return Err(bad(&key, format!("“{s}” is not one of {}", choices.join(", "))));
        }
        whole = with(&whole, &key, value);
        config = serde_json::from_value(whole.clone()).map_err(|e| bad(&key, e.to_string()))?;
    }
    Ok(config)
}

fn with(whole: &Value, key: &str, value: Value) -> Value {
    let mut out = whole.clone();
    out[key] = value;
    out
}

/// A configuration error.
pub(crate) fn bad(key: &str, why: impl Into<String>) -> MethodError {
    MethodError::Config { key: key.into(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::welore;
    use serde_json::json;

    fn error(v: Value) -> (String, String) {
        match decode::<welore::Config>(&welore::CARD, v) {
            Err(MethodError::Config { key, why }) => (key, why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_fill_what_is_missing() {
        let c: welore::Config = decode(&welore::CARD, json!({ "target": "0.3" })).unwrap();
        assert_eq!(c, welore::Config { target: 0.3, ..Default::default() });
        let c: crate::rules::Config = decode(&crate::rules::CARD, json!({ "targets": 0.5 })).unwrap();
        assert_eq!(c.targets, "0.5");
        assert_eq!(decode::<welore::Config>(&welore::CARD, Value::Null).unwrap(), welore::Config::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(error(json!({ "tarket": 0.3 })).0, "tarket");
        assert!(error(json!({ "tarket": 0.3 })).1.contains("target"));
        assert_eq!(error(json!({ "target": 1.5 })), ("target".into(), "1.5 is outside 0 … 1".into()));
        assert_eq!(error(json!({ "target": [] })).0, "target");
        assert_eq!(error(json!({ "target": "much" })).0, "target");
        assert!(error(json!({ "rule": "best" })).1.contains("nearest"));
        assert_eq!(error(json!([1])).0, "configuration");
        assert_eq!(error(json!({ "by_hand": { "a": 2.5 } })).0, "by_hand");
    }
}
