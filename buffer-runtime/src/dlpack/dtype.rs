//! The type of an item in DLPack, from its format in the buffer protocol.

use std::ffi::CStr;

use super::abi::DataType;
use super::refusal::Refusal;

/// The type of items of this format and size in bytes. The size is a power of two.
///
/// # Errors
///
/// DLPack has no such type.
pub(super) fn of(format: &CStr, itemsize: usize) -> Result<DataType, Refusal> {
    let (order, code) = match format.to_bytes() {
        [order @ (b'@' | b'^' | b'=' | b'<' | b'>' | b'!'), code @ ..] => (*order, code),
        code => (b'@', code),
    };
    let (code, bits) = match (code, itemsize) {
        ([b'?'], 1) => (DataType::BOOL, 8),
        ([b'b'], 1) => (DataType::INT, 8),
        ([b'B'], 1) => (DataType::UINT, 8),
        ([b'h'], 2) => (DataType::INT, 16),
        ([b'H'], 2) => (DataType::UINT, 16),
        ([b'i' | b'l' | b'n'], 4) => (DataType::INT, 32),
        ([b'I' | b'L' | b'N'], 4) => (DataType::UINT, 32),
        ([b'l' | b'q' | b'n'], 8) => (DataType::INT, 64),
        ([b'L' | b'Q' | b'N'], 8) => (DataType::UINT, 64),
        ([b'e'], 2) => (DataType::FLOAT, 16),
        ([b'f'], 4) => (DataType::FLOAT, 32),
        ([b'd'], 8) => (DataType::FLOAT, 64),
        ([b'Z', b'f'] | [b'F'], 8) => (DataType::COMPLEX, 64),
        ([b'Z', b'd'] | [b'D'], 16) => (DataType::COMPLEX, 128),
        ([b'c' | b's' | b'p' | b'u' | b'w'] | [b'0'..=b'9', .., b's' | b'p' | b'u' | b'w'], _) => {
            return Err(Refusal::Texts);
        }
        (b"T{=H:bfloat16:}", 2) => (DataType::BFLOAT, 16),
        ([b'T', ..], _) => return Err(Refusal::Records),
        _ => return Err(Refusal::NoType),
    };
    let foreign = if cfg!(target_endian = "little") { matches!(order, b'>' | b'!') } else { order == b'<' };
    if foreign && bits > 8 {
        return Err(Refusal::ByteOrder);
    }
    Ok(DataType { code, bits, lanes: 1 })
}
