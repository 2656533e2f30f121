//! What bounds what: sources of an expression, and what a condition says about them.

use std::collections::{BTreeMap, BTreeSet};

use naga::{BinaryOperator as Op, Expression as E, Function, Handle, LocalVariable, MathFunction, RelationalFunction, UnaryOperator};

/// Where a number that may be anything comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Argument and, for vectors, component.
    Argument(u32, u32),
    /// A local variable, whole.
    Local(Handle<LocalVariable>),
    /// A loaded value, the result of a call or of an atomic.
    Value(Handle<E>),
}

/// A set of bounded sources.
pub type Set = BTreeSet<Source>;

/// What is known at one place of a function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Bounded sources.
    pub bounded: Set,
    /// For local booleans, what is bounded where they are true and where they are false; `None` where they can't be.
    pub booleans: BTreeMap<Handle<LocalVariable>, [Option<Set>; 2]>,
}

impl State {
    /// What holds whichever of two ways was taken.
    pub fn join(self, other: Self) -> Self {
        let booleans = self
            .booleans
            .into_iter()
            .filter_map(|(v, [t, f])| {
                let [t2, f2] = other.booleans.get(&v)?.clone();
                Some((v, [meet(t, t2), meet(f, f2)]))
            })
            .collect();
        Self { bounded: self.bounded.intersection(&other.bounded).copied().collect(), booleans }
    }

    /// Nothing bounds this any more.
    pub fn forget(&mut self, source: Source) {
        self.bounded.remove(&source);
        for set in self.booleans.values_mut().flatten().flatten() {
            set.remove(&source);
        }
    }
}

fn meet(a: Option<Set>, b: Option<Set>) -> Option<Set> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
        (a, b) => a.or(b),
    }
}

/// One function, with the arguments that the host bounds.
pub struct Scope<'a> {
    /// The function.
    pub function: &'a Function,
    /// The module, for its globals.
    pub module: &'a naga::Module,
    /// Arguments that are bounded from the start.
    pub host_bounded: BTreeSet<u32>,
    /// Arguments of each call, by its result.
    pub calls: BTreeMap<Handle<E>, Vec<Handle<E>>>,
}

impl Scope<'_> {
    /// Sources that keep an expression from being bounded; empty where it is.
    pub fn unbounded(&self, expr: Handle<E>, state: &State) -> Set {
        let of = |e: Handle<E>| self.unbounded(e, state);
        match &self.function.expressions[expr] {
            E::Math { fun: MathFunction::Min, arg, arg1: Some(other), .. } => {
                let (a, b) = (of(*arg), of(*other));
                if a.is_empty() || b.is_empty() { Set::new() } else { &a | &b }
            }
            E::Math { fun: MathFunction::Clamp, arg1: Some(low), arg2: Some(high), .. } => &of(*low) | &of(*high),
            E::Binary { op: Op::Modulo, right, .. } => of(*right),
            E::Binary { op: Op::And, left, right } => {
                let (a, b) = (of(*left), of(*right));
                if a.is_empty() || b.is_empty() { Set::new() } else { &a | &b }
            }
            E::Binary { op: Op::Divide | Op::ShiftRight | Op::Subtract, left, .. } => of(*left),
            E::Select { condition, accept, reject } => {
                let side = |e: Handle<E>, truth: bool| match self.facts(*condition, state, truth) {
                    None => Set::new(),
                    Some(facts) => self.unbounded(e, &State { bounded: &state.bounded | &facts, booleans: state.booleans.clone() }),
                };
                &side(*accept, true) | &side(*reject, false)
            }
            E::CallResult(_) if !state.bounded.contains(&Source::Value(expr)) => {
                // A result is as bounded as its arguments are; without arguments there is no telling.
                match self.calls.get(&expr) {
                    Some(list) if !list.is_empty() => list.iter().flat_map(|a| of(*a)).collect(),
                    _ => Set::from([Source::Value(expr)]),
                }
            }
            _ => match self.source(expr) {
                Some(sources) => sources.into_iter().filter(|s| !state.bounded.contains(s)).collect(),
                None => self.parts(expr).into_iter().flat_map(of).collect(),
            },
        }
    }

    /// All sources of an expression, bounded or not.
    fn sources(&self, expr: Handle<E>, into: &mut Set) {
        if let Some(sources) = self.source(expr) {
            into.extend(sources);
        }
        if let Some(arguments) = self.calls.get(&expr) {
            arguments.iter().for_each(|a| self.sources(*a, into));
        }
        self.parts(expr).into_iter().for_each(|part| self.sources(part, into));
    }

    /// The sources that an expression is, where it is one itself.
    fn source(&self, expr: Handle<E>) -> Option<Set> {
        let expressions = &self.function.expressions;
        let argument = |a: u32, component: u32| {
            if self.host_bounded.contains(&a) { None } else { Some(Source::Argument(a, component)) }
        };
        match &expressions[expr] {
            E::FunctionArgument(a) => Some((0..3).filter_map(|c| argument(*a, c)).collect()),
            E::AccessIndex { base, index } => match &expressions[*base] {
                E::FunctionArgument(a) => Some(argument(*a, *index).into_iter().collect()),
                _ => None,
            },
            E::Swizzle { size, vector, pattern } => match &expressions[*vector] {
                E::FunctionArgument(a) => {
                    Some(pattern[..*size as usize].iter().filter_map(|c| argument(*a, *c as u32)).collect())
                }
                _ => None,
            },
            E::Load { pointer } => match &expressions[self.root(*pointer)] {
                E::LocalVariable(v) => Some(Set::from([Source::Local(*v)])),
                E::GlobalVariable(g) if self.module.global_variables[*g].space == naga::AddressSpace::Uniform => Some(Set::new()),
                _ => Some(Set::from([Source::Value(expr)])),
            },
            E::CallResult(_)
            | E::AtomicResult { .. }
            | E::WorkGroupUniformLoadResult { .. }
            | E::SubgroupBallotResult
            | E::SubgroupOperationResult { .. } => Some(Set::from([Source::Value(expr)])),
            E::ArrayLength(_) => Some(Set::new()),
            _ => None,
        }
    }

    /// The variable at the bottom of a chain of accesses.
    pub fn root(&self, pointer: Handle<E>) -> Handle<E> {
        match &self.function.expressions[pointer] {
            E::Access { base, .. } | E::AccessIndex { base, .. } => self.root(*base),
            _ => pointer,
        }
    }

    /// Operands of what is not a source.
    fn parts(&self, expr: Handle<E>) -> Vec<Handle<E>> {
        if self.source(expr).is_some() {
            return Vec::new();
        }
        match &self.function.expressions[expr] {
            E::Compose { components, .. } => components.clone(),
            E::Access { base, index } => vec![*base, *index],
            E::AccessIndex { base, .. } => vec![*base],
            E::Splat { value, .. } => vec![*value],
            E::Swizzle { vector, .. } => vec![*vector],
            E::Unary { expr, .. } | E::As { expr, .. } => vec![*expr],
            E::Binary { left, right, .. } => vec![*left, *right],
            E::Select { condition, accept, reject } => vec![*condition, *accept, *reject],
            E::Relational { argument, .. } => vec![*argument],
            E::Math { arg, arg1, arg2, arg3, .. } => [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect(),
            _ => Vec::new(),
        }
    }

    /// What a condition bounds where it is `truth`; `None` where it never is.
    pub fn facts(&self, condition: Handle<E>, state: &State, truth: bool) -> Option<Set> {
        match &self.function.expressions[condition] {
            E::Literal(naga::Literal::Bool(b)) => (*b == truth).then(Set::new),
            E::Unary { op: UnaryOperator::LogicalNot, expr } => self.facts(*expr, state, !truth),
            E::Binary { op: Op::LogicalAnd | Op::And, left, right } => self.both(*left, *right, state, truth, truth),
            E::Binary { op: Op::LogicalOr | Op::InclusiveOr, left, right } => self.both(*left, *right, state, truth, !truth),
            E::Binary { op, left, right } => Some(self.compared(*op, *left, *right, state, truth)),
            E::Relational { fun: RelationalFunction::All, argument } if truth => self.facts(*argument, state, true),
            E::Relational { fun: RelationalFunction::Any, argument } if !truth => self.facts(*argument, state, false),
            E::Load { pointer } => match &self.function.expressions[*pointer] {
                E::LocalVariable(v) => match state.booleans.get(v) {
                    Some(sides) => sides[usize::from(!truth)].clone(),
                    None => Some(Set::new()),
                },
                _ => Some(Set::new()),
            },
            _ => Some(Set::new()),
        }
    }

    /// Both sides hold (`and`), or one of them.
    fn both(&self, left: Handle<E>, right: Handle<E>, state: &State, truth: bool, and: bool) -> Option<Set> {
        let (a, b) = (self.facts(left, state, truth), self.facts(right, state, truth));
        if and { Some(&a? | &b?) } else { meet(a, b) }
    }

    /// What a comparison bounds: the smaller side, by a bounded larger side.
    fn compared(&self, op: Op, left: Handle<E>, right: Handle<E>, state: &State, truth: bool) -> Set {
        let pairs: &[(Handle<E>, Handle<E>)] = match (op, truth) {
            (Op::Less | Op::LessEqual, true) | (Op::Greater | Op::GreaterEqual, false) => &[(left, right)],
            (Op::Greater | Op::GreaterEqual, true) | (Op::Less | Op::LessEqual, false) => &[(right, left)],
            (Op::Equal, true) | (Op::NotEqual, false) => &[(left, right), (right, left)],
            _ => &[],
        };
        let mut set = Set::new();
        for (small, large) in pairs {
            if self.unbounded(*large, state).is_empty() {
                self.sources(*small, &mut set);
            }
        }
        set
    }
}
