//! What a granted request shows of a layout: the description without the fields that were not requested.
//!
//! There is no branch here, so each request costs the same, and compilers turn the code into a few vector instructions.
//! For this, the fields that an answer may lack are treated as numbers of the size of a pointer. The addresses among
//! them exposed their provenance when the layout was resolved.

use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ptr;

use super::published::{Description, SharedFields};
use crate::request::Answer;

const WORD: usize = size_of::<usize>();
/// The first word that an answer may change, and the number of these words: from `readonly` to `strides`.
const FIRST: usize = offset_of!(Description, readonly) / WORD;
const WORDS: usize = offset_of!(Description, suboffsets) / WORD - FIRST;
/// In how many of these words, counted from the first, bits are set.
const SET: usize = 2;

const _: () = {
    assert!(offset_of!(Description, readonly) == 2 * WORD);
    assert!(offset_of!(Description, suboffsets) % WORD == 0);
    assert!(offset_of!(Description, internal) == offset_of!(Description, suboffsets) + WORD);
    assert!(size_of::<Description>() == offset_of!(Description, internal) + WORD);
    assert!(offset_of!(Description, ndim) + size_of::<c_int>() <= (FIRST + SET) * WORD);
    assert!(size_of::<Masks>() == Answer::STEP as usize);
};

/// How an answer changes the words. Aligned for vector instructions, and copied as a whole so that the compiler may use
/// them.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Masks {
    stays: [usize; WORDS],
    set: [usize; SET],
}

/// The masks of each answer, indexed by its discriminant.
static MASKS: [Masks; Answer::ALL.len()] = {
    let mut masks = [const { Masks::of(Answer::Bytes) }; Answer::ALL.len()];
    let mut index = 0;
    while index < masks.len() {
        assert!(Answer::ALL[index] as usize == index * size_of::<Masks>());
        masks[index] = Masks::of(Answer::ALL[index]);
        index += 1;
    }
    masks
};

impl Masks {
    const fn of(answer: Answer) -> Self {
        const NDIM: usize = offset_of!(Description, ndim) - FIRST * WORD;
        const FORMAT: usize = offset_of!(Description, format) / WORD - FIRST;
        const SHAPE: usize = offset_of!(Description, shape) / WORD - FIRST;
        const STRIDES: usize = offset_of!(Description, strides) / WORD - FIRST;
        let mut stays = [[0xff; WORD]; WORDS];
        let mut set = [[0; WORD]; SET];
        // Consumers get only the lowest bit of `readonly`.
        let lowest: [u8; size_of::<c_int>()] = c_int::to_ne_bytes(1);
        let mut byte = 0;
        while byte < lowest.len() {
            stays[0][byte] = lowest[byte];
            byte += 1;
        }
        if !answer.shape() {
            stays[SHAPE] = [0; WORD];
            // `ndim` is 1. It may share its word with `readonly`.
            let one: [u8; size_of::<c_int>()] = c_int::to_ne_bytes(1);
            let mut byte = 0;
            while byte < one.len() {
                let (word, place) = ((NDIM + byte) / WORD, (NDIM + byte) % WORD);
                stays[word][place] = 0;
                set[word][place] = one[byte];
                byte += 1;
            }
        }
        if !answer.strides() {
            stays[STRIDES] = [0; WORD];
        }
        if !answer.format() {
            stays[FORMAT] = [0; WORD];
        }
        Self { stays: words(stays), set: words(set) }
    }

    /// The masks of an answer.
    #[inline(always)]
    fn by(answer: Answer) -> Self {
        let place = (&raw const MASKS).cast::<Self>().wrapping_byte_add(answer as usize);
        // SAFETY: the discriminant of each answer is the index of its masks, as was asserted above.
        unsafe { *place }
    }
}

const fn words<const N: usize>(bytes: [[u8; WORD]; N]) -> [usize; N] {
    let mut words = [0; N];
    let mut word = 0;
    while word < N {
        words[word] = usize::from_ne_bytes(bytes[word]);
        word += 1;
    }
    words
}

impl SharedFields {
    /// Writes the fields to a description, without those that were not requested. The other fields of the description
    /// are not written.
    ///
    /// # Safety
    ///
    /// `to` may be written. `format`, `shape` and `strides` have exposed their provenance.
    #[inline(always)]
    pub(super) unsafe fn write_answer(&self, answer: Answer, to: *mut Description) {
        let masks = Masks::by(answer);
        let first = ptr::from_ref(self).cast::<usize>().wrapping_add(FIRST).cast::<[usize; WORDS]>();
        // SAFETY: these words are initialised, without padding, and belong to the fields, whose places are those of a
        // description.
        let words = unsafe { first.read() };
        let mut shown = [ptr::null_mut(); WORDS];
        for (word, shown) in shown.iter_mut().enumerate() {
            let set = masks.set.get(word).copied().unwrap_or(0);
            *shown = ptr::with_exposed_provenance_mut::<c_void>(words[word] & masks.stays[word] | set);
        }
        // SAFETY: the caller vouches for it.
        unsafe { (*to).len = self.len };
        // SAFETY: as above.
        unsafe { (*to).itemsize = self.itemsize };
        let first = to.cast::<usize>().wrapping_add(FIRST).cast::<[*mut c_void; WORDS]>();
        // SAFETY: as above.
        unsafe { first.write(shown) };
    }
}
