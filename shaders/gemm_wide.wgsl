// Matrix products of large operands: 256 threads compute 128 by 128 elements, eight by eight each, held as pairs of vectors.
// Workgroup memory is double-buffered: while one half is multiplied, the next tiles are being loaded into registers. Rows of a
// tile are one vector longer than needed, so that a transposing store meets few bank conflicts.

var<workgroup> left_tile: array<vec4<{{T}}>, 1056>;
var<workgroup> right_tile: array<vec4<{{T}}>, 1056>;

// Four elements of an operand along its own fast axis.
fn left_at(z: u32, row: u32, k: u32) -> vec4<{{T}}> {
    {{LEFT}}
}

fn right_at(z: u32, k: u32, col: u32) -> vec4<{{T}}> {
    {{RIGHT}}
}

fn finish(z: u32, row: u32, col: u32, acc: {{T}}, part: u32) {
    {{FINISH}}
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let share = group.y * {{GRID_X}} + group.x;
    let slab = share / {{TILES}};
    let tile = share - slab * {{TILES}};
    if (slab >= {{SLABS}}) { return; }
#ifdef PARTS
    let z = slab / {{PARTS}};
    let part = slab - z * {{PARTS}};
    let begin = part * {{CHUNK}};
    let end = min(begin + {{CHUNK}}, {{K}});
#else
    let z = slab;
    let part = 0u;
    let begin = 0u;
    let end = {{K}};
#endif
{{PLACE}}
    let row0 = tile_row * 128u;
    let col0 = tile_col * 128u;
    let lane = lid % 32u;
    let team_m = (lid / 32u) % 4u;
    let team_n = lid / 128u;
    // Where the thread's vectors of rows and of columns begin within a tile.
    let mine_m = team_m * 8u + lane / 8u;
    let mine_n = team_n * 16u + lane % 8u;
#ifdef LEFT_ALONG_K
    let left_k = (lid % 4u) * 4u;
    let left_m = lid / 4u;
#else
    let left_k = lid / 32u;
    let left_m = (lid % 32u) * 4u;
#endif
#ifdef RIGHT_ALONG_K
    let right_k = (lid % 4u) * 4u;
    let right_n = lid / 4u;
#else
    let right_k = lid / 32u;
    let right_n = (lid % 32u) * 4u;
#endif
#for r 8
    var c{{r}}_0 = vec4<{{T}}>();
    var c{{r}}_1 = vec4<{{T}}>();
#endfor
#for u 2
    var next_left{{u}} = vec4<{{T}}>();
    var next_right{{u}} = vec4<{{T}}>();
#endfor
    var k0 = begin;
    {{FETCH}}
    var half = 0u;
    {{KEEP}}
    workgroupBarrier();
    while (k0 < end) { // at most STEPS rounds
        k0 += 16u;
        if (k0 < end) {
            {{FETCH}}
        }
        let at_m = half * 528u + mine_m;
        let at_n = half * 528u + mine_n;
#for kk 16
        {
            let a0 = left_tile[at_m + 33u * {{kk}}u];
            let a1 = left_tile[at_m + 33u * {{kk}}u + 4u];
            let b0 = right_tile[at_n + 33u * {{kk}}u];
            let b1 = right_tile[at_n + 33u * {{kk}}u + 8u];
            c0_0 = {{FMA(a0.x, b0, c0_0)}}; c0_1 = {{FMA(a0.x, b1, c0_1)}};
            c1_0 = {{FMA(a0.y, b0, c1_0)}}; c1_1 = {{FMA(a0.y, b1, c1_1)}};
            c2_0 = {{FMA(a0.z, b0, c2_0)}}; c2_1 = {{FMA(a0.z, b1, c2_1)}};
            c3_0 = {{FMA(a0.w, b0, c3_0)}}; c3_1 = {{FMA(a0.w, b1, c3_1)}};
            c4_0 = {{FMA(a1.x, b0, c4_0)}}; c4_1 = {{FMA(a1.x, b1, c4_1)}};
            c5_0 = {{FMA(a1.y, b0, c5_0)}}; c5_1 = {{FMA(a1.y, b1, c5_1)}};
            c6_0 = {{FMA(a1.z, b0, c6_0)}}; c6_1 = {{FMA(a1.z, b1, c6_1)}};
            c7_0 = {{FMA(a1.w, b0, c7_0)}}; c7_1 = {{FMA(a1.w, b1, c7_1)}};
        }
#endfor
        half = 1u - half;
        if (k0 < end) {
            {{KEEP}}
        }
        workgroupBarrier();
    }
    // The results pass through workgroup memory to the epilogue, sixteen rows at a time: the text then contains the epilogue
    // eight times rather than sixty-four, and neighbouring threads store neighbouring elements.
    let slot = team_m * 4u + lane / 8u;
#for r 8
    left_tile[slot * 33u + mine_n] = c{{r}}_0;
    left_tile[slot * 33u + mine_n + 8u] = c{{r}}_1;
    workgroupBarrier();
    for (var e = lid; e < 2048u; e += 256u) { // at most 8 rounds
        let s = e / 128u;
        let n = e % 128u;
        let row = row0 + ((s / 4u) * 8u + s % 4u + ({{r}}u / 4u) * 4u) * 4u + {{r}}u % 4u;
        let col = col0 + n;
        let acc = left_tile[s * 33u + n / 4u][n % 4u];
        if (row < {{M}} && col < {{N}}) {
            finish(z, row, col, acc, part);
#ifdef MIRROR
            if (tile_col < tile_row) { finish(z, col, row, acc, part); }
#endif
        }
    }
    workgroupBarrier();
#endfor
}
