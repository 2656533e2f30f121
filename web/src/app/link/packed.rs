//! The packed part: what differs from the defaults, as compact JSON. Matrices are named by their number in the open checkpoint, which is the
//! same for everyone who has the same headers; by their key where nothing is open.

use std::rc::Rc;

use espalier_methods::urban::calliper::Config;
use serde_json::{Map, Value, json};

use super::Rest;
use crate::app::language::{Calibrated, StudyState};
use crate::app::state::{Allocation, Asked, ExportForm, FactorIf, Key, Lead, PruneState, RankRule, RankState, Scope, Search, State, key};

/// Longest text that is read: a link is made by anyone.
pub const LONGEST: usize = 1 << 20;
/// Most runs that a link may ask for.
const RUNS: usize = 32;

const RULES: [RankRule; 4] = [RankRule::Welore, RankRule::Energy, RankRule::Uniform, RankRule::ByHand];
const LEADS: [Lead; 2] = [Lead::Target, Lead::Threshold];
const SEARCHES: [Search; 2] = [Search::Nearest, Search::Reach];
const FACTORS: [FactorIf; 3] = [FactorIf::Half, FactorIf::Shrinks, FactorIf::Always];
const FORMS: [ExportForm; 2] = [ExportForm::Factors, ExportForm::Dense];
const ALLOCATIONS: [Allocation; 6] = [Allocation::Uniform, Allocation::Erk, Allocation::Spectrum, Allocation::ByHand, Allocation::Owl, Allocation::Measured];

/// Numbers of the open checkpoint's matrices.
struct Names(Vec<Key>);

impl Names {
    fn of(state: &State) -> Self {
        Self(state.summary.as_ref().map(|s| s.matrices.iter().map(|m| key(&m.name, m.slice)).collect()).unwrap_or_default())
    }

    /// The matrices of which `of` knows something, in their order; where nothing is open, all of `keys` by name.
    fn list<'a, V: Into<Value>>(&self, keys: impl Iterator<Item = &'a Key>, of: impl Fn(&Key) -> Option<V>) -> Value {
        let pair = |name: Value, key: &Key| Some(json!([name, of(key)?.into()]));
        if self.0.is_empty() { keys.filter_map(|k| pair((**k).into(), k)).collect() } else { self.0.iter().enumerate().filter_map(|(i, k)| pair(i.into(), k)).collect() }
    }

    fn long(&self, value: &Value) -> Option<Key> {
        match value {
            Value::String(name) => Some(name.as_str().into()),
            number => self.0.get(number.as_u64()? as usize).cloned(),
        }
    }
}

fn index<T: PartialEq>(all: &[T], value: &T) -> usize {
    all.iter().position(|v| v == value).unwrap_or(0)
}

fn at<T: Copy + Default>(all: &[T], value: Option<&Value>) -> T {
    value.and_then(Value::as_u64).and_then(|i| all.get(i as usize).copied()).unwrap_or_default()
}

/// A number within its range, or what stands there by default.
fn number(value: Option<&Value>, low: f64, high: f64, default: f64) -> f64 {
    value.and_then(Value::as_f64).filter(|v| (low..=high).contains(v)).unwrap_or(default)
}

/// The rest of the view as JSON; empty text where nothing differs from a fresh page.
pub fn write(state: &State) -> String {
    let names = Names::of(state);
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = matches!(&value, Value::Object(m) if m.is_empty()) || matches!(&value, Value::Array(a) if a.is_empty());
        if !empty {
            out.insert(key.into(), value);
        }
    };
    put("r", rank(state.rank(), &names));
    put("p", prune(state.prune(), &names));
    put("y", differing(state.study()));
    put("m", differing_from(&*state.town.config, Config::small()));
    if let Some(block) = state.selection().block {
        put("b", block.into());
    }
    put("w", state.views.iter().map(|(k, v)| (k.to_string(), Value::from(&**v))).collect::<Map<_, _>>().into());
    let ran = state.town.ran.iter().map(|r| &r.asked);
    put("q", state.shown.iter().chain(ran).map(|a| asked(a, &names)).collect::<Vec<_>>().into());
    if out.is_empty() { String::new() } else { Value::Object(out).to_string() }
}

fn rank(s: &RankState, names: &Names) -> Value {
    let d = RankState::default();
    let mut m = Map::new();
    let mut put = |key: &str, differs: bool, value: Value| {
        if differs {
            m.insert(key.into(), value);
        }
    };
    put("r", s.rule != d.rule, index(&RULES, &s.rule).into());
    put("k", s.threshold != d.threshold, s.threshold.into());
    put("t", s.target != d.target, s.target.into());
    put("l", s.lead != d.lead, index(&LEADS, &s.lead).into());
    put("s", s.search != d.search, index(&SEARCHES, &s.search).into());
    put("f", s.factor_if != d.factor_if, index(&FACTORS, &s.factor_if).into());
    put("e", s.tau != d.tau, s.tau.into());
    put("x", s.form != d.form, index(&FORMS, &s.form).into());
    put("h", !s.by_hand.is_empty(), names.list(s.by_hand.keys(), |k| s.by_hand.get(k).copied()));
    m.into()
}

fn prune(s: &PruneState, names: &Names) -> Value {
    let d = PruneState::default();
    let mut m = Map::new();
    let mut put = |key: &str, differs: bool, value: Value| {
        if differs {
            m.insert(key.into(), value);
        }
    };
    let scope = match s.scope {
        Scope::Tensor => json!(0),
        Scope::Row => json!(1),
        Scope::Global => json!(2),
        Scope::NOfM { n, m } => json!([n, m]),
    };
    put("c", s.scope != d.scope, scope);
    put("t", s.target != d.target, s.target.into());
    put("a", s.allocation != d.allocation, index(&ALLOCATIONS, &s.allocation).into());
    put("o", s.official, true.into());
    put("h", !s.sparsity.is_empty(), names.list(s.sparsity.keys(), |k| s.sparsity.get(k).copied()));
    put("l", !s.locked.is_empty(), names.list(s.locked.iter(), |k| s.locked.contains(k).then_some(1)));
    put("k", s.calibrated != d.calibrated, differing(&s.calibrated));
    m.into()
}

/// The fields that differ from the defaults.
fn differing<T: serde::Serialize + Default>(settings: &T) -> Value {
    differing_from(settings, T::default())
}

fn differing_from<T: serde::Serialize>(settings: &T, base: T) -> Value {
    let (Ok(Value::Object(now)), Ok(base)) = (serde_json::to_value(settings), serde_json::to_value(base)) else { return Value::Object(Map::new()) };
    Value::Object(now.into_iter().filter(|(k, v)| base.get(k) != Some(v)).collect())
}

fn asked(a: &Asked, names: &Names) -> Value {
    // Names mostly come in the checkpoint's order, so the next is looked for after the last.
    let mut next = 0;
    let mut short = |name: &String| {
        let found = (next..names.0.len()).chain(0..next).find(|i| *names.0[*i] == **name);
        next = found.map_or(next, |i| i + 1);
        found.map_or_else(|| Value::from(name.as_str()), Value::from)
    };
    let chosen = a.matrices.as_ref().map(|m| m.iter().map(&mut short).collect::<Vec<_>>());
    json!([a.method, a.config, chosen, a.seed])
}

/// Reads what [`write`] wrote. `state` gives the names of the matrices; settings out of range fall back to their defaults.
///
/// # Errors
/// The text is no such JSON.
pub fn read(text: &str, state: &State) -> Result<Rest, serde_json::Error> {
    let names = Names::of(state);
    let mut rest = Rest::default();
    if text.is_empty() {
        return Ok(rest);
    }
    let all: Map<String, Value> = serde_json::from_str(text)?;
    if let Some(m) = all.get("r").and_then(Value::as_object) {
        rest.edit.rank = Rc::new(read_rank(m, &names));
    }
    if let Some(m) = all.get("p").and_then(Value::as_object) {
        rest.edit.prune = Rc::new(read_prune(m, &names));
    }
    if let Some(y) = all.get("y").and_then(|y| serde_json::from_value::<StudyState>(y.clone()).ok()) {
        rest.edit.study = Rc::new(y.tamed());
    }
    // Ranges are the method's to check; settings of another kind fall back to the defaults.
    rest.city = all.get("m").and_then(Value::as_object).and_then(|m| Config::from_json(m, &Config::small())).map(Box::new);
    rest.edit.selection.block = all.get("b").and_then(Value::as_u64).map(|b| b as u32);
    if let Some(views) = all.get("w").and_then(Value::as_object) {
        rest.views = Rc::new(views.iter().filter_map(|(k, v)| Some((k.as_str().into(), v.as_str()?.into()))).collect());
    }
    if let Some(runs) = all.get("q").and_then(Value::as_array) {
        rest.runs = runs.iter().take(RUNS).filter_map(|r| read_asked(r, &names)).collect();
    }
    Ok(rest)
}

fn pairs<'a>(m: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    m.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(|p| Some((p.get(0)?, p.get(1)?)))
}

fn read_rank(m: &Map<String, Value>, names: &Names) -> RankState {
    let d = RankState::default();
    RankState {
        rule: at(&RULES, m.get("r")),
        threshold: number(m.get("k"), 0.0, 1.0, d.threshold),
        target: number(m.get("t"), 0.0, 1.0, d.target),
        lead: at(&LEADS, m.get("l")),
        search: at(&SEARCHES, m.get("s")),
        factor_if: at(&FACTORS, m.get("f")),
        tau: number(m.get("e"), 0.0, 1.0, d.tau),
        by_hand: pairs(m, "h").filter_map(|(k, v)| Some((names.long(k)?, u32::try_from(v.as_u64()?).ok()?.max(1)))).collect(),
        form: at(&FORMS, m.get("x")),
    }
}

fn read_prune(m: &Map<String, Value>, names: &Names) -> PruneState {
    let d = PruneState::default();
    let scope = match m.get("c") {
        Some(Value::Array(pair)) => match (pair.first().and_then(Value::as_u64), pair.get(1).and_then(Value::as_u64)) {
            (Some(n), Some(m)) if n < m && m <= 64 => Scope::NOfM { n: n as u32, m: m as u32 },
            _ => d.scope,
        },
        Some(v) => [Scope::Tensor, Scope::Row, Scope::Global].get(v.as_u64().unwrap_or(0) as usize).copied().unwrap_or_default(),
        None => d.scope,
    };
    PruneState {
        scope,
        target: number(m.get("t"), 0.0, 1.0, d.target),
        allocation: at(&ALLOCATIONS, m.get("a")),
        sparsity: pairs(m, "h").filter_map(|(k, v)| Some((names.long(k)?, v.as_f64()?.clamp(0.0, 1.0)))).collect(),
        locked: pairs(m, "l").filter_map(|(k, _)| names.long(k)).collect(),
        official: m.get("o").and_then(Value::as_bool).unwrap_or(false),
        calibrated: m.get("k").and_then(|k| serde_json::from_value::<Calibrated>(k.clone()).ok()).unwrap_or_default().tamed(),
    }
}

fn read_asked(value: &Value, names: &Names) -> Option<Asked> {
    let method = value.get(0)?.as_str()?.to_owned();
    let matrices = value.get(2).and_then(Value::as_array).map(|m| m.iter().filter_map(|n| names.long(n)).map(|k| k.to_string()).collect());
    Some(Asked { method, config: value.get(1).cloned().unwrap_or_default(), matrices, seed: value.get(3).and_then(Value::as_u64).unwrap_or(7) })
}
