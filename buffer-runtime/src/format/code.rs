//! The codes of scalars: sizes, alignments, and why some codes are refused.

use std::ffi::{c_int, c_long, c_longlong, c_short, c_uint, c_ulong, c_ulonglong, c_ushort, c_void};

use super::error::Problem;
use super::tree::{ByteOrder, Scalar, ScalarKind};

/// The meaning of an order character for the items after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `@`: native sizes and alignment.
    Native,
    /// `^`: native sizes, one item right after the other.
    Packed,
    /// `=`, `<`, `>`, `!`: sizes that are the same on all platforms, one item right after the other.
    Standard(ByteOrder),
}

impl Mode {
    pub(super) fn of(order: u8) -> Option<Self> {
        Some(match order {
            b'@' => Self::Native,
            b'^' => Self::Packed,
            b'=' => Self::Standard(ByteOrder::NATIVE),
            b'<' => Self::Standard(ByteOrder::Little),
            b'>' | b'!' => Self::Standard(ByteOrder::Big),
            _ => return None,
        })
    }

    pub(super) fn byte_order(self) -> ByteOrder {
        match self {
            Self::Native | Self::Packed => ByteOrder::NATIVE,
            Self::Standard(order) => order,
        }
    }
}

/// What a code stands for; sizes in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// `None` for padding.
    pub(super) kind: Option<ScalarKind>,
    pub(super) size: usize,
    pub(super) align: usize,
}

/// Whether a count before this code is the length of one item, and not the number of items.
pub(super) fn is_string(code: &str) -> bool {
    matches!(code, "s" | "p" | "u" | "w" | "x")
}

/// Whether Python's struct module has the code; `F` and `D` since Python 3.14, `Zf` and `Zd` since 3.15.
pub(super) fn is_plain(code: &str) -> bool {
    !matches!(code, "Zg" | "g" | "u" | "w")
}

/// The size and alignment of C's `long double`; `None` where this crate cannot determine them.
const LONG_DOUBLE: Option<(usize, usize)> =
    if cfg!(any(target_env = "msvc", target_arch = "arm", all(target_arch = "aarch64", target_vendor = "apple"))) {
        Some((size_of::<f64>(), align_of::<f64>()))
    } else if cfg!(windows) {
        // gcc's has 16 bytes, but the interpreter may have been compiled by another compiler.
        None
    } else if cfg!(all(target_arch = "x86", target_os = "linux")) {
        Some((12, 4))
    } else if cfg!(target_arch = "s390x") {
        Some((16, 8))
    } else if cfg!(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "loongarch64",
        all(target_arch = "powerpc64", target_env = "gnu"),
    )) {
        Some((16, 16))
    } else {
        None
    };

/// A unit with the size and alignment of a Rust type.
macro_rules! unit {
    ($kind:ident: $type:ty) => {
        Unit { kind: Some(ScalarKind::$kind), size: size_of::<$type>(), align: align_of::<$type>() }
    };
}

/// What a code stands for on this platform.
fn native(code: &str) -> Result<Unit, Problem> {
    let long_double = |kind, numbers| {
        let (size, align) = LONG_DOUBLE.ok_or(Problem::LongDouble)?;
        Ok(Unit { kind: Some(kind), size: numbers * size, align })
    };
    Ok(match code {
        "x" => Unit { kind: None, size: 1, align: 1 },
        "?" => unit!(Bool: u8),
        "c" | "s" => unit!(Bytes: u8),
        "p" => unit!(Pascal: u8),
        "b" => unit!(Signed: i8),
        "B" => unit!(Unsigned: u8),
        "h" => unit!(Signed: c_short),
        "H" => unit!(Unsigned: c_ushort),
        "i" => unit!(Signed: c_int),
        "I" => unit!(Unsigned: c_uint),
        "l" => unit!(Signed: c_long),
        "L" => unit!(Unsigned: c_ulong),
        "q" => unit!(Signed: c_longlong),
        "Q" => unit!(Unsigned: c_ulonglong),
        "n" => unit!(Signed: isize),
        "N" => unit!(Unsigned: usize),
        "P" => unit!(Pointer: *const c_void),
        "e" => unit!(Float: u16),
        "f" => unit!(Float: f32),
        "d" => unit!(Float: f64),
        "g" => long_double(ScalarKind::Float, 1)?,
        "Zf" | "F" => unit!(Complex: [f32; 2]),
        "Zd" | "D" => unit!(Complex: [f64; 2]),
        "Zg" => long_double(ScalarKind::Complex, 2)?,
        "u" => unit!(Ucs2: u16),
        "w" => unit!(Ucs4: u32),
        _ => return Err(Problem::refused_or_unknown(code)),
    })
}

/// What a code stands for in this mode.
pub(super) fn unit(code: &str, mode: Mode) -> Result<Unit, Problem> {
    let native = native(code)?;
    let Mode::Standard(_) = mode else { return Ok(native) };
    let size = match code {
        "h" | "H" => 2,
        "i" | "I" | "l" | "L" => 4,
        "q" | "Q" => 8,
        "n" => return Err(Problem::NativeOnly("n")),
        "N" => return Err(Problem::NativeOnly("N")),
        "P" => return Err(Problem::NativeOnly("P")),
        "g" => return Err(Problem::NativeOnly("g")),
        "Zg" => return Err(Problem::NativeOnly("Zg")),
        _ => native.size,
    };
    Ok(Unit { size, ..native })
}

/// A scalar's code.
pub(super) struct Canonical {
    /// The length of a string; `None` for every other scalar.
    pub(super) length: Option<usize>,
    pub(super) code: &'static str,
    /// Whether the code has a standard size, the same on all platforms.
    pub(super) standard: bool,
}

impl Canonical {
    /// The code that means the same scalar in every mode that allows the code, apart from the byte order.
    pub(super) fn of(scalar: Scalar) -> Self {
        let numeric = |code| Self { length: None, code, standard: true };
        let native = |code| Self { length: None, code, standard: false };
        let string = |code, unit| Self { length: Some(scalar.size() / unit), code, standard: true };
        match (scalar.kind(), scalar.size()) {
            (ScalarKind::Bool, _) => numeric("?"),
            (ScalarKind::Signed, 1) => numeric("b"),
            (ScalarKind::Signed, 2) => numeric("h"),
            (ScalarKind::Signed, 4) => numeric("i"),
            (ScalarKind::Signed, _) => numeric("q"),
            (ScalarKind::Unsigned, 1) => numeric("B"),
            (ScalarKind::Unsigned, 2) => numeric("H"),
            (ScalarKind::Unsigned, 4) => numeric("I"),
            (ScalarKind::Unsigned, _) => numeric("Q"),
            (ScalarKind::Float, 2) => numeric("e"),
            (ScalarKind::Float, 4) => numeric("f"),
            (ScalarKind::Float, 8) => numeric("d"),
            (ScalarKind::Float, _) => native("g"),
            (ScalarKind::Complex, 8) => numeric("Zf"),
            (ScalarKind::Complex, 16) => numeric("Zd"),
            (ScalarKind::Complex, _) => native("Zg"),
            (ScalarKind::Pointer, _) => native("P"),
            (ScalarKind::Bytes, 1) => numeric("c"),
            (ScalarKind::Bytes, _) => string("s", 1),
            (ScalarKind::Pascal, _) => string("p", 1),
            (ScalarKind::Ucs2, _) => string("u", 2),
            (ScalarKind::Ucs4, _) => string("w", 4),
        }
    }

    /// The alignment under `@`, in bytes.
    pub(super) fn alignment(&self) -> usize {
        native(self.code).map_or(1, |unit| unit.align)
    }
}
