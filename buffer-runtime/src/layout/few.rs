//! The numbers of a declaration, which are few: so they need no allocation.

use crate::memory::{NoMemory, collect};

/// How many numbers need no allocation. Hardly any array has more dimensions.
const HERE: usize = 4;

/// A list of numbers.
#[derive(Debug)]
pub enum Few<T> {
    /// The first ones of these, and how many they are.
    Here([T; HERE], usize),
    Away(Vec<T>),
}

impl<T: Copy> Few<T> {
    /// Collects the numbers. `rest` is any number.
    #[inline(always)]
    pub(super) fn of(numbers: impl ExactSizeIterator<Item = T>, rest: T) -> Result<Self, NoMemory> {
        let count = numbers.len();
        if count > HERE {
            return collect(numbers).map(Self::Away);
        }
        let mut here = [rest; HERE];
        here.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
        Ok(Self::Here(here, count))
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::Here(numbers, count) => numbers.get(..*count).unwrap_or(numbers),
            Self::Away(numbers) => numbers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_are_there() {
        for count in 0..2 * HERE {
            let few = Few::of(0..count, usize::MAX).unwrap();
            assert_eq!(few.as_slice(), (0..count).collect::<Vec<_>>());
            assert_eq!(matches!(few, Few::Here(..)), count <= HERE);
        }
    }
}
