//! Every request against every layout.

use super::*;

const C_ORDERED: Facts = Facts { c_contiguous: true, f_contiguous: false, readonly: false, indirect: false };
const F_ORDERED: Facts = Facts { c_contiguous: false, f_contiguous: true, ..C_ORDERED };
const STRIDED: Facts = Facts { c_contiguous: false, f_contiguous: false, ..C_ORDERED };

#[test]
fn simple_is_one_dimensional_without_arrays() {
    let simple = answer(Flags(0), C_ORDERED).unwrap();
    assert!(!simple.shape() && !simple.strides() && !simple.format());
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
fn what_is_looked_up_is_what_is_answered() {
    for bits in 0..16 {
        let [c_contiguous, f_contiguous, readonly, indirect] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
        let facts = Facts { c_contiguous, f_contiguous, readonly, indirect };
        assert_eq!((facts.to_bits() & 1, Facts::from_bits(facts.to_bits() | 1)), (0, facts));
        for flags in (0..0x200).map(Flags) {
            assert_eq!(Granted::by(facts).answer(flags), answer(flags, facts).ok(), "{flags:?} {facts:?}");
            assert_eq!(Granted::NONE.answer(flags), None);
        }
        for flags in (0x200..0x400).chain(0x800..0xc00).chain([i32::MIN, !Flags::STABLE]).map(Flags) {
            let looked_up = Granted::by(facts).answer(flags);
            let mistaken_but_for_others = flags.0 & 0x1ff == Flags::READ || flags.0 & 0x3ff == Flags::WRITE;
            if mistaken_but_for_others {
                assert_eq!(looked_up, None, "{flags:?}");
            } else {
                assert_eq!(looked_up, answer(flags, facts).ok(), "{flags:?} has bits without a meaning");
            }
        }
    }
}

#[test]
fn what_is_filled_in_is_what_was_asked_for() {
    for flags in (0..0x200).map(Flags) {
        let Ok(answer) = answer(flags, C_ORDERED) else { continue };
        assert_eq!(answer.shape(), flags.0 & 0x08 != 0, "{flags:?}");
        assert_eq!(answer.strides(), flags.0 & 0x18 == 0x18, "{flags:?}");
        assert_eq!(answer.format(), flags.0 & 0x04 != 0, "{flags:?}");
    }
}

#[test]
fn separate_rows_are_granted_only_with_suboffsets() {
    let rows = Facts { indirect: true, ..STRIDED };
    for flags in (0..0x200).map(Flags) {
        let expected = answer(flags, STRIDED).ok().filter(|_| flags.has(Flags::INDIRECT));
        assert_eq!(answer(flags, rows).ok(), expected, "{flags:?}");
    }
}

#[test]
fn flags_of_another_function_are_a_mistake() {
    for flags in [Flags::READ, Flags::WRITE] {
        assert_eq!(answer(Flags(flags), C_ORDERED), Err(Refusal::Mistaken));
    }
}
