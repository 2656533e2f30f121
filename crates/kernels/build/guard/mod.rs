//! The guard lint: storage is only touched at an index that something bounds.
//!
//! WebGPU clamps a stray index or drops the access, in a way that differs between implementations: the kernel then computes a wrong
//! number on one machine and a right one on another, silently. So every read, write and atomic of a runtime-sized storage array must
//! be at an index that is **bounded**:
//!
//! - Constants, overrides, uniforms (`params.…`), `arrayLength` and `@builtin(num_workgroups)` are bounded: the host chose them.
//! - Every other *source* of a number (the other builtins, local variables, values loaded from memory, results of calls and atomics) is
//!   bounded where a comparison with something bounded governs the place: inside `if i < n`, `while i < n`, `for (…; i < n; …)`, and after
//!   `if i >= n { return; }` (or `break`, `continue`). `&&`, `||`, `!`, `==`, `all` and `any` are understood. The comparison may be of an expression
//!   that holds the source (`if row * 4u + 3u < n` bounds `row`).
//! - A local variable is also bounded after an assignment of a bounded value, and no longer after an assignment that makes it grow (`i = i + 1u`).
//! - An expression is bounded if all its sources are; for `min`, `clamp`, `%`, `&`, `/`, `>>` and `-` less is enough (`min(i, n - 1u)`).
//! - An unguarded index that is an argument of a helper function is asked of its callers.
//!
//! What the lint does not see: whether the bound is the right number, overflow, and unsigned underflow.

mod facts;
mod walk;

use super::Fault;
use super::link::Linked;
use super::validate::Checked;

/// Faults of all functions.
pub fn check(linked: &Linked, checked: &Checked) -> Vec<Fault> {
    walk::check(linked, checked)
}
