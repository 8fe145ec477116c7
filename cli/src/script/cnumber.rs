//! Numbers as C's `printf` writes them: the conversions `f`, `e` and `g` at a given precision.
//!
//! In: a finite double and a precision. Out: its decimal text, without width or explicit plus sign. It knows nothing about
//! templates, classes or columns. The caller writes NaN and the infinities, because printf and display pad them differently.

/// The `%.{precision}f` form.
pub fn fixed(x: f64, precision: usize) -> String {
    format!("{x:.precision$}")
}

/// The `%.{precision}e` form: at least two digits in the exponent, always with a sign.
pub fn exponent(x: f64, precision: usize) -> String {
    let text = format!("{x:.precision$e}");
    let Some((mantissa, power)) = text.split_once('e') else {
        return text;
    };
    let (sign, digits) = match power.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', power),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// The `%.{precision}g` form. With `keep_zeros` (the `#` flag) trailing zeros stay.
pub fn general(x: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    if x == 0.0 {
        let zero = if x.is_sign_negative() { "-0" } else { "0" };
        return if keep_zeros && precision > 1 {
            format!("{zero}.{}", "0".repeat(precision - 1))
        } else {
            zero.to_owned()
        };
    }
    // The exponent is that of the rounded number, so 9.9999 at two digits counts as 10.
    let rounded = exponent(x, precision - 1);
    let power: i32 = rounded.split_once('e').and_then(|(_, p)| p.parse().ok()).unwrap_or(0);
    let precision_i = i32::try_from(precision).unwrap_or(i32::MAX);
    if power < -4 || power >= precision_i {
        if keep_zeros {
            return rounded;
        }
        return match rounded.split_once('e') {
            Some((mantissa, p)) => format!("{}e{p}", without_trailing_zeros(mantissa)),
            None => rounded,
        };
    }
    let decimals = usize::try_from(precision_i - 1 - power).unwrap_or(0);
    let text = fixed(x, decimals);
    if keep_zeros { text } else { without_trailing_zeros(&text).to_owned() }
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_have_two_digits_and_a_sign() {
        assert_eq!(exponent(1234.5, 4), "1.2345e+03");
        assert_eq!(exponent(1e-300, 1), "1.0e-300");
        assert_eq!(exponent(-0.0, 2), "-0.00e+00");
    }

    #[test]
    fn general_switches_form_by_the_rounded_exponent() {
        assert_eq!(general(99999.5, 5, false), "1e+05");
        assert_eq!(general(0.0001, 5, false), "0.0001");
        assert_eq!(general(0.00001, 5, false), "1e-05");
        assert_eq!(general(100.0, 3, true), "100");
        assert_eq!(general(1.5, 4, true), "1.500");
    }

    #[test]
    fn ties_round_to_even_on_the_exact_value() {
        assert_eq!(fixed(0.125, 2), "0.12");
        assert_eq!(fixed(2.5, 0), "2");
    }
}
