//! Floats as Python's `repr` and `json` write them.

/// Appends a float as JSON of Python's kind: `1.0`, `1e-05`, `NaN`.
pub(super) fn write(float: f64, out: &mut Vec<u8>) {
    if float.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if float.is_infinite() {
        out.extend_from_slice(if float > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        write_finite(float, out);
    }
}

/// Appends a float as JSON of the standard's kind: `1.0`, `1e-7`, and `null` for what it lacks.
pub(super) fn write_standard(float: f64, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = if float.is_finite() { buffer.format_finite(float) } else { "null" };
    let (digits, exponent) = text.split_once('+').unwrap_or((text, ""));
    out.extend_from_slice(digits.as_bytes());
    out.extend_from_slice(exponent.as_bytes());
}

/// Returns `repr(float)`.
pub(crate) fn python_repr(float: f64) -> String {
    if float.is_nan() {
        return "nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.into();
    }
    let mut out = Vec::with_capacity(24);
    write_finite(float, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Python writes the shortest digits that read back as the same float: positional for exponents
/// from -4 to 15, else with an exponent of a sign and at least two digits.
fn write_finite(float: f64, out: &mut Vec<u8>) {
    if float.is_sign_negative() {
        out.push(b'-');
    }
    let mut buffer = zmij::Buffer::new();
    let (digits, exponent) = Digits::parse(buffer.format_finite(float.abs()).as_bytes());
    let digits = digits.as_slice();
    let n_digits = digits.len() as i32;
    if !(-4..16).contains(&exponent) {
        out.push(digits[0]);
        if n_digits > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits);
    } else {
        let point = exponent as usize + 1;
        out.extend_from_slice(&digits[..point.min(digits.len())]);
        out.extend(std::iter::repeat_n(b'0', point.saturating_sub(digits.len())));
        out.push(b'.');
        out.extend_from_slice(if n_digits > exponent + 1 { &digits[point..] } else { b"0" });
    }
}

/// The significant digits of a float, without zeros at either end.
struct Digits {
    bytes: [u8; 24],
    len: usize,
}

impl Digits {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Takes any plain spelling apart: its digits, and the exponent of the first one.
    fn parse(text: &[u8]) -> (Self, i32) {
        let mut digits = Self { bytes: [b'0'; 24], len: 0 };
        let (mut exponent, mut point_seen) = (-1, false);
        let mut bytes = text.iter();
        for byte in bytes.by_ref() {
            match byte {
                b'.' => point_seen = true,
                b'e' => break,
                b'0' if digits.len == 0 => exponent -= i32::from(point_seen),
                digit => {
                    if digits.len < digits.bytes.len() {
                        digits.bytes[digits.len] = *digit;
                        digits.len += 1;
                    }
                    exponent += i32::from(!point_seen);
                }
            }
        }
        let rest = std::str::from_utf8(bytes.as_slice()).unwrap_or_default();
        exponent += rest.parse::<i32>().unwrap_or(0);
        while digits.len > 1 && digits.bytes[digits.len - 1] == b'0' {
            digits.len -= 1;
        }
        if digits.len == 0 {
            return (Self { len: 1, ..digits }, 0);
        }
        (digits, exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(float: f64, expected: &str) {
        assert_eq!(python_repr(float), expected);
    }

    #[test]
    fn repr_is_pythons() {
        check(0.0, "0.0");
        check(-0.0, "-0.0");
        check(1.0, "1.0");
        check(0.1, "0.1");
        check(1e15, "1000000000000000.0");
        check(1e16, "1e+16");
        check(1e-4, "0.0001");
        check(1e-5, "1e-05");
        check(1.2345e-5, "1.2345e-05");
        check(5e-324, "5e-324");
        check(1.797_693_134_862_315_7e308, "1.7976931348623157e+308");
        check(123_456_789.125, "123456789.125");
        check(0.001_234, "0.001234");
        check(1e22, "1e+22");
        check(9_007_199_254_740_993.0, "9007199254740992.0");
        check(100.0, "100.0");
    }
}
