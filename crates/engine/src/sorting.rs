//! Sorting by numbers.
//!
//! Each type that is sorted adds some 16 KiB to the module, so that all who
//! sort by a number share one way.

/// The items by ascending key; items of one key keep their order.
pub(crate) fn by_number<T: Copy>(items: &[T], mut key: impl FnMut(&T) -> i64) -> Vec<T> {
    let numbered = items.iter().zip(0_u32..);
    let mut keys: Vec<(i64, u32)> = numbered.map(|(item, number)| (key(item), number)).collect();
    keys.sort_unstable();
    let sorted = keys.iter().filter_map(|(_, number)| {
        let index = usize::try_from(*number).ok()?;
        items.get(index).copied()
    });
    sorted.collect()
}
