//! The type of an item in DLPack, from its format in the buffer protocol.

use std::ffi::CStr;

use super::abi::DataType;
use super::refusal::Refusal;

/// What a letter of a format stands for.
#[derive(Clone, Copy)]
struct Letter {
    code: u8,
    /// The sizes in bytes that an item may have. Each is a power of two, and so one bit here.
    sizes: u8,
}

/// The letters of numbers and of `bool`, by their character. No size is possible for any other.
static LETTERS: [Letter; 128] = {
    let mut letters = [Letter { code: 0, sizes: 0 }; 128];
    let all: [(&[u8], u8, u8); 16] = [
        (b"?", DataType::BOOL, 1),
        (b"b", DataType::INT, 1),
        (b"B", DataType::UINT, 1),
        (b"h", DataType::INT, 2),
        (b"H", DataType::UINT, 2),
        (b"i", DataType::INT, 4),
        (b"I", DataType::UINT, 4),
        (b"q", DataType::INT, 8),
        (b"Q", DataType::UINT, 8),
        (b"ln", DataType::INT, 4 | 8),
        (b"LN", DataType::UINT, 4 | 8),
        (b"e", DataType::FLOAT, 2),
        (b"f", DataType::FLOAT, 4),
        (b"d", DataType::FLOAT, 8),
        (b"F", DataType::COMPLEX, 8),
        (b"D", DataType::COMPLEX, 16),
    ];
    let mut kind = 0;
    while kind < all.len() {
        let (names, code, sizes) = all[kind];
        let mut name = 0;
        while name < names.len() {
            letters[names[name] as usize] = Letter { code, sizes };
            name += 1;
        }
        kind += 1;
    }
    letters
};

/// The type of items whose format is this letter alone, as in most formats.
#[inline(always)]
pub(super) fn of_letter(letter: u8, itemsize: usize) -> Option<DataType> {
    let &Letter { code, sizes } = LETTERS.get(usize::from(letter))?;
    let size = u8::try_from(itemsize).ok().filter(|&size| sizes & size != 0 && size.is_power_of_two())?;
    // At most 16 bytes.
    Some(DataType { code, bits: size << 3, lanes: 1 })
}

/// The type of items of this format and size in bytes. The size is a power of two.
///
/// # Errors
///
/// DLPack has no such type.
#[cold]
#[inline(never)]
pub(super) fn of(format: &CStr, itemsize: usize) -> Result<DataType, Refusal> {
    let (order, code) = match format.to_bytes() {
        [order @ (b'@' | b'^' | b'=' | b'<' | b'>' | b'!'), code @ ..] => (*order, code),
        code => (b'@', code),
    };
    if let &[letter] = code
        && let Some(found) = of_letter(letter, itemsize)
    {
        return if is_foreign(order) && itemsize > 1 { Err(Refusal::ByteOrder) } else { Ok(found) };
    }
    let (code, bits) = match (code, itemsize) {
        (b"Zf", 8) => (DataType::COMPLEX, 64),
        (b"Zd", 16) => (DataType::COMPLEX, 128),
        ([b'c' | b's' | b'p' | b'u' | b'w'] | [b'0'..=b'9', .., b's' | b'p' | b'u' | b'w'], _) => {
            return Err(Refusal::Texts);
        }
        (b"T{=H:bfloat16:}", 2) => (DataType::BFLOAT, 16),
        ([b'T', ..], _) => return Err(Refusal::Records),
        _ => return Err(Refusal::NoType),
    };
    if is_foreign(order) {
        return Err(Refusal::ByteOrder);
    }
    Ok(DataType { code, bits, lanes: 1 })
}

/// Whether a sign of byte order stands for another order than that of this machine.
fn is_foreign(order: u8) -> bool {
    if cfg!(target_endian = "little") { matches!(order, b'>' | b'!') } else { order == b'<' }
}
