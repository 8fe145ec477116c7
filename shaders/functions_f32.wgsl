// Functions of f32 with the special cases of IEEE 754, by expansions of our own: the built-in ones differ between drivers by up to
// 19 ulp and lose NaN, infinities and signed zeros. Only operations that every driver computes correctly are used: + - * / sqrt
// floor round and integers.
// WGSL does not allow an infinity or NaN as a constant; `params[0]`, which is always 0, hides one from the compiler.
// Constants of the polynomials are those of the Cephes library (S. Moshier), as printed in its documentation.

fn is_nan_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn is_inf_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }
fn is_finite_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
fn is_zero_f32(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0u; }
fn nan_f32() -> f32 { return bitcast<f32>(0x7fc00000u | params[0]); }
fn inf_f32() -> f32 { return bitcast<f32>(0x7f800000u | params[0]); }
fn neg_inf_f32() -> f32 { return bitcast<f32>(0xff800000u | params[0]); }
// The magnitude of x with the sign of s.
fn copysign_f32(x: f32, s: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(s) & 0x80000000u));
}
// Keeps the sign, the exponent and the upper 12 bits of the significand: products of two such numbers are exact.
fn upper_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
fn pow2_f32(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }
fn abs_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }
fn neg_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }
fn sign_f32(x: f32) -> f32 { return select(copysign_f32(1.0, x), x, is_zero_f32(x) || is_nan_f32(x)); }
fn ne_f32(a: f32, b: f32) -> bool { return !eq_f32(a, b); }
fn eq_f32(a: f32, b: f32) -> bool { return a == b && !is_nan_f32(a); }

// The bits decide between zeros only: a driver may compare a rounded value and return the bits of the unrounded one.
fn maximum_f32(a: f32, b: f32) -> f32 {
    let zero = bitcast<f32>(bitcast<u32>(a) & bitcast<u32>(b));
    let number = select(select(b, a, a > b), zero, is_zero_f32(a) && is_zero_f32(b));
    return select(select(number, b, is_nan_f32(b)), a, is_nan_f32(a));
}
fn minimum_f32(a: f32, b: f32) -> f32 {
    let zero = bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b));
    let number = select(select(b, a, a < b), zero, is_zero_f32(a) && is_zero_f32(b));
    return select(select(number, b, is_nan_f32(b)), a, is_nan_f32(a));
}
fn fmax_f32(a: f32, b: f32) -> f32 {
    let zero = bitcast<f32>(bitcast<u32>(a) & bitcast<u32>(b));
    let number = select(select(b, a, a > b), zero, is_zero_f32(a) && is_zero_f32(b));
    return select(select(number, a, is_nan_f32(b)), b, is_nan_f32(a));
}
fn fmin_f32(a: f32, b: f32) -> f32 {
    let zero = bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b));
    let number = select(select(b, a, a < b), zero, is_zero_f32(a) && is_zero_f32(b));
    return select(select(number, a, is_nan_f32(b)), b, is_nan_f32(a));
}

fn sqrt_f32(x: f32) -> f32 { return select(sqrt(x), x, is_zero_f32(x)); }
fn rsqrt_f32(x: f32) -> f32 { return select(1.0 / sqrt(x), copysign_f32(inf_f32(), x), is_zero_f32(x)); }
fn recip_f32(x: f32) -> f32 { return select(1.0 / x, copysign_f32(inf_f32(), x), is_zero_f32(x)); }
// 0/0 and x/0 are spelled out, because drivers may fold what follows from "no infinities"; a zero that is divided is hidden, because
// they take 0/y for 0 whatever the sign of y; large divisors are scaled, because devices multiply by a reciprocal that underflows.
fn div_f32(x: f32, y: f32) -> f32 {
    let infinite = bitcast<f32>((bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u | 0x7f800000u | params[0]);
    let at_zero = select(infinite, nan_f32(), is_zero_f32(x));
    let scale = select(1.0, 2.3283064365386963e-10, abs(y) > 1.0e36);
    let dividend = bitcast<f32>(bitcast<u32>(x) | params[0]);
    return select(select((dividend * scale) / (y * scale), at_zero, is_zero_f32(y)), x, is_nan_f32(x));
}
fn round_away_f32(x: f32) -> f32 {
    let t = trunc(x);
    return select(t, t + copysign_f32(1.0, x), abs(x - t) >= 0.5 && abs(x) < 8388608.0);
}

// ---- exponentials ----

// The fractional part of the reduction by ln 2: exp(r) - 1 - r for |r| <= ln(2)/2.
fn exp_tail_f32(r: f32) -> f32 {
    var p = 1.9875691500e-4;
    p = fma(p, r, 1.3981999507e-3);
    p = fma(p, r, 8.3334519073e-3);
    p = fma(p, r, 4.1665795894e-2);
    p = fma(p, r, 1.6666665459e-1);
    p = fma(p, r, 5.0000001201e-1);
    return p * (r * r);
}
fn exp_f32(x: f32) -> f32 {
    let y = clamp(x, -106.0, 89.0);
    let k = round(y * 1.44269504);
    let r = (y - k * 0.693359375) + k * 2.12194440e-4;
    let n = i32(k);
    let half_n = n >> 1u;
    let e = ((exp_tail_f32(r) + r) + 1.0) * pow2_f32(half_n) * pow2_f32(n - half_n);
    return select(select(e, inf_f32(), x > 88.73), x, is_nan_f32(x));
}
fn expm1_f32(x: f32) -> f32 {
    let y = clamp(x, -18.0, 89.0);
    let k = round(y * 1.44269504);
    let r = (y - k * 0.693359375) + k * 2.12194440e-4;
    let p = exp_tail_f32(r) + r;
    // 2^(k-1) doubled at the end, because 2^128 is no f32.
    let t = pow2_f32(i32(k) - 1);
    let e = 2.0 * (t * p + (t - 0.5));
    let v = select(select(e, p, k == 0.0), x, abs(x) < 2.9e-8);
    return select(select(v, inf_f32(), x > 88.73), x, is_nan_f32(x));
}

// ---- logarithms ----

// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)): (e, f). Subnormals are decomposed as integers.
fn log_split_f32(x: f32) -> vec2<f32> {
    var b = bitcast<u32>(x);
    var e = 0.0;
    if (b < 0x00800000u) {
        b = bitcast<u32>(f32(b));
        e = -149.0;
    }
    let shifted = b + (0x3f800000u - 0x3f3504f3u);
    e += f32(i32(shifted >> 23u) - 127);
    let m = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u);
    return vec2<f32>(e, m - 1.0);
}
// log(1 + f) - f for 1 + f in [sqrt(1/2), sqrt(2)).
fn log_tail_f32(f: f32) -> f32 {
    let z = f * f;
    var p = 7.0376836292e-2;
    p = fma(p, f, -1.1514610310e-1);
    p = fma(p, f, 1.1676998740e-1);
    p = fma(p, f, -1.2420140846e-1);
    p = fma(p, f, 1.4249322787e-1);
    p = fma(p, f, -1.6668057665e-1);
    p = fma(p, f, 2.0000714765e-1);
    p = fma(p, f, -2.4999993993e-1);
    p = fma(p, f, 3.3333331174e-1);
    return p * f * z - 0.5 * z;
}
fn log_edges_f32(value: f32, x: f32) -> f32 {
    let b = bitcast<u32>(x);
    let high = select(value, x, b == 0x7f800000u || is_nan_f32(x));
    let zero = select(high, neg_inf_f32(), is_zero_f32(x));
    return select(zero, nan_f32(), b > 0x80000000u && b <= 0xff800000u);
}
fn log_f32(x: f32) -> f32 {
    let s = log_split_f32(x);
    let tail = log_tail_f32(s.y) - s.x * 2.12194440e-4;
    return log_edges_f32((tail + s.y) + s.x * 0.693359375, x);
}
fn log2_f32(x: f32) -> f32 {
    let s = log_split_f32(x);
    let y = log_tail_f32(s.y);
    let low = y * 0.44269504088896340736 + s.y * 0.44269504088896340736;
    return log_edges_f32(((low + y) + s.y) + s.x, x);
}
fn log10_f32(x: f32) -> f32 {
    let s = log_split_f32(x);
    let y = log_tail_f32(s.y);
    var v = (s.y + y) * 7.00731903251827651129e-4;
    v += y * 4.3359375e-1;
    v += s.x * 2.48745663981195213739e-4;
    v += s.y * 4.3359375e-1;
    v += s.x * 3.0078125e-1;
    return log_edges_f32(v, x);
}
// Near 0 the series is taken at x itself; elsewhere the rounding of 1 + x costs no more than 3 ulp.
fn log1p_f32(x: f32) -> f32 {
    if (x > -0.2928 && x < 0.4142) {
        return select(x + log_tail_f32(x), x, abs(x) < 2.9e-8);
    }
    return log_f32(1.0 + x);
}

// ---- circular functions ----

// Bits of 2/pi, most significant first.
const two_over_pi_f32 = array<u32, 8>(0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u);
// Reduction of a large argument by the method of M. Payne and R. Hanek (1983): x = m 2^e times the 96 bits of 2/pi that
// decide the quadrant and the remainder; bits of weight 4 and above do not matter. Gives (remainder, quadrant).
fn reduce_large_f32(x: f32) -> vec2<f32> {
    let b = bitcast<u32>(x);
    let e = i32((b >> 23u) & 0xffu) - 150;
    let m = (b & 0x007fffffu) | 0x00800000u;
    let skip = u32(max(e - 2, 0));
    let word = skip >> 5u;
    let shift = skip & 31u;
    let b0 = two_over_pi_f32[min(word, 7u)];
    let b1 = two_over_pi_f32[min(word + 1u, 7u)];
    let b2 = two_over_pi_f32[min(word + 2u, 7u)];
    let b3 = two_over_pi_f32[min(word + 3u, 7u)];
    let back = (32u - shift) & 31u;
    let w0 = select((b0 << shift) | (b1 >> back), b0, shift == 0u);
    let w1 = select((b1 << shift) | (b2 >> back), b1, shift == 0u);
    let w2 = select((b2 << shift) | (b3 >> back), b2, shift == 0u);
    // The 128-bit product without its lowest word.
    let low2 = m * w1;
    let s2 = low2 + mulhi(m, w2);
    let high2 = mulhi(m, w1) + select(0u, 1u, s2 < low2);
    let low1 = m * w0;
    let s1 = low1 + high2;
    let s0 = mulhi(m, w0) + select(0u, 1u, s1 < low1);
    // Two integer bits on top: in place when bits were skipped, else some to the right (arguments here exceed 2^13).
    let right = u32(clamp(2 - e, 0, 31));
    let left = (32u - right) & 31u;
    var hi = select((s0 << left) | (s1 >> right), s1, right == 0u);
    var lo = select((s1 << left) | (s2 >> right), s2, right == 0u);
    let q = (hi + 0x20000000u) >> 30u;
    hi -= q << 30u;
    let negative = (hi & 0x80000000u) != 0u;
    if (negative) {
        lo = ~lo + 1u;
        hi = ~hi + select(0u, 1u, lo == 0u);
    }
    let r = (f32(hi) * 9.313225746154785e-10 + f32(lo) * 2.168404344971009e-19) * 1.5707963267948966;
    let minus = (b & 0x80000000u) != 0u;
    let quadrant = select(q & 3u, (4u - (q & 3u)) & 3u, minus);
    return vec2<f32>(select(r, -r, negative != minus), f32(quadrant));
}
// x = quadrant * pi/2 + remainder, remainder within pi/4; the quadrant is modulo 4.
fn reduce_f32(x: f32) -> vec2<f32> {
    if (abs(x) < 12000.0) {
        // pi/2 in four parts, the first three of 10 bits: their products with k < 2^13 are exact.
        let k = round(x * 0.6366197723675814);
        let r = ((x - k * 1.5703125) - k * 0.00048351287841796875) - k * 3.1385570764541626e-07;
        return vec2<f32>(r - k * 6.07709993438732e-11, f32(i32(k) & 3));
    }
    return reduce_large_f32(x);
}
fn sin_core_f32(r: f32) -> f32 {
    let z = r * r;
    return ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
}
fn cos_core_f32(r: f32) -> f32 {
    let z = r * r;
    return ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
}
fn sin_f32(x: f32) -> f32 {
    let q = reduce_f32(x);
    let n = u32(q.y);
    let v = select(sin_core_f32(q.x), cos_core_f32(q.x), (n & 1u) == 1u);
    let s = select(v, -v, (n & 2u) == 2u);
    return select(select(s, x, abs(x) < 1.0e-4), nan_f32(), !is_finite_f32(x));
}
fn cos_f32(x: f32) -> f32 {
    let q = reduce_f32(x);
    let n = u32(q.y);
    let v = select(cos_core_f32(q.x), sin_core_f32(q.x), (n & 1u) == 1u);
    let s = select(v, -v, ((n + 1u) & 2u) == 2u);
    return select(s, nan_f32(), !is_finite_f32(x));
}
fn tan_f32(x: f32) -> f32 {
    let q = reduce_f32(x);
    let z = q.x * q.x;
    var p = 9.38540185543e-3;
    p = fma(p, z, 3.11992232697e-3);
    p = fma(p, z, 2.44301354525e-2);
    p = fma(p, z, 5.34112807005e-2);
    p = fma(p, z, 1.33387994085e-1);
    p = fma(p, z, 3.33331568548e-1);
    let t = p * z * q.x + q.x;
    let v = select(t, -1.0 / t, (u32(q.y) & 1u) == 1u);
    return select(select(v, x, abs(x) < 1.0e-4), nan_f32(), !is_finite_f32(x));
}
fn asin_core_f32(s: f32, z: f32) -> f32 {
    var p = 4.2163199048e-2;
    p = fma(p, z, 2.4181311049e-2);
    p = fma(p, z, 4.5470025998e-2);
    p = fma(p, z, 7.4953002686e-2);
    p = fma(p, z, 1.6666752422e-1);
    return p * z * s + s;
}
fn asin_f32(x: f32) -> f32 {
    let a = abs_f32(x);
    let far = 0.5 * (1.0 - a);
    let root = sqrt(max(far, 0.0));
    let v = select(asin_core_f32(a, a * a), 1.5707963267948966 - 2.0 * asin_core_f32(root, far), a > 0.5);
    let r = select(copysign_f32(v, x), x, a < 1.0e-4);
    return select(select(r, nan_f32(), a > 1.0), x, is_nan_f32(x));
}
fn acos_f32(x: f32) -> f32 {
    let a = abs_f32(x);
    let far = 0.5 * (1.0 - a);
    let root = sqrt(max(far, 0.0));
    let tip = 2.0 * asin_core_f32(root, far);
    let middle = 1.5707963267948966 - asin_core_f32(x, x * x);
    let v = select(middle, select(tip, 3.14159265358979324 - tip, x < 0.0), a > 0.5);
    return select(select(v, nan_f32(), a > 1.0), x, is_nan_f32(x));
}
// Of a value that is not negative.
fn atan_core_f32(x: f32) -> f32 {
    let high = x > 2.414213562373095;
    let middle = x > 0.4142135623730950 && !high;
    let base = select(select(0.0, 0.7853981633974483, middle), 1.5707963267948966, high);
    let t = select(select(x, (x - 1.0) / (x + 1.0), middle), -1.0 / x, high);
    let z = t * t;
    var p = 8.05374449538e-2;
    p = fma(p, z, -1.38776856032e-1);
    p = fma(p, z, 1.99777106478e-1);
    p = fma(p, z, -3.33329491539e-1);
    return base + (p * z * t + t);
}
fn atan_f32(x: f32) -> f32 {
    let a = abs_f32(x);
    let v = select(atan_core_f32(a), 1.5707963267948966, a > 1.0e9);
    return select(copysign_f32(v, x), x, a < 1.0e-4 || is_nan_f32(x));
}
fn atan2_f32(y: f32, x: f32) -> f32 {
    let ax = abs_f32(x);
    let ay = abs_f32(y);
    let both = is_inf_f32(x) && is_inf_f32(y);
    let low = select(min(ax, ay), 1.0, both);
    let high = select(max(ax, ay), 1.0, both);
    // Halving the exponents of large pairs keeps the quotient within what drivers divide well.
    let scale = select(1.0, 2.3283064365386963e-10, high > 1.0e30);
    // A pair below the normal numbers may be flushed to 0 / 0.
    let whole = is_zero_f32(low) || is_inf_f32(high) || high < 1.17549435e-38;
    let ratio = select((low * scale) / (high * scale), 0.0, whole);
    var a = atan_core_f32(ratio);
    a = select(a, 1.5707963267948966 - a, ay > ax);
    a = select(a, 3.14159265358979324 - a, (bitcast<u32>(x) & 0x80000000u) != 0u);
    return select(copysign_f32(a, y), nan_f32(), is_nan_f32(x) || is_nan_f32(y));
}

// ---- hyperbolic functions ----

fn sinh_f32(x: f32) -> f32 {
    let a = abs_f32(x);
    let z = a * a;
    let near = ((2.03721912945e-4 * z + 8.33028376239e-3) * z + 1.66667160211e-1) * z * a + a;
    let e = exp_f32(min(a, 80.0));
    let h = exp_f32(0.5 * a);
    let v = select(select(0.5 * e - 0.5 / e, (0.5 * h) * h, a > 80.0), near, a < 1.0);
    return select(copysign_f32(v, x), x, a < 1.0e-4 || !is_finite_f32(x));
}
fn cosh_f32(x: f32) -> f32 {
    let a = abs_f32(x);
    let e = exp_f32(min(a, 80.0));
    let h = exp_f32(0.5 * a);
    let v = select(0.5 * e + 0.5 / e, (0.5 * h) * h, a > 80.0);
    return select(v, a, !is_finite_f32(x));
}
fn tanh_f32(x: f32) -> f32 {
    let a = abs_f32(x);
    let z = a * a;
    var p = -5.70498872745e-3;
    p = fma(p, z, 2.06390887954e-2);
    p = fma(p, z, -5.37397155531e-2);
    p = fma(p, z, 1.33314422036e-1);
    p = fma(p, z, -3.33332819422e-1);
    let near = p * z * a + a;
    let far = 1.0 - 2.0 / (exp_f32(min(2.0 * a, 40.0)) + 1.0);
    let bounded = copysign_f32(select(far, near, a < 0.625), x);
    // A choice of `x` itself here gave wrong values on Mesa's software driver (22.3) behind conditions that only some lanes
    // meet; near zero the series is `a` to the last bit anyway.
    return select(bounded, nan_f32(), is_nan_f32(x));
}

// ---- two arguments ----

fn hypot_f32(x: f32, y: f32) -> f32 {
    let ax = abs_f32(x);
    let ay = abs_f32(y);
    let m = max(ax, ay);
    // A power of two scales the larger to about 1; subnormals count as the smallest exponent.
    let e = clamp(i32(bitcast<u32>(m) >> 23u) - 127, -125, 125);
    let s = pow2_f32(-e);
    let a = ax * s;
    let b = ay * s;
    let v = sqrt(a * a + b * b) * pow2_f32(e);
    let number = select(v, nan_f32(), is_nan_f32(x) || is_nan_f32(y));
    return select(number, inf_f32(), is_inf_f32(x) || is_inf_f32(y));
}
// Exact: the significands are divided as integers, eight bits of quotient at a time.
fn rem_f32(x: f32, y: f32) -> f32 {
    if (!is_finite_f32(x) || is_nan_f32(y) || is_zero_f32(y)) { return nan_f32(); }
    let bx = bitcast<u32>(x) & 0x7fffffffu;
    let by = bitcast<u32>(y) & 0x7fffffffu;
    if (bx < by) { return x; }
    let ex = max(bx >> 23u, 1u);
    let ey = max(by >> 23u, 1u);
    var m = (bx & 0x007fffffu) | select(0u, 0x00800000u, bx >= 0x00800000u);
    let d = (by & 0x007fffffu) | select(0u, 0x00800000u, by >= 0x00800000u);
    var n = ex - ey;
    m = m % d;
    while (n > 0u) { // at most 32 rounds
        let step = min(n, 8u);
        m = (m << step) % d;
        n -= step;
    }
    // The remainder has y's exponent at most: shift up to a normal significand, or stay subnormal.
    let room = ey - 1u;
    let shift = min(countLeadingZeros(m | 1u) - 8u, room);
    let e = select(0u, (ey - shift) << 23u, (m << shift) >= 0x00800000u);
    let bits = select(e | ((m << shift) & 0x007fffffu), 0u, m == 0u);
    return bitcast<f32>(bits | (bitcast<u32>(x) & 0x80000000u));
}
fn mod_f32(x: f32, y: f32) -> f32 {
    let r = rem_f32(x, y);
    if (is_nan_f32(r)) { return r; }
    if (is_zero_f32(r)) { return copysign_f32(r, y); }
    return select(r, r + y, ((bitcast<u32>(r) ^ bitcast<u32>(y)) & 0x80000000u) != 0u);
}

// x^y for finite x > 0 that is not 1 and finite y: log2(x) and its product with y are carried as sums of two numbers whose
// upper parts have 12 bits, so that products of upper parts are exact. The parts are cut by masks, never by subtraction,
// which drivers fold away.
fn pow_core_f32(x: f32, y: f32) -> f32 {
    let s = log_split_f32(x);
    let f = s.y;
    let den = 2.0 + f;
    let u = upper_f32(f / den);
    let fu = upper_f32(f);
    let v = (((f - 2.0 * u) - u * fu) - u * (f - fu)) / den;
    let w = (u + v) * (u + v);
    var q = 0.0769230769 * w + 0.0909090909;
    q = fma(q, w, 0.1111111111);
    q = fma(q, w, 0.1428571429);
    q = fma(q, w, 0.2);
    q = fma(q, w, 0.3333333333);
    q = q * w * (u + v);
    // log2(x) = e + 2/ln2 (u + v + q), 2/ln2 in two parts.
    let low = u * 0.0006244567779268147 + (v + q) * 2.8853900817779268;
    let high = upper_f32(s.x + (u * 2.884765625 + low));
    let rest = ((s.x - high) + u * 2.884765625) + low;
    let yu = upper_f32(y);
    let main = yu * high;
    let minor = y * rest + (y - yu) * high;
    let total = main + minor;
    let z = clamp(total, -160.0, 130.0);
    let k = round(z);
    let t = ((main - k) + minor) * 0.6931471805599453;
    let n = i32(k);
    let half_n = n >> 1u;
    let v2 = ((exp_tail_f32(t) + t) + 1.0) * pow2_f32(half_n) * pow2_f32(n - half_n);
    return select(select(v2, inf_f32(), total > 128.5), 0.0, total < -155.0);
}
fn pow_f32(x: f32, y: f32) -> f32 {
    // Small whole and half powers of positive numbers by products. The exponent is usually the same for all threads, which then
    // take this branch together.
    let halves = y + y;
    if (halves >= 1.0 && halves <= 8.0 && trunc(halves) == halves && x > 0.0 && is_finite_f32(x)) {
        let n = u32(halves);
        let square = x * x;
        var whole = select(1.0, x, (n & 2u) != 0u);
        whole = select(whole, whole * square, (n & 4u) != 0u);
        whole = select(whole, square * square, n == 8u);
        return select(whole, whole * sqrt(x), (n & 1u) != 0u);
    }
    let a = abs_f32(x);
    let below = bitcast<u32>(x) > 0x7fffffffu;
    let whole = trunc(y) == y;
    let odd = whole && abs(y) < 16777216.0 && (i32(clamp(y, -16777216.0, 16777216.0)) & 1) == 1;
    var r = pow_core_f32(select(a, 2.0, is_zero_f32(a) || !is_finite_f32(a)), select(y, 0.0, !is_finite_f32(y)));
    // Whether the result tends to infinity rather than to zero at the extremes of both arguments.
    let up = (a > 1.0) == (y > 0.0);
    let end = select(0.0, inf_f32(), up);
    r = select(r, end, is_inf_f32(y) || is_zero_f32(a) || is_inf_f32(a));
    r = select(r, 1.0, a == 1.0);
    r = select(r, -r, below && odd);
    r = select(r, nan_f32(), below && !whole && !is_zero_f32(a) && !is_inf_f32(a));
    r = select(r, nan_f32(), is_nan_f32(x) || is_nan_f32(y));
    return select(r, 1.0, is_zero_f32(y) || x == 1.0);
}

// ---- conversions ----

fn f32_to_i32(x: f32) -> i32 {
    let v = i32(clamp(x, -2147483648.0, 2147483520.0));
    return select(select(v, 2147483647, x >= 2147483648.0), 0, is_nan_f32(x));
}
fn f32_to_u32(x: f32) -> u32 {
    let v = u32(clamp(x, 0.0, 4294967040.0));
    return select(select(v, 4294967295u, x >= 4294967296.0), 0u, is_nan_f32(x));
}
fn f32_to_u8(x: f32) -> u32 { return select(u32(clamp(x, 0.0, 255.0)), 0u, is_nan_f32(x)); }
fn f32_to_i64(x: f32) -> i64 {
    let v = i64(clamp(x, -9223372036854775808.0, 9223371487098961920.0));
    return select(select(v, 9223372036854775807li, x >= 9223372036854775808.0), 0li, is_nan_f32(x));
}
// Halves pass through an integer operation with a zero: one driver took the value before it was rounded for the one after it wherever it
// saw both.
fn f32_to_f16(x: f32) -> f16 {
    return f16(unpack2x16float(pack2x16float(vec2<f32>(f32(f16(x)), 0.0)) ^ params[0]).x);
}
