//! Sorting and gathering that cost little to download. The standard library's sorts, and a tree collected from an iterator (which sorts too), are
//! compiled anew for every type, three to four kilobytes each; here one sort of numbers serves them all.

use std::cmp::Ordering;

/// Sorts stably by a comparison.
pub fn by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = indices(items.len(), &|a, b| compare(&items[a as usize], &items[b as usize]));
    let mut old: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|i| old[i as usize].take()));
}

/// Sorts stably by a number, smallest first; NaN last.
pub fn by_number<T>(items: &mut Vec<T>, number: impl Fn(&T) -> f64) {
    by(items, |a, b| number(a).total_cmp(&number(b)));
}

/// The indices `0..n` in stable order.
#[inline(never)]
fn indices(n: usize, compare: &dyn Fn(u32, u32) -> Ordering) -> Vec<u32> {
    // No list that is sorted here has 2³² entries.
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}

/// Collects by extending an empty collection: for trees this inserts one by one instead of sorting first.
pub fn gather<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut out = C::default();
    out.extend(items);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn sorted_as_the_standard_sort_does(list in prop::collection::vec((0u8..6, any::<u16>().prop_map(|n| n.to_string())), 0..80)) {
            let (mut here, mut there) = (list.clone(), list);
            by(&mut here, |a, b| b.0.cmp(&a.0));
            there.sort_by(|a, b| b.0.cmp(&a.0));
            prop_assert_eq!(here, there);
        }

        #[test]
        fn numbers_go_down_and_up(mut values in prop::collection::vec(any::<f64>(), 0..80)) {
            by_number(&mut values, |x| -x);
            prop_assert!(values.is_sorted_by(|a, b| a.total_cmp(b).is_ge()));
            by_number(&mut values, |x| *x);
            prop_assert!(values.is_sorted_by(|a, b| a.total_cmp(b).is_le()));
        }
    }

    #[test]
    fn equal_items_keep_their_order() {
        let mut v: Vec<(u32, usize)> = (0..200).map(|i| ((i * 7919 % 13) as u32, i)).collect();
        by(&mut v, |a, b| a.0.cmp(&b.0));
        assert!(v.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(v.len(), 200);
        let mut v = vec![2.0, f64::NAN, -1.0];
        by_number(&mut v, |x| *x);
        assert!(v[0] == -1.0 && v[1] == 2.0 && v[2].is_nan());
        by(&mut Vec::<u8>::new(), u8::cmp);
    }

    #[test]
    fn a_tree_is_gathered_with_the_last_of_equal_keys() {
        let m: BTreeMap<u8, char> = gather([(2, 'a'), (1, 'b'), (2, 'c')]);
        assert_eq!(m.into_iter().collect::<Vec<_>>(), [(1, 'b'), (2, 'c')]);
    }
}
