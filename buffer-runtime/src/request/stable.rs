//! Requests for stable views: `PyBUF_STABLE_READ`, of which CPython's developers have written a draft.

use super::{Flags, Refusal};

impl Flags {
    /// `PyBUF_STABLE_READ`: nobody may write the memory while the view lives.
    pub(crate) const STABLE: i32 = 0x400;
    /// The bits that may stand beside it: all that have a meaning, but for `PyBUF_WRITABLE`.
    const BESIDE_STABLE: i32 =
        Self::FORMAT | Self::C_CONTIGUOUS | Self::F_CONTIGUOUS | Self::ANY_CONTIGUOUS | Self::INDIRECT;

    pub(crate) const fn is_stable(self) -> bool {
        self.has(Self::STABLE)
    }

    /// The request for an ordinary view with the same fields.
    pub(crate) const fn without_stable(self) -> Self {
        Self(self.0 & !Self::STABLE)
    }

    /// Whether a request for a stable view has bits that may not stand beside `PyBUF_STABLE_READ`.
    pub(crate) const fn is_malformed(self) -> bool {
        self.0 & !(Self::STABLE | Self::BESIDE_STABLE) != 0
    }

    /// Why no exporter can answer these flags; `None` if some can. Only requests for stable views are checked for bits
    /// without a meaning: other requests with such bits have always been granted.
    pub(crate) const fn mistake(self) -> Option<Refusal> {
        if self.is_stable() && (self.is_malformed() || self.without_stable().is_mistaken()) {
            Some(Refusal::Malformed)
        } else if self.is_mistaken() {
            Some(Refusal::Mistaken)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Granted, answer};
    use super::*;
    use crate::layout::Facts;

    const READONLY: Facts = Facts { c_contiguous: true, f_contiguous: false, readonly: true, indirect: false };

    #[test]
    fn a_stable_request_gets_the_fields_of_an_ordinary_one() {
        for bits in (0..0x200).filter(|bits| bits & (Flags::WRITABLE | 0x002) == 0 && *bits != Flags::READ) {
            let stable = answer(Flags(bits | Flags::STABLE), READONLY);
            assert_eq!(stable, answer(Flags(bits), READONLY), "{bits:#x}");
        }
    }

    #[test]
    fn bits_without_a_meaning_are_malformed_beside_the_stable_bit_alone() {
        let meaningless = [0x001, 0x002, 0x100, 0x200, 0x800, 0x1000, i32::MIN];
        for bits in meaningless.into_iter().chain([0x118 | 0x200, 0x018 | 0x002]) {
            let stable = Flags(bits | Flags::STABLE);
            assert_eq!(answer(stable, READONLY), Err(Refusal::Malformed), "{bits:#x}");
            let writable = Facts { readonly: false, ..READONLY };
            assert_ne!(answer(Flags(bits), writable), Err(Refusal::Malformed), "{bits:#x}");
        }
        assert_eq!(Flags(-1).mistake(), Some(Refusal::Malformed));
    }

    #[test]
    fn no_table_answers_a_stable_request() {
        for bits in 0..16 {
            let [c_contiguous, f_contiguous, readonly, indirect] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let table = Granted::by(Facts { c_contiguous, f_contiguous, readonly, indirect });
            for flags in 0x400..0x800 {
                assert_eq!(table.answer(Flags(flags)), None, "{flags:#x}");
            }
            assert_eq!(table.answer(Flags(-1)), None);
        }
    }
}
