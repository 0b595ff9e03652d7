//! What a consumer asks for, and what it gets: flags + layout -> answer or refusal.
//!
//! A pure function, so that all combinations of flags can be compared with CPython's own exporters. The rules are those
//! of `memoryview`; `export` copies the answer into a `Py_buffer`.

use std::fmt;

/// The `flags` argument of a request: the `PyBUF_*` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) i32);

impl Flags {
    pub(crate) const WRITABLE: i32 = 0x001;
    pub(crate) const FORMAT: i32 = 0x004;
    pub(crate) const ND: i32 = 0x008;
    pub(crate) const STRIDES: i32 = 0x010 | Self::ND;
    pub(crate) const C_CONTIGUOUS: i32 = 0x020 | Self::STRIDES;
    pub(crate) const F_CONTIGUOUS: i32 = 0x040 | Self::STRIDES;
    pub(crate) const ANY_CONTIGUOUS: i32 = 0x080 | Self::STRIDES;
    pub(crate) const INDIRECT: i32 = 0x100 | Self::STRIDES;
    /// `PyBUF_READ` and `PyBUF_WRITE` belong to `PyMemoryView_FromMemory`; as a request they are a mistake.
    pub(crate) const READ: i32 = 0x100;
    pub(crate) const WRITE: i32 = 0x200;
    const CONTIGUOUS: i32 = Self::C_CONTIGUOUS | Self::F_CONTIGUOUS;

    #[inline(always)]
    pub(crate) const fn has(self, request: i32) -> bool {
        self.0 & request == request
    }

    /// Whether the consumer insists on writing.
    #[inline(always)]
    pub(crate) const fn writable(self) -> bool {
        self.has(Self::WRITABLE)
    }

    #[inline(always)]
    pub(crate) const fn is_mistaken(self) -> bool {
        self.0 == Self::READ || self.0 == Self::WRITE
    }
}

/// What a request needs to know of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is independent of the others")]
pub(crate) struct Facts {
    pub(crate) ndim: usize,
    pub(crate) c_contiguous: bool,
    pub(crate) f_contiguous: bool,
    pub(crate) readonly: bool,
    /// Whether items are behind pointers, so that strides alone do not lead to them.
    pub(crate) indirect: bool,
}

/// Which fields of the `Py_buffer` are filled in; the others are NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the `Py_buffer`")]
pub(crate) struct Answer {
    pub(crate) ndim: usize,
    pub(crate) format: bool,
    pub(crate) shape: bool,
    pub(crate) strides: bool,
    pub(crate) suboffsets: bool,
}

/// Why a request cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Mistaken,
    ReadOnly,
    NotCContiguous,
    NotFContiguous,
    NotContiguous,
    StridesNeeded,
    SuboffsetsNeeded,
    FormatWithoutShape,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mistaken => "PyBUF_READ and PyBUF_WRITE are no buffer requests; ask for PyBUF_SIMPLE or PyBUF_WRITABLE",
            Self::ReadOnly => "cannot grant a writable view: the buffer is read-only; ask without PyBUF_WRITABLE",
            Self::NotCContiguous => "the buffer is not C-contiguous; copy it first, for example with bytes(), or ask for PyBUF_STRIDES",
            Self::NotFContiguous => "the buffer is not Fortran-contiguous; copy it first, for example with bytes(), or ask for PyBUF_STRIDES",
            Self::NotContiguous => "the buffer is not contiguous; copy it first, for example with bytes(), or ask for PyBUF_STRIDES",
            Self::StridesNeeded => {
                "the buffer is not C-contiguous, so it cannot be described without strides; copy it first, for example with bytes(), or ask for PyBUF_STRIDES"
            }
            Self::SuboffsetsNeeded => {
                "the rows of the buffer are allocated one by one, so it cannot be described without suboffsets; copy it first, for example with memoryview(...).tobytes(), or ask for PyBUF_INDIRECT"
            }
            Self::FormatWithoutShape => "PyBUF_FORMAT has no meaning without PyBUF_ND; ask for both",
        })
    }
}

/// Answers a request as `memoryview` would.
///
/// Whether the view may write is settled by the lock before; `facts.readonly` is what the view will be.
#[inline(always)]
pub(crate) const fn answer(flags: Flags, facts: Facts) -> Result<Answer, Refusal> {
    if flags.is_mistaken() {
        return Err(Refusal::Mistaken);
    }
    if facts.readonly && flags.writable() {
        return Err(Refusal::ReadOnly);
    }
    let strides = flags.has(Flags::STRIDES);
    let shape = flags.has(Flags::ND);
    if facts.indirect && !flags.has(Flags::INDIRECT) {
        return Err(Refusal::SuboffsetsNeeded);
    }
    if !facts.c_contiguous {
        if flags.has(Flags::C_CONTIGUOUS) {
            return Err(Refusal::NotCContiguous);
        }
        if flags.has(Flags::ANY_CONTIGUOUS) && !facts.f_contiguous {
            return Err(Refusal::NotContiguous);
        }
        if !strides {
            return Err(Refusal::StridesNeeded);
        }
    }
    if !facts.f_contiguous && flags.has(Flags::F_CONTIGUOUS) {
        return Err(Refusal::NotFContiguous);
    }
    let format = flags.has(Flags::FORMAT);
    if format && !shape {
        return Err(Refusal::FormatWithoutShape);
    }
    let shaped = facts.ndim > 0;
    Ok(Answer {
        ndim: if shape { facts.ndim } else { 1 },
        format,
        shape: shape && shaped,
        strides: strides && shaped,
        suboffsets: facts.indirect,
    })
}

/// The requests that a layout answers in full: granted, with format, shape and strides filled in.
///
/// Nearly every consumer makes one of these, and recognises itself by one comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FullRequests {
    /// The bits that must be as in `FULL`: those that are asked for, those that this layout refuses, and those that are no
    /// request's.
    mask: i32,
}

impl FullRequests {
    const FULL: i32 = Flags::FORMAT | Flags::STRIDES;

    /// None at all: every request takes a closer look.
    pub(crate) const NONE: Self = Self { mask: 0 };

    /// Those of a layout, which is not to be written when `facts.readonly`. Where items are behind pointers none is: few
    /// consumers ask for those, and not many can read them.
    pub(crate) const fn of(facts: Facts) -> Self {
        if facts.indirect {
            return Self::NONE;
        }
        let mut mask = Self::FULL
            | !(Flags::WRITABLE | Flags::FORMAT | Flags::ANY_CONTIGUOUS | Flags::CONTIGUOUS | Flags::INDIRECT);
        if facts.readonly {
            mask |= Flags::WRITABLE;
        }
        if !facts.c_contiguous {
            mask |= Flags::C_CONTIGUOUS;
        }
        if !facts.f_contiguous {
            mask |= Flags::F_CONTIGUOUS;
        }
        if !facts.c_contiguous && !facts.f_contiguous {
            mask |= Flags::ANY_CONTIGUOUS;
        }
        Self { mask }
    }

    #[inline(always)]
    pub(crate) const fn has(self, flags: Flags) -> bool {
        flags.0 & self.mask == Self::FULL
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const C_ORDERED: Facts =
        Facts { ndim: 2, c_contiguous: true, f_contiguous: false, readonly: false, indirect: false };
    const F_ORDERED: Facts = Facts { c_contiguous: false, f_contiguous: true, ..C_ORDERED };
    const STRIDED: Facts = Facts { c_contiguous: false, f_contiguous: false, ..C_ORDERED };

    #[test]
    fn simple_is_one_dimensional_without_arrays() {
        let expected = Answer { ndim: 1, format: false, shape: false, strides: false, suboffsets: false };
        assert_eq!(answer(Flags(0), C_ORDERED), Ok(expected));
    }

    #[test]
    fn fortran_order_is_refused_to_whoever_assumes_c_order() {
        for flags in [0, Flags::WRITABLE, Flags::ND, Flags::C_CONTIGUOUS] {
            assert!(answer(Flags(flags), F_ORDERED).is_err(), "{flags:#x}");
        }
        for flags in [Flags::F_CONTIGUOUS, Flags::ANY_CONTIGUOUS, Flags::STRIDES, Flags::INDIRECT] {
            assert!(answer(Flags(flags), F_ORDERED).is_ok(), "{flags:#x}");
        }
    }

    #[test]
    fn strided_is_granted_only_with_strides() {
        for flags in 0..0x200 {
            let flags = Flags(flags);
            let contiguous =
                [Flags::C_CONTIGUOUS, Flags::F_CONTIGUOUS, Flags::ANY_CONTIGUOUS].iter().any(|&bits| flags.has(bits));
            let expected = flags.has(Flags::STRIDES) && !contiguous && !flags.is_mistaken();
            assert_eq!(answer(flags, STRIDED).is_ok(), expected, "{flags:?}");
        }
    }

    #[test]
    fn format_needs_a_shape() {
        assert_eq!(answer(Flags(Flags::FORMAT), C_ORDERED), Err(Refusal::FormatWithoutShape));
        assert!(answer(Flags(Flags::FORMAT | Flags::ND), C_ORDERED).is_ok());
    }

    #[test]
    fn zero_dimensions_have_no_arrays() {
        let scalar = Facts { ndim: 0, c_contiguous: true, f_contiguous: true, ..C_ORDERED };
        let full = answer(Flags(Flags::INDIRECT), scalar).unwrap();
        assert_eq!((full.ndim, full.shape, full.strides), (0, false, false));
        assert_eq!(answer(Flags(0), scalar).unwrap().ndim, 1);
    }

    #[test]
    fn read_only_refuses_whoever_insists_on_writing() {
        let readonly = Facts { readonly: true, ..C_ORDERED };
        for flags in 0..0x200 {
            let flags = Flags(flags);
            if flags.writable() {
                assert_eq!(answer(flags, readonly), Err(Refusal::ReadOnly));
            } else {
                assert_eq!(answer(flags, readonly), answer(flags, C_ORDERED));
            }
        }
    }

    #[test]
    fn full_requests_are_those_that_are_answered_in_full() {
        let full = Ok(Answer { ndim: 2, format: true, shape: true, strides: true, suboffsets: false });
        for bits in 0..8 {
            let [c_contiguous, f_contiguous, readonly] = [1, 2, 4].map(|bit| bits & bit != 0);
            let facts = Facts { c_contiguous, f_contiguous, readonly, ..C_ORDERED };
            for flags in (0..0x200).filter(|flags| flags & 0x2 == 0).map(Flags) {
                assert_eq!(FullRequests::of(facts).has(flags), answer(flags, facts) == full, "{flags:?} {facts:?}");
            }
            for flags in [0x2, Flags::WRITE, i32::MIN].map(|bit| Flags(bit | Flags::INDIRECT | Flags::FORMAT)) {
                assert!(!FullRequests::of(facts).has(flags), "{flags:?} has bits that are no request's");
            }
        }
    }

    #[test]
    fn separate_rows_are_granted_only_with_suboffsets() {
        let rows = Facts { indirect: true, ..STRIDED };
        for flags in (0..0x200).map(Flags) {
            let granted = answer(flags, rows).ok();
            let expected = answer(flags, STRIDED).ok().filter(|_| flags.has(Flags::INDIRECT));
            assert_eq!(granted, expected.map(|answer| Answer { suboffsets: true, ..answer }), "{flags:?}");
            assert!(!FullRequests::of(rows).has(flags), "{flags:?}");
        }
    }

    #[test]
    fn flags_of_another_function_are_a_mistake() {
        for flags in [Flags::READ, Flags::WRITE] {
            assert_eq!(answer(Flags(flags), C_ORDERED), Err(Refusal::Mistaken));
        }
    }
}
