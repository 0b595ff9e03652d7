//! What a consumer requests, and what it gets: flags + layout -> answer or refusal.
//!
//! This is a pure function, so that all combinations of flags can be compared with CPython's own exporters. The rules
//! are those of `memoryview`; `cell::grant` copies the requested fields.

mod stable;
#[cfg(test)]
mod tests;

use std::ffi::c_void;
use std::fmt;
use std::ptr;

use crate::layout::Facts;

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
    /// `PyBUF_READ` and `PyBUF_WRITE` are arguments of `PyMemoryView_FromMemory`; as the flags of a request they are a
    /// mistake.
    pub(crate) const READ: i32 = 0x100;
    pub(crate) const WRITE: i32 = 0x200;

    #[inline(always)]
    pub(crate) const fn has(self, request: i32) -> bool {
        self.0 & request == request
    }

    /// Whether the consumer requests a writable view.
    #[inline(always)]
    pub(crate) const fn writable(self) -> bool {
        self.has(Self::WRITABLE)
    }

    #[inline(always)]
    pub(crate) const fn is_mistaken(self) -> bool {
        self.0 == Self::READ || self.0 == Self::WRITE
    }
}

/// A granted request: which fields of the `Py_buffer` are filled in. The others are NULL.
///
/// Suboffsets are filled in if the layout has any. A layout without dimensions has no arrays to fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Answer {
    /// None: the view is one dimension of bytes.
    Bytes = 0,
    Shape = Self::STEP,
    ShapeAndFormat = 2 * Self::STEP,
    Strides = 3 * Self::STEP,
    StridesAndFormat = 4 * Self::STEP,
}

impl Answer {
    pub(crate) const ALL: [Self; 5] =
        [Self::Bytes, Self::Shape, Self::ShapeAndFormat, Self::Strides, Self::StridesAndFormat];
    /// The distance between two discriminants. Each is a byte offset in a table, so no multiplication is needed to find
    /// an entry. The distance is the size of an entry, which consists of pointers and is aligned for vector
    /// instructions.
    pub(crate) const STEP: u8 = if size_of::<usize>() > 4 { 48 } else { 32 };

    /// The answer to a request that is granted.
    const fn to(flags: Flags) -> Self {
        match (flags.has(Flags::ND), flags.has(Flags::STRIDES), flags.has(Flags::FORMAT)) {
            (false, ..) => Self::Bytes,
            (true, false, false) => Self::Shape,
            (true, false, true) => Self::ShapeAndFormat,
            (true, true, false) => Self::Strides,
            (true, true, true) => Self::StridesAndFormat,
        }
    }

    /// Whether the view has a shape; without one it is one dimension of bytes.
    #[inline(always)]
    pub(crate) const fn shape(self) -> bool {
        !matches!(self, Self::Bytes)
    }

    #[inline(always)]
    pub(crate) const fn strides(self) -> bool {
        matches!(self, Self::Strides | Self::StridesAndFormat)
    }

    #[inline(always)]
    pub(crate) const fn format(self) -> bool {
        matches!(self, Self::ShapeAndFormat | Self::StridesAndFormat)
    }
}

/// Why a request cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Mistaken,
    /// A request for a stable view that has no meaning for any exporter.
    Malformed,
    /// The storage cannot promise a stable view.
    Unstable,
    ReadOnly,
    NotCContiguous,
    NotFContiguous,
    NotContiguous,
    StridesNeeded,
    SuboffsetsNeeded,
    FormatWithoutShape,
}

impl Refusal {
    /// How many refusals there are. They are numbered from 0.
    pub(crate) const COUNT: usize = Self::FormatWithoutShape as usize + 1;

    /// The text of the exception.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Mistaken => {
                "PyBUF_READ and PyBUF_WRITE are no buffer requests; ask for PyBUF_SIMPLE or PyBUF_WRITABLE"
            }
            Self::Malformed => {
                "PyBUF_STABLE_READ has no meaning together with PyBUF_WRITABLE, or with bits that have no meaning; ask without them"
            }
            Self::Unstable => {
                "cannot grant a stable view: code that this exporter does not know may write the memory; copy it, for example with bytes(), or ask without PyBUF_STABLE_READ"
            }
            Self::ReadOnly => {
                "cannot grant a writable view: the buffer is read-only; pass a writable one, or ask without PyBUF_WRITABLE"
            }
            Self::NotCContiguous => {
                "the buffer is not C-contiguous; copy it first, for example with bytes(), or ask for PyBUF_STRIDES"
            }
            Self::NotFContiguous => {
                "the buffer is not Fortran-contiguous; copy it first, for example with bytes(), or ask for PyBUF_STRIDES"
            }
            Self::NotContiguous => {
                "the buffer is not contiguous; copy it first, for example with bytes(), or ask for PyBUF_STRIDES"
            }
            Self::StridesNeeded => {
                "the buffer is not C-contiguous, so it cannot be described without strides; copy it first, for example with bytes(), or ask for PyBUF_STRIDES"
            }
            Self::SuboffsetsNeeded => {
                "the rows of the buffer are allocated one by one, so it cannot be described without suboffsets; copy it first, for example with memoryview(...).tobytes(), or ask for PyBUF_INDIRECT"
            }
            Self::FormatWithoutShape => "PyBUF_FORMAT has no meaning without PyBUF_ND; ask for both",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Answers a request as `memoryview` would.
///
/// The lock decides before this whether the view may write; `facts.readonly` is the result.
#[inline(always)]
pub(crate) const fn answer(flags: Flags, facts: Facts) -> Result<Answer, Refusal> {
    if let Some(refusal) = flags.mistake() {
        return Err(refusal);
    }
    if facts.readonly && flags.writable() {
        return Err(Refusal::ReadOnly);
    }
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
        if !flags.has(Flags::STRIDES) {
            return Err(Refusal::StridesNeeded);
        }
    }
    if !facts.f_contiguous && flags.has(Flags::F_CONTIGUOUS) {
        return Err(Refusal::NotFContiguous);
    }
    if flags.has(Flags::FORMAT) && !flags.has(Flags::ND) {
        return Err(Refusal::FormatWithoutShape);
    }
    Ok(Answer::to(flags))
}

/// What a layout answers to each request: the results of [`answer`] in a table, for the bits that have a meaning.
/// `None` stands for a refusal, for each of the two mistakes beside bits without a meaning, and for every request for a
/// stable view: the table is for views about which only the layout decides.
#[derive(Debug)]
pub(crate) struct Granted([Option<Answer>; Self::REQUESTS]);

impl Granted {
    /// The number of combinations of the bits up to `PyBUF_STABLE_READ`, the highest one.
    const REQUESTS: usize = 0x800;
    /// The number of combinations of the bits that have a meaning.
    const MEANINGFUL: usize = 0x200;
    /// The number of combinations of the bits that an answer depends on.
    const PATTERN: usize = 0x20;

    /// Grants nothing: every request must be answered by [`answer`].
    pub(crate) const NONE: &'static Self = &Self([None; Self::REQUESTS]);

    /// One entry for each combination of facts; the number of dimensions does not matter.
    ///
    /// Every build evaluates this in the compiler's interpreter, which takes long for each step of a loop: so the steps
    /// are few, and those that can be copied are.
    #[expect(clippy::large_stack_arrays, reason = "the compiler alone makes it")]
    const fn table() -> [Self; 16] {
        const ANSWERS: [Option<Answer>; Granted::PATTERN] = Granted::answers();
        let mut table = [const { Self([None; Self::REQUESTS]) }; 16];
        let mut word = 0;
        while word < Self::MEANINGFUL / 64 {
            let granted = Self::word(word);
            let mut index = 0;
            while index < table.len() {
                let mut left = granted[index];
                while left != 0 {
                    let request = left.trailing_zeros() as usize;
                    table[index].0[64 * word + request] = ANSWERS[request % Self::PATTERN];
                    left &= left - 1;
                }
                index += 1;
            }
            word += 1;
        }
        let mut index = 0;
        while index < table.len() {
            let (requests, others) = table[index].0.split_at_mut(Self::MEANINGFUL);
            let (with_write, _) = others.split_at_mut(Self::MEANINGFUL);
            with_write.copy_from_slice(requests);
            // `PyBUF_WRITE` alone is a mistake; beside other bits it has no meaning.
            with_write[0] = None;
            index += 1;
        }
        table
    }

    /// The answers to the first requests, if they are granted. They repeat for the later requests, because an answer
    /// depends only on the bits up to `PyBUF_STRIDES`.
    const fn answers() -> [Option<Answer>; Self::PATTERN] {
        let mut answers = [None; Self::PATTERN];
        let mut flags = Flags(0);
        while (flags.0.cast_unsigned() as usize) < answers.len() {
            answers[flags.0.cast_unsigned() as usize] = Some(Answer::to(flags));
            flags.0 += 1;
        }
        answers
    }

    /// Which of the 64 requests of one word are granted, for each combination of facts. Calling
    /// [`answer`] for each request would take the compiler a second.
    const fn word(word: usize) -> [u64; 16] {
        /// The requests of the word that have all the bits of `request`.
        const fn having(word: usize, request: i32) -> u64 {
            // The requests of a word differ in their lowest six bits. Each mask selects the requests that have one of
            // these bits.
            const LOWEST: [u64; 6] = [
                0xaaaa_aaaa_aaaa_aaaa,
                0xcccc_cccc_cccc_cccc,
                0xf0f0_f0f0_f0f0_f0f0,
                0xff00_ff00_ff00_ff00,
                0xffff_0000_ffff_0000,
                0xffff_ffff_0000_0000,
            ];
            let highest = request.cast_unsigned() as usize >> LOWEST.len();
            if word & highest != highest {
                return 0;
            }
            let mut requests = u64::MAX;
            let mut bit = 0;
            while bit < LOWEST.len() {
                if request >> bit & 1 != 0 {
                    requests &= LOWEST[bit];
                }
                bit += 1;
            }
            requests
        }
        let mut mistaken = having(word, Flags::FORMAT) & !having(word, Flags::ND);
        if word == Flags::READ as usize / 64 {
            mistaken |= 1; // `PyBUF_READ` alone.
        }
        let (writable, direct) = (having(word, Flags::WRITABLE), !having(word, Flags::INDIRECT));
        let c_ordered = having(word, Flags::C_CONTIGUOUS) | !having(word, Flags::STRIDES);
        let (f_ordered, ordered) = (having(word, Flags::F_CONTIGUOUS), having(word, Flags::ANY_CONTIGUOUS));
        let mut granted = [0; 16];
        let mut facts = 0;
        while facts < granted.len() {
            let [c_contiguous, f_contiguous, readonly, indirect] =
                [facts & 1 != 0, facts & 2 != 0, facts & 4 != 0, facts & 8 != 0];
            let mut refused = mistaken;
            if readonly {
                refused |= writable;
            }
            if indirect {
                refused |= direct;
            }
            if !c_contiguous {
                refused |= c_ordered;
            }
            if !f_contiguous {
                refused |= f_ordered;
            }
            if !c_contiguous && !f_contiguous {
                refused |= ordered;
            }
            granted[facts] = !refused;
            facts += 1;
        }
        granted
    }

    /// The table of a layout; `facts.readonly` says that views must not write.
    pub(crate) fn by(facts: Facts) -> &'static Self {
        static TABLE: [Granted; 16] = Granted::table();
        let bits = [facts.c_contiguous, facts.f_contiguous, facts.readonly, facts.indirect];
        let index = bits.iter().rev().fold(0, |index, &bit| 2 * index + usize::from(bit));
        &TABLE[index]
    }

    /// Bits without a meaning are ignored.
    #[inline(always)]
    pub(crate) fn answer(&self, flags: Flags) -> Option<Answer> {
        self.0[flags.0.cast_unsigned() as usize % Self::REQUESTS]
    }
}

/// The facts of a layout whose table does not answer a request. The view that is not granted carries them from the fast
/// path to the slow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unanswered(u32);

impl Unanswered {
    /// From the facts in the form of the layout: [`Facts::to_bits`], and perhaps the lowest bit.
    #[inline(always)]
    pub(crate) fn by(facts: u32) -> Self {
        Self(facts)
    }

    /// As the `internal` of the view.
    #[inline(always)]
    pub(crate) fn to_internal(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0 as usize)
    }

    /// The value that [`to_internal`](Self::to_internal) has left in a view.
    #[expect(clippy::cast_possible_truncation, reason = "it is a `u32`")]
    pub(crate) fn of_view(internal: *mut c_void) -> Self {
        Self(internal.addr() as u32)
    }

    /// Why the request is refused; `None` if it may be granted.
    pub(crate) fn refusal(self, flags: Flags) -> Option<Refusal> {
        answer(flags, Facts::from_bits(self.0)).err()
    }
}
