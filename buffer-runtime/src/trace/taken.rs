//! The part of an error's message that says where the views in the way were taken.

use std::fmt;
use std::ptr;

use super::holder::Holding;
use super::place::Place;
use super::registry;
use crate::cell::Header;

/// How many places an error names.
const NAMED: usize = 3;

/// Where views were taken. Errors refer to it, so it is never freed; errors with the same text share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Taken {
    /// The places of the newest views, and how many were taken at each. A place of `None` is code outside Python.
    named: [Option<(Option<&'static Place>, u32)>; NAMED],
    /// How many were taken at other places.
    elsewhere: u32,
    /// How many were not traced.
    untraced: u32,
}

/// How many views of each kind are in the way. With a count of 0, views of that kind are not in the way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct InTheWay {
    pub(crate) writable: u32,
    pub(crate) readonly: u32,
    /// Not beside the others: the read guards of stable views are in the way before any views are.
    pub(crate) stable: u32,
}

/// Where the views of a block that are in the way were taken. `None` if there is no memory, or if the registry is lost.
pub(crate) fn taken(header: &Header, views: InTheWay) -> Option<&'static Taken> {
    let InTheWay { writable, readonly, stable } = views;
    let total = writable + readonly + stable;
    // From now on the cell is traced, even if it was made before tracing began.
    header.lock.trace(true);
    let mut taken = Taken::default();
    let mut traced = 0;
    registry::each(ptr::from_ref(header).addr(), |note, _| {
        let in_the_way = match note.holding {
            Holding::WritableView => writable,
            Holding::ReadOnlyView => readonly,
            Holding::StableView => stable,
            Holding::Tensor | Holding::GuardToRead | Holding::GuardToShare | Holding::GuardToWrite => 0,
        };
        if in_the_way > 0 && traced < total {
            traced += 1;
            taken.add(note.place);
        }
    });
    taken.untraced = total - traced;
    registry::keep(taken)
}

impl Taken {
    /// So many views that were not traced.
    #[cfg(test)]
    pub(super) fn untraced(untraced: u32) -> Self {
        Self { untraced, ..Self::default() }
    }

    /// The same with less detail. The number of different results is limited by the number of places.
    pub(super) fn coarse(self) -> Self {
        let [first, ..] = self.named;
        let others = usize::from(self.elsewhere > 0) + self.named.iter().skip(1).flatten().count();
        Self {
            named: [first.map(|(place, _)| (place, 1)), None, None],
            elsewhere: u32::from(others > 0),
            untraced: self.untraced.min(1),
        }
    }

    fn add(&mut self, place: Option<&'static Place>) {
        let is_same = |other: Option<&'static Place>| match (place, other) {
            (Some(place), Some(other)) => ptr::eq(place, other),
            (None, None) => true,
            _ => false,
        };
        for named in &mut self.named {
            match named {
                Some((other, count)) if is_same(*other) => {
                    *count += 1;
                    return;
                }
                Some(_) => {}
                None => {
                    *named = Some((place, 1));
                    return;
                }
            }
        }
        self.elsewhere += 1;
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.iter().flatten().map(|&(place, count)| (Part::At(place), count));
        let elsewhere = (Part::Elsewhere, self.elsewhere);
        let untraced = (Part::Untraced, self.untraced);
        let parts = named.chain([elsewhere, untraced]).filter(|&(_, count)| count > 0);
        let last = parts.clone().count().saturating_sub(1);
        for (index, (part, count)) in parts.enumerate() {
            f.write_str(match index {
                0 => "",
                _ if index == last => " and ",
                _ => ", ",
            })?;
            part.fmt(f)?;
            if last > 0 && count > 1 {
                write!(f, " ({count} views)")?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Part {
    At(Option<&'static Place>),
    Elsewhere,
    Untraced,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(Some(place)) => write!(f, "at {place}"),
            Self::At(None) => f.write_str("outside Python code"),
            Self::Elsewhere => f.write_str("elsewhere"),
            Self::Untraced => f.write_str("before tracing began"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// A place that is never freed. It stays reachable, so leak checkers do not report it.
    fn place(line: u32) -> &'static Place {
        static PLACES: Mutex<Vec<&Place>> = Mutex::new(Vec::new());
        let place = Box::leak(Box::new(Place { file: "a.py".into(), line, function: "f".into() }));
        PLACES.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        place
    }

    #[test]
    fn places_are_listed_with_the_number_of_their_views() {
        let [one, two, three] = [place(1), place(2), place(3)].map(Some);
        for (named, elsewhere, untraced, shown) in [
            (vec![(one, 1)], 0, 0, "at a.py:1 in f"),
            (vec![(one, 5)], 0, 0, "at a.py:1 in f"),
            (vec![(None, 1)], 0, 0, "outside Python code"),
            (vec![(one, 1), (two, 1)], 0, 0, "at a.py:1 in f and at a.py:2 in f"),
            (vec![(one, 1), (None, 3)], 0, 0, "at a.py:1 in f and outside Python code (3 views)"),
            (
                vec![(one, 2), (two, 1), (three, 1)],
                4,
                1,
                "at a.py:1 in f (2 views), at a.py:2 in f, at a.py:3 in f, elsewhere (4 views) and before tracing began",
            ),
            (vec![(one, 2)], 0, 7, "at a.py:1 in f (2 views) and before tracing began (7 views)"),
            (vec![], 0, 2, "before tracing began"),
        ] {
            let mut taken = Taken { elsewhere, untraced, ..Taken::default() };
            for (place, count) in named {
                (0..count).for_each(|_| taken.add(place));
            }
            assert_eq!(taken.to_string(), shown);
        }
    }

    #[test]
    fn less_detail_says_nothing_wrong() {
        let place = Some(place(1));
        let taken = Taken { named: [Some((place, 4)), Some((None, 2)), None], elsewhere: 0, untraced: 3 };
        assert_eq!(taken.coarse().to_string(), "at a.py:1 in f, elsewhere and before tracing began");
        let taken = Taken { named: [Some((place, 4)), None, None], ..Taken::default() };
        assert_eq!(taken.coarse().to_string(), "at a.py:1 in f");
    }

    #[test]
    fn a_fourth_place_is_elsewhere() {
        let mut taken = Taken::default();
        for line in [1, 2, 3, 4, 5] {
            taken.add(Some(place(line)));
        }
        assert_eq!(taken.elsewhere, 2);
    }
}
