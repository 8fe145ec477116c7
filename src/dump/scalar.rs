//! Scalars and bytes in a dump. A scalar is a number where reading that number gives its very bits, and its bits in hexadecimal
//! otherwise: a NaN's payload and the sign of a zero are kept.

use super::json::{At, Value};
use crate::error::Result;
use crate::types::{DType, Scalar};

/// A scalar whose dtype the reader knows.
pub(super) fn write(scalar: Scalar) -> String {
    if scalar.dtype() == DType::Bool && scalar.bits() < 2 {
        return (scalar.bits() == 1).to_string();
    }
    let text = scalar.to_string();
    let read = if scalar.dtype().is_float() {
        text.parse::<f64>().ok().filter(|v| v.is_finite()).map(|v| Scalar::from_f64(scalar.dtype(), v))
    } else {
        text.parse::<i64>().ok().map(|v| Scalar::from_i64(scalar.dtype(), v))
    };
    if read == Some(scalar) { text } else { format!("\"{:#x}\"", scalar.bits()) }
}

/// A scalar of `dtype`.
pub(super) fn read(at: &At<'_>, dtype: DType) -> Result<Scalar> {
    if let Value::Text(text) = at.value() {
        let bits = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let most = if dtype == DType::Bool { 1 } else { u64::MAX >> (64 - 8 * dtype.size()) };
        return match bits {
            Some(bits) if bits <= most => Ok(Scalar::from_bits(dtype, bits)),
            _ => Err(at.error(format!("expected the bits of a {dtype} as \"0x…\", at most {most:#x}"))),
        };
    }
    let range = |low: i128, high: i128| -> Result<Scalar> {
        let value: i128 = at.int()?;
        if value < low || value > high {
            return Err(at.error(format!("expected a {dtype} from {low} to {high}, given {value}")));
        }
        Ok(Scalar::from_i64(dtype, value as i64))
    };
    match dtype {
        DType::Bool => Ok(Scalar::from_bits(dtype, u64::from(at.bool()?))),
        DType::U8 => range(0, 255),
        DType::U32 => range(0, u32::MAX.into()),
        DType::I32 => range(i32::MIN.into(), i32::MAX.into()),
        DType::I64 => range(i64::MIN.into(), i64::MAX.into()),
        DType::F16 | DType::F32 | DType::F64 => {
            let value = at.number()?;
            let scalar = Scalar::from_f64(dtype, value);
            if scalar.to_f64().is_finite() { Ok(scalar) } else { Err(at.error(format!("{value} is beyond {dtype}"))) }
        }
    }
}

/// A dtype by its name.
pub(super) fn dtype(at: &At<'_>) -> Result<DType> {
    let words: Vec<(&str, DType)> = DType::ALL.iter().map(|d| (d.name(), *d)).collect();
    at.word(&words)
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as base64 with padding (RFC 4648).
pub(super) fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |w, (i, &b)| w | u32::from(b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i)) as usize & 63] as char;
            out.push(if i <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

/// The bytes of a base64 text, which must be exactly `out.len()` of them.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn from_base64(text: &str, out: &mut [u8]) -> std::result::Result<(), String> {
    let text = text.as_bytes();
    let expected = base64_len(out.len());
    if text.len() as u64 != expected {
        return Err(format!("expected {expected} characters of base64 for {} bytes, given {}", out.len(), text.len()));
    }
    let digit = |i: usize| -> std::result::Result<u32, String> {
        let found = match text[i] {
            b @ b'A'..=b'Z' => b - b'A',
            b @ b'a'..=b'z' => b - b'a' + 26,
            b @ b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(format!("character {} is no digit of base64", i + 1)),
        };
        Ok(u32::from(found))
    };
    for (quad, bytes) in out.chunks_mut(3).enumerate() {
        let mut word = 0;
        for i in 0..4 {
            let value = if i <= bytes.len() { digit(4 * quad + i)? } else { 0 };
            if i > bytes.len() && text[4 * quad + i] != b'=' {
                return Err(format!("expected '=' at character {}", 4 * quad + i + 1));
            }
            word |= value << (18 - 6 * i);
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = (word >> (16 - 8 * i)) as u8;
        }
        // What the padding cuts off must be zero: equal data has one text.
        if word & (0xff_ffff >> (8 * bytes.len())) != 0 {
            return Err(String::from("the last character has bits beyond the data"));
        }
    }
    Ok(())
}

/// Characters of base64 for so many bytes.
pub(super) fn base64_len(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::{Random, SplitMix};
    use crate::dump::json::{Document, parse};

    #[test]
    fn bytes_come_back() {
        let all: Vec<u8> = (0..=255).collect();
        for n in 0..all.len() {
            let text = to_base64(&all[..n]);
            let mut back = vec![0; n];
            from_base64(&text, &mut back).unwrap();
            assert_eq!(back, all[..n]);
        }
        assert_eq!(to_base64(b"foobar!"), "Zm9vYmFyIQ==");
        for wrong in ["Zm9", "Zm9v!mFyIQ==", "Zm9vYmFyIQ=A", "Zm9vYmFyIR==", "Zm9vYmFyIQ"] {
            assert!(from_base64(wrong, &mut [0; 7]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_bit_of_a_scalar_comes_back() {
        let mut random = SplitMix(1);
        for _ in 0..4000 {
            let word = random.word();
            for dtype in DType::ALL.iter().copied() {
                let most = if dtype == DType::Bool { 1 } else { u64::MAX >> (64 - 8 * dtype.size()) };
                for bits in [word & most, (word >> 40) & most, 1 << (8 * dtype.size() - 1) & most, most] {
                    let scalar = Scalar::from_bits(dtype, bits);
                    let text = write(scalar);
                    let document = Document { name: "t", text: &text };
                    let json = parse(&document).unwrap();
                    assert_eq!(read(&At::root(&document, &json), dtype).unwrap(), scalar, "{text}");
                }
            }
        }
    }
}
