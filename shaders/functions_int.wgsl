// Integer functions with their special cases: WGSL leaves x/0 to the device, here it is 0 (and x mod 0 is x).

fn div_i32(x: i32, y: i32) -> i32 {
    let bad = y == 0 || y == -1;
    return select(select(x / select(y, 1, bad), 0 - x, y == -1), 0, y == 0);
}
fn div_u32(x: u32, y: u32) -> u32 { return select(x / max(y, 1u), 0u, y == 0u); }
fn div_i64(x: i64, y: i64) -> i64 {
    let bad = y == 0li || y == -1li;
    return select(select(x / select(y, 1li, bad), 0li - x, y == -1li), 0li, y == 0li);
}
fn rem_i32(x: i32, y: i32) -> i32 {
    let bad = y == 0 || y == -1;
    return select(x % select(y, 1, bad), 0, bad);
}
fn rem_u32(x: u32, y: u32) -> u32 { return select(x % max(y, 1u), 0u, y == 0u); }
fn rem_i64(x: i64, y: i64) -> i64 {
    let bad = y == 0li || y == -1li;
    return select(x % select(y, 1li, bad), 0li, bad);
}
fn mod_i32(x: i32, y: i32) -> i32 {
    let r = rem_i32(x, y);
    return select(select(r, r + y, r != 0 && ((r ^ y) < 0)), x, y == 0);
}
fn mod_u32(x: u32, y: u32) -> u32 { return select(x % max(y, 1u), x, y == 0u); }
fn mod_i64(x: i64, y: i64) -> i64 {
    let r = rem_i64(x, y);
    return select(select(r, r + y, r != 0li && ((r ^ y) < 0li)), x, y == 0li);
}
// Negative powers of integers are 0 unless |x| is 1.
fn pow_i32(x: i32, y: i32) -> i32 {
    if (y < 0) { return select(select(0, select(1, -1, (y & 1) == 1), x == -1), 1, x == 1); }
    var r = 1;
    var b = x;
    var n = u32(y);
    while (n > 0u) { // at most 32 rounds
        if ((n & 1u) == 1u) { r = r * b; }
        b = b * b;
        n = n >> 1u;
    }
    return r;
}
fn pow_u32(x: u32, y: u32) -> u32 {
    var r = 1u;
    var b = x;
    var n = y;
    while (n > 0u) { // at most 32 rounds
        if ((n & 1u) == 1u) { r = r * b; }
        b = b * b;
        n = n >> 1u;
    }
    return r;
}
fn pow_i64(x: i64, y: i64) -> i64 {
    if (y < 0li) { return select(select(0li, select(1li, -1li, (y & 1li) == 1li), x == -1li), 1li, x == 1li); }
    var r = 1li;
    var b = x;
    var n = u64(y);
    while (n > 0lu) { // at most 64 rounds
        if ((n & 1lu) == 1lu) { r = r * b; }
        b = b * b;
        n = n >> 1u;
    }
    return r;
}
fn sign_i32(x: i32) -> i32 { return select(select(0, 1, x > 0), -1, x < 0); }
fn sign_i64(x: i64) -> i64 { return select(select(0li, 1li, x > 0li), -1li, x < 0li); }
fn abs_i32(x: i32) -> i32 { return select(x, 0 - x, x < 0); }
fn abs_i64(x: i64) -> i64 { return select(x, 0li - x, x < 0li); }
// One driver drops a negation that follows a maximum or minimum; an exclusive or with a zero that it
// cannot see (`params[0]`) prevents that.
fn maximum_i32(x: i32, y: i32) -> i32 { return max(x ^ bitcast<i32>(params[0]), y ^ bitcast<i32>(params[0])); }
fn minimum_i32(x: i32, y: i32) -> i32 { return min(x ^ bitcast<i32>(params[0]), y ^ bitcast<i32>(params[0])); }
fn maximum_i64(x: i64, y: i64) -> i64 { return max(x ^ i64(params[0]), y ^ i64(params[0])); }
fn minimum_i64(x: i64, y: i64) -> i64 { return min(x ^ i64(params[0]), y ^ i64(params[0])); }
