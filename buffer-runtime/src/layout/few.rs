//! Short lists of numbers, which need no allocation: a declaration has few numbers.

use crate::memory::collect;

/// The longest list that needs no allocation. Hardly any array has more dimensions.
const HERE: usize = 4;

/// A list of numbers.
#[derive(Debug)]
pub enum Few<T> {
    /// An array, and how many of its first elements are in the list.
    Here([T; HERE], usize),
    /// More numbers than an array has room for.
    Away(Vec<T>),
    /// There was no memory for the list.
    Lost,
}

impl<T: Copy> Few<T> {
    /// Collects the numbers. `rest` may be any number; it fills the array behind the list.
    #[inline(always)]
    pub(super) fn of(numbers: impl ExactSizeIterator<Item = T>, rest: T) -> Self {
        let count = numbers.len();
        if count > HERE {
            return collect(numbers).map_or(Self::Lost, Self::Away);
        }
        let mut here = [rest; HERE];
        here.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
        Self::Here(here, count)
    }

    /// `None` if there was no memory.
    #[inline(always)]
    pub(super) fn as_slice(&self) -> Option<&[T]> {
        match self {
            Self::Here(numbers, count) => Some(numbers.get(..*count).unwrap_or(numbers)),
            Self::Away(numbers) => Some(numbers),
            Self::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_are_there() {
        for count in 0..2 * HERE {
            let few = Few::of(0..count, usize::MAX);
            assert_eq!(few.as_slice(), Some(&(0..count).collect::<Vec<_>>()[..]));
            assert_eq!(matches!(few, Few::Here(..)), count <= HERE);
        }
    }
}
