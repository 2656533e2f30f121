//! What is trained: named tensors, each beside what the optimiser remembers of it.

use super::{Pass, Rule};
use crate::array::{Array, Spec};
use crate::error::Result;
use crate::ops::optim::stride;
use crate::random::Stream;
use crate::session::{Session, Tensor};
use crate::tape::Tape;

/// Which parameter: what a module holds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(super) usize);

/// Parameters with their first values, before they go to a device. Modules are made on a draft.
pub struct Draft {
    seed: u64,
    entries: Vec<(String, Array)>,
}

impl Draft {
    /// An empty draft; first values are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, entries: Vec::new() }
    }

    /// Takes a parameter with its values. Panics where the name is taken: a bug of the caller.
    pub fn add(&mut self, name: impl Into<String>, value: Array) -> Key {
        let name = name.into();
        assert!(self.entries.iter().all(|(n, _)| *n != name), "two parameters are called {name}");
        self.entries.push((name, value));
        Key(self.entries.len() - 1)
    }

    /// A parameter drawn evenly from [−reach, reach).
    pub fn uniform(&mut self, name: impl Into<String>, shape: &[usize], reach: f64) -> Key {
        // Each parameter has a stream of its own, so that adding one moves no other.
        let stream = Stream::new(self.seed, 0x5eed_0000 + self.entries.len() as u32);
        let draw = |i: u32| (reach * (2.0 * f64::from(stream.uniform(i)) - 1.0)) as f32;
        let n: usize = shape.iter().product();
        self.add(name, Array::from_f32(shape, (0..n as u32).map(draw).collect()))
    }

    /// Names and values, in order.
    pub fn entries(&self) -> &[(String, Array)] {
        &self.entries
    }

    /// Sets the values of a parameter that is there already; false where none has that name and shape.
    pub fn set(&mut self, name: &str, value: Array) -> bool {
        match self.entries.iter_mut().find(|(n, old)| n == name && old.spec() == value.spec()) {
            Some((_, old)) => {
                *old = value;
                true
            }
            None => false,
        }
    }
}

/// One parameter on a device.
struct Parameter {
    name: String,
    spec: Spec,
    state: Tensor,
}

/// The parameters of a network on a device.
pub struct Parameters {
    rule: Rule,
    entries: Vec<Parameter>,
}

impl Parameters {
    /// Takes a draft to a device; the optimiser remembers nothing yet.
    pub fn new(session: &Session, draft: Draft, rule: Rule) -> Self {
        let entries = draft.entries.into_iter().map(|(name, value)| {
            let spec = value.spec();
            let state = session.upload(pack(rule.rows(), &[value]));
            Parameter { name, spec, state }
        });
        Self { rule, entries: entries.collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        (0..self.entries.len()).map(Key)
    }

    /// The key of a name.
    pub fn find(&self, name: &str) -> Option<Key> {
        self.entries.iter().position(|e| e.name == name).map(Key)
    }

    /// Its name.
    pub fn name(&self, key: Key) -> &str {
        &self.entries[key.0].name
    }

    /// Its shape.
    pub fn spec(&self, key: Key) -> &Spec {
        &self.entries[key.0].spec
    }

    /// Its value now; the optimiser's next step does not change what was taken.
    pub fn value(&self, key: Key) -> Tensor {
        let entry = &self.entries[key.0];
        entry.state.prefix(entry.spec.shape.clone())
    }

    /// All values now, in order: kept aside while training goes on.
    pub fn hold(&self) -> Vec<Tensor> {
        self.keys().map(|key| self.value(key)).collect()
    }

    /// A pass in evaluation over values that were kept aside.
    pub fn evaluate_held<T>(&self, session: &Session, held: &[Tensor], run: impl FnOnce(&Pass) -> T) -> T {
        run(&Pass::held(Tape::new(session.clone()), held))
    }

    /// Weights in all.
    pub fn weights(&self) -> usize {
        self.entries.iter().map(|e| e.spec.len()).sum()
    }

    /// One step of the optimiser on one parameter.
    pub(super) fn renew(&mut self, session: &Session, key: Key, gradient: &Tensor, scale: &Tensor, rate: f64, decay: f64, step: u32) {
        let entry = &mut self.entries[key.0];
        let state = std::mem::replace(&mut entry.state, scale.clone());
        entry.state = self.rule.renew(session, state, gradient, scale, rate, decay, step);
    }

    /// Reads all values, and what the optimiser remembers as `KIND.NAME`.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn read(&self, session: &Session) -> Result<Vec<(String, Array)>> {
        let states: Vec<&Tensor> = self.entries.iter().map(|e| &e.state).collect();
        let states = session.read_many(&states).await?;
        let mut all = Vec::new();
        for (entry, state) in self.entries.iter().zip(states) {
            let (n, stride) = (entry.spec.len(), stride(entry.spec.len()));
            let values = state.into_f32();
            for row in 0..self.rule.rows() {
                let array = Array::from_f32(&entry.spec.shape, values[row * stride..row * stride + n].to_vec());
                all.push((self.row_name(&entry.name, row), array));
            }
        }
        Ok(all)
    }

    /// Sets one parameter and what is remembered of it, from what [`Parameters::read`] gave. What is missing of the optimiser's rows is an empty memory.
    /// Gives the first name that is missing or of another shape.
    pub(super) fn restore(&mut self, session: &Session, saved: &dyn Fn(&str) -> Option<Array>) -> std::result::Result<(), (String, Spec)> {
        let mut states = Vec::new();
        for entry in &self.entries {
            let rows = (0..self.rule.rows()).map(|row| {
                let name = self.row_name(&entry.name, row);
                saved(&name).filter(|a| a.spec() == entry.spec).ok_or((name, entry.spec.clone()))
            });
            states.push(session.upload(pack(self.rule.rows(), &rows.collect::<std::result::Result<Vec<_>, _>>()?)));
        }
        self.entries.iter_mut().zip(states).for_each(|(entry, state)| entry.state = state);
        Ok(())
    }

    fn row_name(&self, name: &str, row: usize) -> String {
        if row == 0 { name.to_owned() } else { format!("{}.{name}", self.rule.names()[row - 1]) }
    }
}

/// A state of `rows` rows of which the first are given.
fn pack(rows: usize, given: &[Array]) -> Array {
    let stride = stride(given[0].spec().len());
    let mut all = Vec::with_capacity(rows * stride);
    for (i, row) in given.iter().enumerate() {
        all.extend(row.f32().iter());
        all.resize((i + 1) * stride, 0.0);
    }
    all.resize(rows * stride, 0.0);
    Array::from_f32(&[rows, stride], all)
}
