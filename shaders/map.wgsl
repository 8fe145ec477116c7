// Elementwise groups. `element` computes all results at the linear index i. A thread stores only after the reads of all its
// elements have begun.

struct Results { {{FIELDS}} }

fn element(i: u32) -> Results {
    {{BODY}}
    return Results({{RESULTS}});
}

fn store(i: u32, e: Results) {
    {{STORES}}
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let base = (group.y * {{GRID_X}} + group.x) * (256u * {{UNROLL}}u) + lid;
    if (base + 256u * ({{UNROLL}}u - 1u) < {{TOTAL}}) {
#for n {{UNROLL}}
        let e{{n}} = element(base + 256u * {{n}}u);
#endfor
#for n {{UNROLL}}
        store(base + 256u * {{n}}u, e{{n}});
#endfor
    } else {
        for (var i = base; i < {{TOTAL}}; i += 256u) { // at most {{UNROLL}} rounds
            store(i, element(i));
        }
    }
}
