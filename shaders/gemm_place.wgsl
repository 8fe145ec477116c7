// Which tile a workgroup computes. Included by gemm and gemm_wide.
#ifdef SYMMETRIC
    // Tiles of the lower triangle, row by row. The root is exact or off by one.
    var tile_row = u32((sqrt(8.0 * f32(tile) + 1.0) - 1.0) * 0.5);
    if (tile_row * (tile_row + 1u) / 2u > tile) { tile_row -= 1u; }
    if ((tile_row + 1u) * (tile_row + 2u) / 2u <= tile) { tile_row += 1u; }
    let tile_col = tile - tile_row * (tile_row + 1u) / 2u;
#else
    // Bands of eight tile rows are walked column by column, so that what neighbouring workgroups load stays in cache.
    let band = 8u * {{TILES_N}};
    let first = tile / band * 8u;
    let height = min({{TILES_M}} - first, 8u);
    let within = tile % band;
    let tile_row = first + within % height;
    let tile_col = within / height;
#endif
