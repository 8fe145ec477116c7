// Running folds. With ALONE each thread walks a line by itself, and neighbouring threads take neighbouring lines. Otherwise a
// workgroup takes a line in blocks and combines the folds of its threads in workgroup memory. With PARTS the lines are cut, and
// each part begins with the fold of those before it.

{{SHARED}}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let share = group.y * {{GRID_X}} + group.x;
#ifdef PARTS
    let block = share / {{PARTS}};
    let part = share - block * {{PARTS}};
    let begin = part * {{CHUNK}};
    let end = min(begin + {{CHUNK}}, {{COUNT}});
#else
    let block = share;
    let begin = 0u;
    let end = {{COUNT}};
#endif
#ifdef ALONE
    let row = block * 256u + lid;
#else
    let row = block;
#endif
    if (row >= {{ROWS}}) { return; }
    {{ROW}}
    var total: {{T}} = {{START}};
#ifdef PARTS
    if (part > 0u) { total = {{BELOW}}; }
#endif
#ifdef ALONE
    for (var j = begin; j < end; j += 1u) { // at most STEPS rounds
        {{BEFORE}}
        total = {{TAKE}};
        let running = total;
        {{AFTER}}
    }
#else
    for (var first = begin; first < end; first += 256u) { // at most STEPS rounds
        let wanted = first + lid;
        let j = min(wanted, end - 1u);
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
        if (wanted < end) {
            {{AFTER}}
        }
        let whole = shared_scan[255u];
        workgroupBarrier();
        total = {{NEXT}};
    }
#endif
}
