// Functions of f64, as far as Vulkan's instruction set has them. NaN is detected in the bits of the nearest f32, because 64-bit
// integers may be missing and because a driver assumes that a value it computed equals itself, even if it is NaN.
// Transcendental functions of f64 do not exist on GPUs; `kernels` refuses them.

fn is_nan_f64(x: f64) -> bool { return is_nan_f32(f32(x)); }
fn is_inf_f64(x: f64) -> bool { return abs(x) > 1.7976931348623157e308lf; }
fn is_finite_f64(x: f64) -> bool { return abs(x) <= 1.7976931348623157e308lf; }
// The same number, rounded here and no later.
fn barrier_f64(v: f64) -> f64 { return bitcast<f64>(bitcast<u64>(v) | u64(params[0])); }
// The sign bit without a 64-bit integer: the reciprocal of a zero shows its sign.
fn below_f64(x: f64) -> bool { return x < 0.0lf || (x == 0.0lf && 1.0lf / x < 0.0lf); }
fn abs_f64(x: f64) -> f64 { return abs(x); }
fn neg_f64(x: f64) -> f64 { return -x; }
fn sign_f64(x: f64) -> f64 { return select(select(x, 1.0lf, x > 0.0lf), -1.0lf, x < 0.0lf); }
fn ne_f64(a: f64, b: f64) -> bool { return !eq_f64(a, b); }
fn eq_f64(a: f64, b: f64) -> bool { return a == b && !is_nan_f64(a); }
fn le_f64(a: f64, b: f64) -> bool { return a <= b && !is_nan_f64(a); }
fn ge_f64(a: f64, b: f64) -> bool { return a >= b && !is_nan_f64(a); }
// Of two zeros the sign decides; no arithmetic on them, which drivers would simplify.
fn maximum_f64(a: f64, b: f64) -> f64 {
    let number = select(select(b, a, a > b), select(a, b, below_f64(a)), a == 0.0lf && b == 0.0lf);
    return select(select(number, b, is_nan_f64(b)), a, is_nan_f64(a));
}
fn minimum_f64(a: f64, b: f64) -> f64 {
    let number = select(select(b, a, a < b), select(b, a, below_f64(a)), a == 0.0lf && b == 0.0lf);
    return select(select(number, b, is_nan_f64(b)), a, is_nan_f64(a));
}
fn fmax_f64(a: f64, b: f64) -> f64 {
    let number = select(select(b, a, a > b), select(a, b, below_f64(a)), a == 0.0lf && b == 0.0lf);
    return select(select(number, a, is_nan_f64(b)), b, is_nan_f64(a));
}
fn fmin_f64(a: f64, b: f64) -> f64 {
    let number = select(select(b, a, a < b), select(b, a, below_f64(a)), a == 0.0lf && b == 0.0lf);
    return select(select(number, a, is_nan_f64(b)), b, is_nan_f64(a));
}
fn sqrt_f64(x: f64) -> f64 { return select(sqrt(x), x, x == 0.0lf); }
fn rsqrt_f64(x: f64) -> f64 { return recip_f64(sqrt_f64(x)); }
fn recip_f64(x: f64) -> f64 { return 1.0lf / hidden_f64(x); }
fn div_f64(x: f64, y: f64) -> f64 { return hidden_f64(x) / hidden_f64(y); }
// The same number; of a zero no compiler knows that it is one. Mesa's software driver (22.3) stored nothing at all where it found a
// quotient by zero.
fn hidden_f64(x: f64) -> f64 {
    let zero = bitcast<f32>(bitcast<u32>(f32(x)) & 0x80000000u | params[0]);
    return select(x, f64(zero), x == 0.0lf);
}
// The built-in function of one driver loses the sign of a zero.
fn trunc_f64(x: f64) -> f64 {
    let t = floor(abs(x));
    return select(t, -t, below_f64(x));
}
fn round_away_f64(x: f64) -> f64 {
    let t = trunc_f64(x);
    let one = select(1.0lf, -1.0lf, x < 0.0lf);
    return select(t, t + one, abs(x - t) >= 0.5lf && abs(x) < 4503599627370496.0lf);
}
// Halves are rounded to the even neighbour. The built-in function of one driver rounded 1.5 to 1.
fn round_f64(x: f64) -> f64 {
    let t = trunc_f64(x);
    let rest = abs(x - t);
    let one = select(1.0lf, -1.0lf, x < 0.0lf);
    let odd = trunc_f64(t * 0.5lf) * 2.0lf != t;
    return select(t, t + one, (rest > 0.5lf || rest == 0.5lf && odd) && abs(x) < 4503599627370496.0lf);
}
// Rounded once: by way of an f32 that is rounded to odd, so that the second rounding sees what the first one dropped.
fn f64_to_f16(x: f64) -> f16 {
    let near = f32(x);
    let bits = bitcast<u32>(near);
    let toward_zero = select(bits, bits - 1u, abs(f64(near)) > abs(x));
    let exact = f64(near) == x || is_nan_f32(near);
    return f32_to_f16(select(bitcast<f32>(toward_zero | 1u), near, exact));
}
fn f64_to_i32(x: f64) -> i32 {
    let v = i32(clamp(x, -2147483648.0lf, 2147483647.0lf));
    return select(v, 0, is_nan_f64(x));
}
fn f64_to_u32(x: f64) -> u32 {
    let v = u32(clamp(x, 0.0lf, 4294967295.0lf));
    return select(v, 0u, is_nan_f64(x));
}
fn f64_to_u8(x: f64) -> u32 { return select(u32(clamp(x, 0.0lf, 255.0lf)), 0u, is_nan_f64(x)); }
fn f64_to_i64(x: f64) -> i64 {
    let v = i64(clamp(x, -9223372036854775808.0lf, 9223372036854774784.0lf));
    return select(select(v, 9223372036854775807li, x >= 9223372036854775808.0lf), 0li, is_nan_f64(x));
}
