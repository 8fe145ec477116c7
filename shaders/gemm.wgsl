// Matrix products by tiles: 16 by 16 threads compute TILE_M by TILE_N elements. The elements of a thread are 16 apart in both
// directions, so that neighbouring threads store neighbouring elements. The operands' programs run while tiles are loaded into
// workgroup memory. Elements outside the operands become zero after their program, because a program need not map zero to zero.

var<workgroup> left_tile: array<{{T}}, {{TILE_K}} * ({{TILE_M}} + {{PAD}})>;
var<workgroup> right_tile: array<{{T}}, {{TILE_K}} * ({{TILE_N}} + {{PAD}})>;

fn left_at(z: u32, row: u32, k: u32) -> {{T}} {
    {{LEFT}}
}

fn right_at(z: u32, k: u32, col: u32) -> {{T}} {
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
    let row0 = tile_row * {{TILE_M}}u;
    let col0 = tile_col * {{TILE_N}}u;
    let tx = lid % 16u;
    let ty = lid / 16u;
#for r {{PER_M}}
#for c {{PER_N}}
    var sum{{r}}_{{c}} = {{T}}();
#endfor
#endfor
    // Terms are summed in runs, and the sums of the runs are added: the error grows with the length of a run plus the number
    // of runs, not with their product.
    for (var run = begin; run < end; run += {{RUN}}u) { // at most RUNS rounds
    let run_end = min(run + {{RUN}}u, end);
#for r {{PER_M}}
#for c {{PER_N}}
    var acc{{r}}_{{c}} = {{T}}();
#endfor
#endfor
    for (var k0 = run; k0 < run_end; k0 += {{TILE_K}}u) { // at most STEPS rounds
#for u {{LEFT_LOADS}}
        {
            let e = lid + 256u * {{u}}u;
#ifdef LEFT_ALONG_K
            let dk = e % {{TILE_K}}u;
            let dm = e / {{TILE_K}}u;
#else
            let dm = e % {{TILE_M}}u;
            let dk = e / {{TILE_M}}u;
#endif
            let row = row0 + dm;
            let k = k0 + dk;
            let v = left_at(z, min(row, {{M}} - 1u), min(k, {{K}} - 1u));
            left_tile[dk * ({{TILE_M}}u + {{PAD}}u) + dm] = select({{T}}(), v, row < {{M}} && k < end);
        }
#endfor
#for u {{RIGHT_LOADS}}
        {
            let e = lid + 256u * {{u}}u;
#ifdef RIGHT_ALONG_K
            let dk = e % {{TILE_K}}u;
            let dn = e / {{TILE_K}}u;
#else
            let dn = e % {{TILE_N}}u;
            let dk = e / {{TILE_N}}u;
#endif
            let col = col0 + dn;
            let k = k0 + dk;
            let v = right_at(z, min(k, {{K}} - 1u), min(col, {{N}} - 1u));
            right_tile[dk * ({{TILE_N}}u + {{PAD}}u) + dn] = select({{T}}(), v, col < {{N}} && k < end);
        }
#endfor
        workgroupBarrier();
        for (var kk = 0u; kk < {{TILE_K}}u; kk++) { // at most {{TILE_K}} rounds
#for r {{PER_M}}
            let a{{r}} = left_tile[kk * ({{TILE_M}}u + {{PAD}}u) + ty + 16u * {{r}}u];
#endfor
#for c {{PER_N}}
            let b{{c}} = right_tile[kk * ({{TILE_N}}u + {{PAD}}u) + tx + 16u * {{c}}u];
#endfor
#for r {{PER_M}}
#for c {{PER_N}}
#ifdef FLOAT
            acc{{r}}_{{c}} = fma(a{{r}}, b{{c}}, acc{{r}}_{{c}});
#else
            acc{{r}}_{{c}} += a{{r}} * b{{c}};
#endif
#endfor
#endfor
        }
        workgroupBarrier();
    }
#for r {{PER_M}}
#for c {{PER_N}}
    sum{{r}}_{{c}} += acc{{r}}_{{c}};
#endfor
#endfor
    }
#for r {{PER_M}}
#for c {{PER_N}}
    {
        let row = row0 + ty + 16u * {{r}}u;
        let col = col0 + tx + 16u * {{c}}u;
        if (row < {{M}} && col < {{N}}) {
            finish(z, row, col, sum{{r}}_{{c}}, part);
#ifdef MIRROR
            // The accumulated matrix is symmetric; the epilogue need not be, so it runs for both places.
            if (tile_col < tile_row) { finish(z, col, row, sum{{r}}_{{c}}, part); }
#endif
        }
    }
#endfor
#endfor
}
