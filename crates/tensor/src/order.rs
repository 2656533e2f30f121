//! Sorting where speed does not matter. The standard sort is compiled for each kind of element and each rule, some five kilobytes a time, and the page is paid
//! for by the byte: here one copy serves all.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Orders a list by a rule; what the rule calls equal stays in its order.
pub fn arrange<T>(list: &mut Vec<T>, rule: impl Fn(&T, &T) -> Ordering) {
    let places = places(list.len(), &|a, b| rule(&list[a], &list[b]));
    let mut old: Vec<Option<T>> = list.drain(..).map(Some).collect();
    list.extend(places.into_iter().filter_map(|place| old[place].take()));
}

#[inline(never)]
fn places(n: usize, rule: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    places.sort_by(|a, b| rule(*a, *b));
    places
}

/// A set of these. `collect` would sort them first, by a sort of its own.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Orders numbers from the smallest to the largest, by `total_cmp`.
#[inline(never)]
pub fn ascending(values: &mut [f64]) {
    values.sort_unstable_by(f64::total_cmp);
}

/// Orders numbers from the largest to the smallest.
pub fn descending(values: &mut [f64]) {
    ascending(values);
    values.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arranged_as_the_standard_sort_does(list in prop::collection::vec((0u8..6, any::<u16>().prop_map(|n| n.to_string())), 0..80)) {
            let (mut here, mut there) = (list.clone(), list);
            arrange(&mut here, |a, b| b.0.cmp(&a.0));
            there.sort_by(|a, b| b.0.cmp(&a.0));
            prop_assert_eq!(here, there);
        }

        #[test]
        fn numbers_go_down_and_up(mut values in prop::collection::vec(any::<f64>(), 0..80)) {
            descending(&mut values);
            prop_assert!(values.is_sorted_by(|a, b| a.total_cmp(b).is_ge()));
            ascending(&mut values);
            prop_assert!(values.is_sorted_by(|a, b| a.total_cmp(b).is_le()));
        }
    }
}
