// Philox4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Element i of a stream depends on
// i, key and stream only; the CPU gives the same words.

fn philox_block(block: u32, key: u32, stream: u32) -> vec4<u32> {
    var c = vec4<u32>(block, 0u, stream, 0u);
    var k0 = key;
    var k1 = 0x1bd11bdau;
    for (var i = 0u; i < 10u; i++) { // at most 10 rounds
        let h0 = mulhi(0xd2511f53u, c.x);
        let l0 = 0xd2511f53u * c.x;
        let h1 = mulhi(0xcd9e8d57u, c.z);
        let l1 = 0xcd9e8d57u * c.z;
        c = vec4<u32>(h1 ^ c.y ^ k0, l1, h0 ^ c.w ^ k1, l0);
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return c;
}
fn rng_bits_u32(index: u32, key: u32, stream: u32) -> u32 {
    let b = philox_block(index >> 2u, key, stream);
    let pair = select(b.xy, b.zw, (index & 2u) != 0u);
    return select(pair.x, pair.y, (index & 1u) != 0u);
}
fn rng_uniform_f32(index: u32, key: u32, stream: u32) -> f32 {
    return f32(rng_bits_u32(index, key, stream) >> 8u) * 5.9604644775390625e-8;
}
// Box-Muller: elements 2p and 2p + 1 share the words 2p and 2p + 1.
fn rng_normal_f32(index: u32, key: u32, stream: u32) -> f32 {
    let b = philox_block(index >> 2u, key, stream);
    let pair = select(b.xy, b.zw, (index & 2u) != 0u);
    let u1 = f32((pair.x >> 8u) + 1u) * 5.9604644775390625e-8;
    let turn = pair.y >> 8u;
    let radius = sqrt(max(-2.0 * log_f32(u1), 0.0));
    // cos and sin of 2 pi u2, reduced in turns as an integer: quadrant and a remainder within an eighth of a turn.
    let q = (turn + 0x00200000u) >> 22u;
    let r = f32(i32(turn) - i32(q << 22u)) * 3.7450702829239286e-7;
    let s = sin_core_f32(r);
    let c = cos_core_f32(r);
    let n = q + select(1u, 0u, (index & 1u) != 0u);
    let v = select(s, c, (n & 1u) == 1u);
    return radius * select(v, -v, (n & 2u) == 2u);
}
fn rng_uniform_f64(index: u32, key: u32, stream: u32) -> f64 {
    let b = philox_block(index >> 1u, key, stream);
    let pair = select(b.xy, b.zw, (index & 1u) != 0u);
    return (f64(pair.x >> 5u) * 67108864.0lf + f64(pair.y >> 6u)) * 1.1102230246251565e-16lf;
}
