// The second kernel of a product whose contracted axis was cut: sums the parts and runs the epilogue.

fn finish(z: u32, row: u32, col: u32, acc: {{T}}) {
    {{FINISH}}
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = (group.y * {{GRID_X}} + group.x) * 256u + lid;
    if (i >= {{CELLS}}) { return; }
    let above = i / {{N}};
    let col = i - above * {{N}};
    let z = above / {{M}};
    let row = above - z * {{M}};
#ifdef SYMMETRIC
    // Only tiles of the lower triangle were written; those off the diagonal go to both places.
    let tile_row = row / {{TILE_M}}u;
    let tile_col = col / {{TILE_M}}u;
    if (tile_col > tile_row) { return; }
#endif
    var acc = {{T}}();
    for (var p = 0u; p < {{PARTS}}; p++) { // at most PARTS rounds
        acc += {{SCRATCH}}[p * {{CELLS}} + i];
    }
    finish(z, row, col, acc);
#ifdef SYMMETRIC
    if (tile_col < tile_row) { finish(z, col, row, acc); }
#endif
}
