// Rows groups: LANES threads walk along each row, and SLOTS rows share a workgroup. Where rows lie along memory, neighbouring
// lanes are neighbouring threads; where columns do (COLUMNS), neighbouring slots are. Each pass of the body folds its elements,
// and the lanes combine their results in workgroup memory before the next pass uses them.

{{SHARED}}
{{FUNCTIONS}}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
#ifdef PARTS
    let share = group.y * {{GRID_X}} + group.x;
    let block = share / {{PARTS}};
    let part = share - block * {{PARTS}};
    let begin = part * {{CHUNK}};
    let end = min(begin + {{CHUNK}}, {{COUNT}});
#else
    let block = group.y * {{GRID_X}} + group.x;
    let begin = 0u;
    let end = {{COUNT}};
#endif
#ifdef COLUMNS
    let slot = lid % {{SLOTS}}u;
    let lane = lid / {{SLOTS}}u;
#else
    let slot = lid / {{LANES}}u;
    let lane = lid % {{LANES}}u;
#endif
    // Threads beyond the last row repeat it and store nothing, because all threads must reach the barriers.
    let wanted = block * {{SLOTS}}u + slot;
    let valid = wanted < {{ROWS}};
    let row = min(wanted, {{ROWS}} - 1u);
    {{BODY}}
}
