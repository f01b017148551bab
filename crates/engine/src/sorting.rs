//! Sorting by numbers.
//!
//! Each type that is sorted by comparison adds some 16 KiB to the module, and
//! comparing is slow there. So all who sort do it by a number, and numbers are
//! sorted by their digits.

/// Up to so many numbers are compared, each with all.
const FEW: usize = 16;

/// The items by ascending key; items of one key keep their order.
pub(crate) fn by_number<T: Copy>(items: &[T], key: impl FnMut(&T) -> i64) -> Vec<T> {
    let keys: Vec<i64> = items.iter().map(key).collect();
    if keys.is_sorted() {
        return items.to_vec();
    }
    in_order(items, &order(&keys))
}

/// The items in an order that [`order`] found.
pub(crate) fn in_order<T: Copy>(items: &[T], order: &[u32]) -> Vec<T> {
    let sorted = order.iter();
    let sorted = sorted.filter_map(|place| items.get(usize::try_from(*place).ok()?));
    sorted.copied().collect()
}

/// The places of numbers by ascending number; equal ones keep their order.
pub(crate) fn order(numbers: &[i64]) -> Vec<u32> {
    let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    let mut order: Vec<u32> = (0..count).collect();
    if numbers.is_sorted() {
        return order;
    }
    if numbers.len() <= FEW {
        for (number, place) in numbers.iter().zip(0..) {
            let others = numbers.iter().zip(0..);
            let before = others.filter(|(other, at)| (**other, *at) < (*number, place));
            if let Some(slot) = order.get_mut(before.count()) {
                *slot = place;
            }
        }
        return order;
    }
    let first = numbers.first().copied().unwrap_or(0);
    let differing = numbers
        .iter()
        .fold(0, |bits, number| bits | (number ^ first));
    let mut sorted = order.clone();
    // The last digit first: each round keeps what the rounds before found.
    for digit in 0..8 {
        if digit_of(differing, digit) != 0 {
            by_digit(numbers, digit, &order, &mut sorted);
            std::mem::swap(&mut order, &mut sorted);
        }
    }
    order
}

/// One of the eight digits of a number, the last one being 0.
fn digit_of(number: i64, digit: usize) -> u8 {
    number.to_le_bytes().get(digit).copied().unwrap_or(0)
}

/// Sorts places by one digit of their numbers.
fn by_digit(numbers: &[i64], digit: usize, places: &[u32], sorted: &mut [u32]) {
    // With the sign turned, negative numbers come first.
    let digit_in = |number: i64| usize::from(digit_of(number ^ i64::MIN, digit));
    let mut starts = [0_u32; 256];
    for number in numbers {
        if let Some(count) = starts.get_mut(digit_in(*number)) {
            *count = count.saturating_add(1);
        }
    }
    let mut before = 0_u32;
    for start in &mut starts {
        let count = *start;
        *start = before;
        before = before.saturating_add(count);
    }
    for place in places {
        let number = numbers.get(index(*place)).copied().unwrap_or(0);
        let Some(start) = starts.get_mut(digit_in(number)) else {
            continue;
        };
        if let Some(slot) = sorted.get_mut(index(*start)) {
            *slot = *place;
        }
        *start = start.saturating_add(1);
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::by_number;

    #[test]
    fn numbers_are_sorted_and_equal_ones_keep_their_order() {
        let mut state = 1_i64;
        for length in [0, 1, 2, 5, 15, 16, 17, 40, 1_000] {
            for bits in [0, 1, 3, 8, 17, 63] {
                let numbers: Vec<(i64, usize)> = (0..length)
                    .map(|place| {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1);
                        (state >> (63 - bits), place)
                    })
                    .collect();
                let mut expected = numbers.clone();
                expected.sort_by_key(|(number, _)| *number);
                assert_eq!(by_number(&numbers, |(number, _)| *number), expected);
            }
        }
        let ends = [i64::MAX, 0, i64::MIN, -1, 1];
        assert_eq!(by_number(&ends, |end| *end), [i64::MIN, -1, 0, 1, i64::MAX]);
    }
}
