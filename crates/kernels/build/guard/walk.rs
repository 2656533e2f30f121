//! Follows the control flow of every function and looks at each touch of storage with what is known there.

use std::collections::{BTreeMap, BTreeSet};

use naga::{AddressSpace, ArraySize, BinaryOperator as Op, Block, BuiltIn, Expression as E, Function, Handle, Literal, MathFunction, Span, Statement as S, TypeInner};

use super::facts::{Scope, Source, State};
use crate::build::Fault;
use crate::build::link::Linked;
use crate::build::validate::Checked;

/// Arguments that a helper function needs bounded.
type Needs = BTreeMap<Handle<Function>, BTreeSet<u32>>;

pub fn check(linked: &Linked, checked: &Checked) -> Vec<Fault> {
    let mut needs = Needs::new();
    let mut faults = Vec::new();
    // naga keeps callees before their callers.
    for (handle, function) in checked.module.functions.iter() {
        let mut walk = Walk::new(linked, checked, &checked.info[handle], function, &needs, false);
        walk.whole();
        let (asked, mut more) = (walk.asked, walk.faults);
        faults.append(&mut more);
        needs.insert(handle, asked);
    }
    for (i, entry) in checked.module.entry_points.iter().enumerate() {
        let mut walk = Walk::new(linked, checked, checked.info.get_entry_point(i), &entry.function, &needs, true);
        walk.whole();
        faults.append(&mut walk.faults);
    }
    faults.dedup();
    faults
}

/// What `break` and `continue` lead to.
struct Target {
    loops: bool,
    breaks: Option<State>,
    continues: Option<State>,
}

struct Walk<'a> {
    linked: &'a Linked,
    checked: &'a Checked,
    info: &'a naga::valid::FunctionInfo,
    scope: Scope<'a>,
    needs: &'a Needs,
    entry: bool,
    targets: Vec<Target>,
    /// False in the rounds that only look for a loop's fixed point.
    speaking: bool,
    asked: BTreeSet<u32>,
    faults: Vec<Fault>,
}

impl<'a> Walk<'a> {
    fn new(linked: &'a Linked, checked: &'a Checked, info: &'a naga::valid::FunctionInfo, function: &'a Function, needs: &'a Needs, entry: bool) -> Self {
        let host = |a: &naga::FunctionArgument| a.binding == Some(naga::Binding::BuiltIn(BuiltIn::NumWorkGroups));
        let host_bounded = function.arguments.iter().enumerate().filter(|(_, a)| host(a)).map(|(i, _)| i as u32).collect();
        let mut calls = BTreeMap::new();
        collect_calls(&function.body, &mut calls);
        let scope = Scope { function, module: &checked.module, host_bounded, calls };
        Self { linked, checked, info, scope, needs, entry, targets: Vec::new(), speaking: true, asked: BTreeSet::new(), faults: Vec::new() }
    }

    /// Locals start at a constant, so they are bounded until they are written.
    fn whole(&mut self) {
        let bounded = self.scope.function.local_variables.iter().map(|(v, _)| Source::Local(v)).collect();
        let body = &self.scope.function.body;
        self.block(body, Some(State { bounded, ..State::default() }));
    }

    /// State after a block; `None` where its end is never reached.
    fn block(&mut self, block: &Block, mut state: Option<State>) -> Option<State> {
        for (statement, span) in block.span_iter() {
            state = self.statement(statement, *span, state?);
        }
        state
    }

    fn statement(&mut self, statement: &S, span: Span, mut state: State) -> Option<State> {
        match statement {
            S::Emit(range) => {
                for expr in range.clone() {
                    if let E::Load { pointer } = self.scope.function.expressions[expr] {
                        self.touch(pointer, &state, self.scope.function.expressions.get_span(expr), "read");
                    }
                }
            }
            S::Block(block) => return self.block(block, Some(state)),
            S::If { condition, accept, reject } => {
                let yes = self.under(*condition, &state, true);
                let no = self.under(*condition, &state, false);
                let yes = self.block(accept, yes);
                let no = self.block(reject, no);
                return join(yes, no);
            }
            S::Switch { cases, .. } => {
                self.targets.push(Target { loops: false, breaks: None, continues: None });
                let mut falling = None;
                for case in cases {
                    let end = self.block(&case.body, join(falling.take(), Some(state.clone())));
                    if case.fall_through {
                        falling = end;
                    } else {
                        let target = self.targets.last_mut().expect("pushed above");
                        target.breaks = join(target.breaks.take(), end);
                    }
                }
                let target = self.targets.pop().expect("pushed above");
                self.pass_on(target.continues);
                return target.breaks;
            }
            S::Loop { body, continuing, break_if } => return self.repeat(body, continuing, *break_if, state),
            S::Break => {
                let target = self.targets.last_mut().expect("naga checked that a break is inside something");
                target.breaks = join(target.breaks.take(), Some(state));
                return None;
            }
            S::Continue => {
                self.pass_on(Some(state));
                return None;
            }
            S::Return { .. } | S::Kill => return None,
            S::Store { pointer, value } => {
                self.touch(*pointer, &state, span, "written");
                self.store(*pointer, *value, &mut state);
            }
            S::Atomic { pointer, .. } => self.touch(*pointer, &state, span, "changed"),
            S::WorkGroupUniformLoad { pointer, .. } => self.touch(*pointer, &state, span, "read"),
            S::Call { function, arguments, .. } => self.call(*function, arguments, span, &mut state),
            _ => {}
        }
        Some(state)
    }

    /// The state on one side of a condition; `None` where that side is never taken.
    fn under(&self, condition: Handle<E>, state: &State, truth: bool) -> Option<State> {
        let facts = self.scope.facts(condition, state, truth)?;
        let mut state = state.clone();
        state.bounded.extend(facts);
        Some(state)
    }

    /// A `continue` belongs to the innermost loop.
    fn pass_on(&mut self, state: Option<State>) {
        if let Some(target) = self.targets.iter_mut().rev().find(|t| t.loops) {
            target.continues = join(target.continues.take(), state);
        }
    }

    /// Walks a loop until what is known at its head no longer shrinks; only the last round reports.
    fn repeat(&mut self, body: &Block, continuing: &Block, break_if: Option<Handle<E>>, before: State) -> Option<State> {
        let speaking = std::mem::replace(&mut self.speaking, false);
        let mut head = before;
        loop {
            let (back, _) = self.round(body, continuing, break_if, head.clone());
            let Some(back) = back else { break };
            let next = head.clone().join(back);
            if next == head {
                break;
            }
            head = next;
        }
        self.speaking = speaking;
        self.round(body, continuing, break_if, head).1
    }

    /// State at the jump back, and after the loop.
    fn round(&mut self, body: &Block, continuing: &Block, break_if: Option<Handle<E>>, head: State) -> (Option<State>, Option<State>) {
        self.targets.push(Target { loops: true, breaks: None, continues: None });
        let end = self.block(body, Some(head));
        let continues = self.targets.last_mut().and_then(|t| t.continues.take());
        let mut back = self.block(continuing, join(end, continues));
        let mut after = self.targets.pop().expect("pushed above").breaks;
        if let (Some(condition), Some(state)) = (break_if, back.as_ref()) {
            after = join(after, self.under(condition, state, true));
            back = self.under(condition, state, false);
        }
        (back, after)
    }

    /// What an assignment to a local variable does to what is known of it.
    fn store(&self, pointer: Handle<E>, value: Handle<E>, state: &mut State) {
        let expressions = &self.scope.function.expressions;
        let E::LocalVariable(variable) = expressions[self.scope.root(pointer)] else { return };
        let source = Source::Local(variable);
        let whole = matches!(expressions[pointer], E::LocalVariable(_));
        let facts = |truth| {
            let set = self.scope.facts(value, state, truth)?;
            Some(&state.bounded | &set)
        };
        let boolean = whole.then(|| [facts(true), facts(false)]);
        let bounded = self.scope.unbounded(value, state).is_empty() && (!self.mentions(value, variable) || self.shrinks(value, variable));
        if !bounded {
            state.forget(source);
        } else if whole {
            state.bounded.insert(source);
        }
        let is_bool = matches!(
            self.checked.module.types[self.scope.function.local_variables[variable].ty].inner,
            TypeInner::Scalar(naga::Scalar { kind: naga::ScalarKind::Bool, .. })
        );
        state.booleans.remove(&variable);
        if let (true, Some(sides)) = (is_bool, boolean) {
            state.booleans.insert(variable, sides);
        }
    }

    fn mentions(&self, expr: Handle<E>, variable: Handle<naga::LocalVariable>) -> bool {
        // A state in which everything but this variable is bounded.
        let mut all: std::collections::BTreeSet<_> = self.scope.function.expressions.iter().map(|(h, _)| Source::Value(h)).collect();
        all.extend(self.scope.function.local_variables.iter().map(|(v, _)| Source::Local(v)));
        all.extend((0..self.scope.function.arguments.len() as u32).flat_map(|a| (0..4).map(move |c| Source::Argument(a, c))));
        all.remove(&Source::Local(variable));
        !self.scope.unbounded(expr, &State { bounded: all, ..State::default() }).is_empty()
    }

    /// `v >> 1u`, `v / 2u`, `v - 1u`, `min(v, …)`: never larger than `v`.
    fn shrinks(&self, expr: Handle<E>, variable: Handle<naga::LocalVariable>) -> bool {
        match &self.scope.function.expressions[expr] {
            E::Load { pointer } => matches!(self.scope.function.expressions[*pointer], E::LocalVariable(v) if v == variable),
            E::Binary { op: Op::ShiftRight | Op::Divide | Op::Subtract | Op::Modulo, left, .. } => self.shrinks(*left, variable),
            E::Math { fun: MathFunction::Min, arg, arg1, .. } => {
                self.shrinks(*arg, variable) || arg1.is_some_and(|a| self.shrinks(a, variable))
            }
            _ => false,
        }
    }

    fn call(&mut self, function: Handle<Function>, arguments: &[Handle<E>], span: Span, state: &mut State) {
        let name = self.checked.module.functions[function].name.clone().unwrap_or_default();
        for needed in self.needs.get(&function).into_iter().flatten() {
            let open = self.scope.unbounded(arguments[*needed as usize], state);
            let what = format!("`{name}` touches storage at an index made of its argument {needed}, which here");
            self.report(&open, span, &what);
        }
        for argument in arguments {
            if let E::LocalVariable(v) = self.scope.function.expressions[self.scope.root(*argument)] {
                state.forget(Source::Local(v));
            }
        }
    }

    /// One touch of memory, if it is of a runtime-sized storage array.
    fn touch(&mut self, pointer: Handle<E>, state: &State, span: Span, verb: &str) {
        let mut at = pointer;
        while let E::Access { base, .. } | E::AccessIndex { base, .. } = self.scope.function.expressions[at] {
            if let E::Access { index, .. } = self.scope.function.expressions[at]
                && self.is_runtime_storage(base)
                && !self.is_constant(index)
            {
                let open = self.scope.unbounded(index, state);
                let what = format!("storage `{}` is {verb} at an index that", self.name_of_root(base));
                self.report(&open, span, &what);
            }
            at = base;
        }
    }

    fn is_constant(&self, index: Handle<E>) -> bool {
        matches!(self.scope.function.expressions[index], E::Literal(Literal::U32(_) | Literal::I32(_)))
    }

    fn is_runtime_storage(&self, base: Handle<E>) -> bool {
        let types = &self.checked.module.types;
        match *self.info[base].ty.inner_with(types) {
            TypeInner::Pointer { base, space: AddressSpace::Storage { .. } } => {
                matches!(types[base].inner, TypeInner::Array { size: ArraySize::Dynamic, .. })
            }
            _ => false,
        }
    }

    fn name_of_root(&self, base: Handle<E>) -> String {
        match self.scope.function.expressions[self.scope.root(base)] {
            E::GlobalVariable(g) => self.checked.module.global_variables[g].name.clone().unwrap_or_default(),
            _ => "an argument".to_string(),
        }
    }

    /// Reports unbounded sources; in a helper, arguments are asked of the callers instead.
    fn report(&mut self, open: &BTreeSet<Source>, span: Span, what: &str) {
        let function = self.scope.function;
        let mut names = Vec::new();
        for source in open {
            match source {
                Source::Argument(a, _) if !self.entry => {
                    self.asked.insert(*a);
                }
                Source::Argument(a, c) => {
                    let name = function.arguments[*a as usize].name.clone().unwrap_or_default();
                    names.push(format!("`{name}` (component {c})"));
                }
                Source::Local(v) => names.push(format!("`{}`", function.local_variables[*v].name.clone().unwrap_or_default())),
                Source::Value(e) => names.push(match function.named_expressions.get(e) {
                    Some(name) => format!("`{name}`"),
                    None => "a loaded value".to_string(),
                }),
            }
        }
        if self.speaking && !names.is_empty() {
            names.dedup();
            self.faults.push(self.linked.fault(
                span.to_range().map_or(0, |r| r.start),
                format!(
                    "{what} depends on {}, which no comparison, min or clamp bounds at this place; a stray index gives other numbers on other devices",
                    names.join(" and ")
                ),
            ));
        }
    }
}

fn join(a: Option<State>, b: Option<State>) -> Option<State> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.join(b)),
        (a, b) => a.or(b),
    }
}

fn collect_calls(block: &Block, calls: &mut BTreeMap<Handle<E>, Vec<Handle<E>>>) {
    for statement in block {
        match statement {
            S::Call { arguments, result: Some(result), .. } => {
                calls.insert(*result, arguments.clone());
            }
            S::Block(b) => collect_calls(b, calls),
            S::If { accept, reject, .. } => {
                collect_calls(accept, calls);
                collect_calls(reject, calls);
            }
            S::Switch { cases, .. } => cases.iter().for_each(|c| collect_calls(&c.body, calls)),
            S::Loop { body, continuing, .. } => {
                collect_calls(body, calls);
                collect_calls(continuing, calls);
            }
            _ => {}
        }
    }
}
