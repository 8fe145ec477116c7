// Running folds. With ALONE each thread walks a line by itself, and neighbouring threads take neighbouring lines. Otherwise a
// workgroup takes a line in blocks and combines the folds of its threads in workgroup memory.

{{SHARED}}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let block = group.y * {{GRID_X}} + group.x;
#ifdef ALONE
    let row = block * 256u + lid;
    if (row >= {{ROWS}}) { return; }
    {{ROW}}
    var total: {{T}} = {{START}};
    for (var j = 0u; j < {{COUNT}}; j += 1u) {
        {{BEFORE}}
        total = {{TAKE}};
        let running = total;
        {{AFTER}}
    }
#else
    if (block >= {{ROWS}}) { return; }
    let row = block;
    {{ROW}}
    var total: {{T}} = {{START}};
    for (var first = 0u; first < {{COUNT}}; first += 256u) {
        let wanted = first + lid;
        let j = min(wanted, {{COUNT}} - 1u);
        {{BEFORE}}
        var own: {{T}} = {{VALUE}};
        shared_scan[lid] = own;
        workgroupBarrier();
#for step 8
        {
            let back = 1u << {{step}}u;
            var other: {{T}} = own;
            if (lid >= back) { other = shared_scan[lid - back]; }
            workgroupBarrier();
            if (lid >= back) { own = {{JOIN}}; }
            shared_scan[lid] = own;
            workgroupBarrier();
        }
#endfor
        let running = {{CARRY}};
        if (wanted < {{COUNT}}) {
            {{AFTER}}
        }
        let whole = shared_scan[255u];
        workgroupBarrier();
        total = {{NEXT}};
    }
#endif
}
