// Arithmetic of f32 for drivers that do not keep IEEE's rules by themselves. `params[0]`, which is always 0, is what no compiler can
// see through.

// The same number, rounded here and no later.
fn barrier_f32(v: f32) -> f32 { return bitcast<f32>(bitcast<u32>(v) | params[0]); }
// The order of the bits: negative numbers below positive ones, both zeros the same.
fn order_f32(v: f32) -> i32 {
    let b = bitcast<i32>(v);
    return select(b, bitcast<i32>(0x80000000u) - b, b < 0);
}
fn lt_f32(a: f32, b: f32) -> bool { return order_f32(a) < order_f32(b) && !is_nan_f32(a) && !is_nan_f32(b); }
fn le_f32(a: f32, b: f32) -> bool { return order_f32(a) <= order_f32(b) && !is_nan_f32(a) && !is_nan_f32(b); }
fn gt_f32(a: f32, b: f32) -> bool { return lt_f32(b, a); }
fn ge_f32(a: f32, b: f32) -> bool { return le_f32(b, a); }

// A quotient with IEEE's special cases from one that a device computes otherwise; finite ones are as the device rounds them.
fn quotient_edges_f32(q: f32, x: f32, y: f32) -> f32 {
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    let zero = is_zero_f32(x) || is_inf_f32(y);
    let infinite = is_inf_f32(x) || is_zero_f32(y);
    let edge = bitcast<f32>(sign | select(0u, 0x7f800000u, infinite) | params[0]);
    let nan = is_nan_f32(x) || is_nan_f32(y) || (zero && infinite);
    return select(select(q, edge, zero || infinite), nan_f32(), nan);
}
fn quotient_f32(x: f32, y: f32) -> f32 {
    let scale = select(1.0, 2.3283064365386963e-10, abs(y) > 1.0e36);
    return quotient_edges_f32((x * scale) / (y * scale), x, y);
}

// The significand of a magnitude with its leading bit in place 23, and the exponent that belongs to it.
fn significand_f32(magnitude: u32) -> vec2<u32> {
    let fraction = magnitude & 0x007fffffu;
    let shift = countLeadingZeros(fraction | 1u) - 8u;
    let subnormal = vec2<u32>(fraction << shift, 1u - shift);
    return select(vec2<u32>(fraction | 0x00800000u, magnitude >> 23u), subnormal, magnitude < 0x00800000u);
}
// The correctly rounded quotient: the device's own guess is corrected by an integer remainder.
fn exact_quotient_f32(x: f32, y: f32) -> f32 {
    let sign = (bitcast<u32>(x) ^ bitcast<u32>(y)) & 0x80000000u;
    let a = significand_f32(bitcast<u32>(x) & 0x7fffffffu);
    let b = significand_f32(bitcast<u32>(y) & 0x7fffffffu);
    let below = a.x < b.x;
    let n = select(a.x, a.x << 1u, below);
    let d = max(b.x, 0x00800000u);
    let e = bitcast<i32>(a.y - b.y) + select(127, 126, below);
    // 26 bits of quotient, off by a few; then what is left of n 2^25 decides, modulo 2^32.
    var q = u32(f32(n) / f32(d) * 33554432.0);
    var r = bitcast<i32>((n << 25u) - q * d);
    let step = i32(floor(f32(r) / f32(d)));
    q = q + u32(step);
    r = r - step * i32(d);
    if (r < 0) {
        q = q - 1u;
        r = r + i32(d);
    }
    if (r >= i32(d)) {
        q = q + 1u;
        r = r - i32(d);
    }
    let drop = u32(clamp(3 - e, 2, 30));
    let low = q & ((1u << drop) - 1u);
    let half = 1u << (drop - 1u);
    let kept = q >> drop;
    let up = low > half || (low == half && (r != 0 || (kept & 1u) == 1u));
    let rounded = kept + select(0u, 1u, up);
    // The leading bit of a normal number adds 1 to the exponent.
    let exponent = u32(clamp(e, 1, 255) - 1) << 23u;
    let finite = bitcast<f32>(sign | min(exponent + rounded, 0x7f800000u) | params[0]);
    return quotient_edges_f32(finite, x, y);
}
// The correctly rounded square root, in the same way.
fn exact_root_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let a = significand_f32(bits & 0x7fffffffu);
    let e = bitcast<i32>(a.y) - 127;
    let odd = u32(e & 1);
    let m = a.x << odd;
    var s = u32(sqrt(f32(m) * 1.1920928955078125e-7) * 16777216.0);
    let whole = m << 25u;
    s = s + u32(i32(floor(f32(bitcast<i32>(whole - s * s)) / f32(2u * max(s, 1u)))));
    var r = bitcast<i32>(whole - s * s);
    if (r < 0) {
        s = s - 1u;
        r = r + i32(2u * s + 1u);
    }
    if (r > i32(2u * s)) { s = s + 1u; }
    let root = bitcast<f32>((u32(((e - i32(odd)) >> 1u) + 126) << 23u) + ((s + 1u) >> 1u) | params[0]);
    let number = select(root, nan_f32(), bits > 0x7f800000u);
    return select(number, bitcast<f32>(bits | params[0]), is_zero_f32(x) || bits == 0x7f800000u);
}
