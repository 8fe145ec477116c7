"use strict";
// Draws DATA. Layouts and numbers come ready; this only shows them, and follows the pointer.
const $ = (id) => document.getElementById(id);
const esc = (t) => String(t).replace(/[&<>"']/g, (c) => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})[c]);
const S = { program: 0, view: "after", at: {}, on: null };
const P = () => DATA.programs[S.program];

// Numbers for people.
function si(x, unit) {
  if (x === null || x === undefined) return "–";
  for (const [f, p] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (x >= f) return (x / f).toPrecision(3) + " " + p + unit;
  return (Number.isInteger(x) ? x : x.toPrecision(3)) + " " + unit;
}
const bytes = (x) => { const u = ["B", "KiB", "MiB", "GiB", "TiB"]; let i = 0; while (x >= 1024 && i < 4) { x /= 1024; i++; } return (i ? x.toPrecision(3) : x) + " " + u[i]; };
function time(ns) {
  if (ns === null || ns === undefined) return "–";
  if (ns >= 1e9) return (ns / 1e9).toPrecision(3) + " s";
  if (ns >= 1e6) return (ns / 1e6).toPrecision(3) + " ms";
  if (ns >= 1e3) return (ns / 1e3).toPrecision(3) + " µs";
  return Math.round(ns) + " ns";
}

// What is known of a node of the graph that is shown.
const shown = () => (S.view === "before" ? P().nodes : P().planned || P().nodes);
function origins(i) {
  if (S.view === "before" || !P().sources) return P().nodes[i] ? P().nodes[i].at || [] : [];
  return P().sources[i].flatMap((r) => P().nodes[r].at || []);
}
const rulesAt = (i) => (S.view === "after" && P().record && P().record.rules || []).filter((r) => r.nodes.includes(i));
const names = (i) => [...new Set(origins(i).map((o) => o[3]).filter(Boolean))];
const tags = (i) => S.view === "before" ? [P().nodes[i].tag].filter(Boolean) : [...new Set((P().sources ? P().sources[i] : []).map((r) => P().nodes[r].tag).filter(Boolean))];
function sourceLine(o) {
  if (!DATA.source || o[0] !== DATA.source.name) return "";
  return DATA.source.text.split("\n")[o[1] - 1] || "";
}

// The graph.
function curve(p, side) {
  let d = `M${p[0]} ${p[1]}`;
  for (let i = 2; i < p.length; i += 2) {
    const [x0, y0, x1, y1] = [p[i - 2], p[i - 1], p[i], p[i + 1]];
    const m = (y0 + y1) / 2, n = (x0 + x1) / 2;
    if (side) d += y0 === y1 ? `H${x1}` : `C${n} ${y0} ${n} ${y1} ${x1} ${y1}`;
    else d += x0 === x1 ? `V${y1}` : `C${x0} ${m} ${x1} ${m} ${x1} ${y1}`;
  }
  return d;
}
function svgOf(g) {
  const out = ['<defs><marker id="tri" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:var(--edge)"/></marker></defs><g id="world">'];
  for (const b of g.boxes) {
    const [x, y, w, h] = b.box;
    out.push(`<g class="box ${b.place}" data-step="${b.step}"><rect x="${x}" y="${y}" width="${w}" height="${h}"/><text x="${x + 12}" y="${y + 18}" data-w="${w - 20}">${esc(b.title)}</text></g>`);
  }
  for (const e of g.edges) {
    const what = e.ends ? `data-ends="${e.ends}"` : `data-value="${e.value}"`;
    out.push(`<path class="edge${e.ends ? "" : " value"}" ${what} d="${curve(e.path, e.side)}" marker-end="url(#tri)"/>`);
  }
  for (const n of g.nodes) {
    const [x, y, w, h] = n.box;
    const name = n.name ? `<tspan class="name">${esc(n.name)}</tspan> = ` : "";
    out.push(`<g class="node ${n.family}${n.root ? " root" : ""}" data-node="${n.id}" tabindex="-1"><rect x="${x}" y="${y}" width="${w}" height="${h}"/>` +
      `<text class="head" x="${x + w / 2}" y="${y + 14.5}" text-anchor="middle">${name}${esc(n.head)}</text><text class="sub" x="${x + w / 2}" y="${y + 28}" text-anchor="middle">${esc(n.sub)}</text></g>`);
  }
  out.push("</g>");
  return out.join("");
}
const graph = () => (S.view === "before" ? P().before : P().after || P().before);
function move() {
  const t = S.at[S.view];
  $("world").setAttribute("transform", `translate(${t.x} ${t.y}) scale(${t.k})`);
  const far = t.k < 0.42;
  $("canvas").classList.toggle("far", far);
  // Titles stay readable from afar.
  document.querySelectorAll(".box text").forEach((e) => {
    const size = far ? Math.max(12.5, Math.min(13 / t.k, 20, e.dataset.w / (0.6 * e.textContent.length))) : 12.5;
    e.style.fontSize = size + "px";
  });
}
// The whole graph; or, at first, as much of it as can be read.
function fit(readable) {
  const box = $("canvas").getBoundingClientRect(), [w, h] = graph().size;
  const whole = Math.min((box.width - 40) / Math.max(w, 1), (box.height - 40) / Math.max(h, 1));
  const few = readable && graph().nodes.length <= 150;
  const k = Math.max(!readable ? 0.02 : few ? 0.68 : 0.12, Math.min(1.15, whole));
  S.at[S.view] = { k, x: Math.max(20, (box.width - w * k) / 2), y: Math.max(20, (box.height - h * k) / 2) };
  move();
}
function zoom(f, cx, cy) {
  const t = S.at[S.view], box = $("canvas").getBoundingClientRect();
  if (cx === undefined) { cx = box.width / 2; cy = box.height / 2; }
  const k = Math.max(0.02, Math.min(4, t.k * f));
  t.x = cx - (cx - t.x) * (k / t.k); t.y = cy - (cy - t.y) * (k / t.k); t.k = k;
  move();
}
function centre(n) {
  const t = S.at[S.view], box = $("canvas").getBoundingClientRect(), [x, y, w, h] = n.box;
  t.k = Math.max(t.k, 0.8); t.x = box.width / 2 - (x + w / 2) * t.k; t.y = box.height / 2 - (y + h / 2) * t.k;
  move();
}
function draw() {
  const script = S.view === "script";
  $("canvas").style.display = script ? "none" : "";
  $("script").hidden = !script;
  document.querySelectorAll("#tabs button").forEach((b) => b.classList.toggle("on", b.dataset.view === S.view));
  if (script) return drawScript();
  $("canvas").innerHTML = svgOf(graph());
  if (S.at[S.view]) move(); else fit(true);
}
function drawScript() {
  const used = {};
  P().nodes.forEach((n) => (n.at || []).forEach((o) => { if (o[0] === DATA.source.name) used[o[1]] = (used[o[1]] || 0) + 1; }));
  $("script").innerHTML = DATA.source.text.replace(/\n$/, "").split("\n").map((l, i) =>
    `<div class="${used[i + 1] ? "has" : ""}" data-line="${i + 1}"><i>${i + 1}</i>${esc(l) || " "}${used[i + 1] ? `<b>${used[i + 1]} nodes</b>` : ""}</div>`).join("");
}

// Marks.
function mark(ids, step) {
  const all = document.querySelectorAll("#world .on");
  all.forEach((e) => e.classList.remove("on"));
  $("canvas").classList.toggle("dim", ids !== null && ids.length > 0 && step === undefined);
  (ids || []).forEach((i) => document.querySelectorAll(`[data-node="${i}"]`).forEach((e) => e.classList.add("on")));
  if (ids && ids.length === 1) document.querySelectorAll("[data-ends]").forEach((e) => { if (e.dataset.ends.split(",").includes(String(ids[0]))) e.classList.add("on"); });
  document.querySelectorAll(".bar").forEach((b) => b.classList.toggle("on", step !== undefined && b.dataset.step === String(step)));
  if (step !== undefined) document.querySelectorAll(`.box[data-step="${step}"]`).forEach((e) => e.classList.add("on"));
}

// Details.
const row = (a, b) => (b === "" || b === undefined ? "" : `<tr><td>${a}</td><td>${b}</td></tr>`);
const nodeLink = (i) => `<a data-go="${i}">%${i}</a>`;
// How a node came to be computed as it was: of what runs, the proofs of all recorded nodes it computes.
const proofs = (i) => (P().record && P().record.why || []).filter((w) => (S.view === "before" ? w.node : w.image) === i);
const weak = (c) => `<span class="class ${esc(c)}">${esc(c)}</span>`;
function proof(w) {
  const called = (P().nodes[w.node].at || []).map((o) => o[3]).filter(Boolean).pop();
  return `<h4>proof of ${called ? esc(called) : "%" + w.node} ${weak(w.weakest)}</h4><div class="proof"><code>${esc(w.written)}</code>` + w.steps.map((s) =>
    `<div class="why"><b>${esc(s.rule)}</b> ${s.class ? weak(s.class) : ""}${s.backwards ? " <small>read backwards</small>" : ""}${s.place ? ` <small>at ${esc(s.place)}</small>` : ""}` +
    `<code>${esc(s.before)}</code><code class="to">${esc(s.after)}</code></div>`).join("") + `<div class="why"><b>runs</b><code>${esc(w.runs)}</code></div></div>`;
}
// What a node is computed with: the program and the kernels of its steps.
const ran = (i) => (S.view === "after" && P().record ? P().record.steps : []).filter((s) => s.program && s.nodes.includes(i)).map((s) =>
  `<h4>${esc(s.name)} · program</h4><pre>${esc(s.program)}</pre>` + (s.kernels || []).map((k) => `<h4>${esc(k.label)} · WGSL</h4><pre>${esc(k.wgsl)}</pre>`).join("")).join("");
function nodeDetail(i) {
  const n = shown()[i], rec = P().record;
  const at = origins(i).map((o) => `<div class="row">${esc(o[0])}:${o[1]}:${o[2]}${o[3] ? ` <b>${esc(o[3])}</b>` : ""}<span class="src">${esc(sourceLine(o).trim())}</span></div>`);
  const rules = rulesAt(i).map((r) => `<div class="row">${esc(r.rule)} <small>(${esc(r.class)})</small></div>`).join("");
  const why = proofs(i).map(proof).join("");
  const users = shown().flatMap((u, j) => (u.operands.includes(i) ? [j] : []));
  const refused = S.view === "after" && rec ? rec.refusals.filter((r) => r.node === i || r.user === i) : [];
  const steps = S.view === "after" && rec ? rec.steps.flatMap((s, j) => (s.nodes.includes(i) ? [`<a data-step="${j}">${esc(s.name)}</a>`] : [])) : [];
  const written = S.view === "after" && P().sources ? P().sources[i].map((r) => `<a data-before="${r}">%${r}</a>`).join(" ") : "";
  $("detail").innerHTML = `<h3>%${i} = ${esc(n.op)}</h3><table>` + row("value", esc(n.what)) + row("bytes", bytes(n.bytes)) + row("flops", n.flops ? si(n.flops, "flop") : "") +
    row("name", esc(names(i).join(", "))) + row("part of", esc(tags(i).join(", "))) + row("from", n.operands.map(nodeLink).join(" ")) + row("used by", users.slice(0, 40).map(nodeLink).join(" ")) +
    row("written as", written) + row("runs in", steps.join(", ")) + "</table>" +
    (at.length ? `<h4>written at</h4>${at.join("")}` : "") + (rules ? `<h4>rules</h4>${rules}` : "") + why +
    (refused.length ? `<h4>not fused</h4>` + refused.map((r) => `<div class="row">${nodeLink(r.node)} into ${nodeLink(r.user)}: ${esc(r.why)}</div>`).join("") : "") + ran(i);
  mark([i]);
}
function share(j) {
  const s = P().record.steps[j], t = P().times, ns = t.device[j] !== null ? t.device[j] : t.host[j];
  return s.least && ns ? s.least / ns : null;
}
function stepDetail(j) {
  const s = P().record.steps[j], t = P().times;
  const ns = t.device[j], host = t.host[j], part = share(j);
  const rules = (P().record.rules || []).filter((r) => r.nodes.some((n) => s.nodes.includes(n)));
  const values = (list) => list.map((v) => `<a data-go="${P().record.values[v].node}">v${v}</a> ${esc(P().record.values[v].what)}`).join("<br>");
  $("detail").innerHTML = `<h3>${esc(s.name)}${s.domain ? " over " + esc(s.domain) : ""}</h3><table>` + row("step", j) + row("on", s.place || "host") +
    row("reads", values(s.reads)) + row("writes", values(s.writes)) + row("nodes", s.nodes.map(nodeLink).join(" ")) +
    (s.core ? row("moves", `${bytes(s.read)} in, ${bytes(s.written)} out`) + row("work", si(s.flops, "flop")) + row("at least", `${time(s.least)} by the cost table`) : "") +
    row("took", ns !== null ? `${time(ns)} on the device` : host !== null ? `${time(host)} on the host` : "") + row("roofline", part !== null ? percent(part) : "") + row("because", esc(s.reason)) + "</table>" +
    (rules.length ? "<h4>rules</h4>" + rules.map((r) => `<div class="row">${esc(r.rule)} <small>(${esc(r.class)})</small></div>`).join("") : "") +
    (s.program ? `<h4>program</h4><pre>${esc(s.program)}</pre>` : "") +
    (s.kernels || []).map((k) => `<h4>${esc(k.label)} · WGSL · workgroups ${k.workgroups.join("×")}</h4><pre>${esc(k.wgsl)}</pre>`).join("");
  mark(null, j);
}
const percent = (x) => (x > 1 ? "beyond it" : x < 1e-4 ? "below 0.01 %" : (100 * x).toPrecision(x < 0.1 ? 2 : 3) + " %");
function overview() {
  const p = P(), r = p.record, t = p.times;
  const kernels = r ? r.steps.filter((s) => s.core).length : 0;
  const rules = r && r.rules ? r.rules.map((x, i) => `<div class="row"><a data-rule="${i}">${esc(x.rule)}</a> <small>(${esc(x.class)}) ${x.count}×</small></div>`).join("") : "";
  const refusals = r ? r.refusals.map((x) => `<div class="row">${nodeLink(x.node)} into ${nodeLink(x.user)}: ${esc(x.why)}</div>`).join("") : "";
  const key = [["leaf", "leaf"], ["source", "generated"], ["each", "elementwise"], ["fold", "fold"], ["product", "product"], ["view", "view"], ["move", "moves"], ["host", "routine"]];
  $("detail").innerHTML = `<h3>${p.asked ? "asked for at " + esc(p.asked) : "an evaluation"}</h3>` + (p.line ? `<span class="src">${esc(p.line)}</span>` : "") +
    (DATA.about ? `<pre>${esc(DATA.about)}</pre>` : "") + "<table>" +
    row("written", `${p.nodes.length} nodes`) + row("planned", p.planned ? `${p.planned.length} nodes` + (r.rounds !== undefined ? `, ${r.rounds} rounds, ${r.terms} terms` : ", planner off") : "") +
    row("kept", r && r.kept ? esc(r.kept) : "") + row("ran as", r ? `${kernels} groups, ${r.steps.length} steps` : "not run") + row("runs", p.runs.length > 1 ? `${p.runs.length} times, the quickest of each step is shown` : "") +
    row("on", esc(DATA.device)) + row("numerics", esc(DATA.numerics)) + row("fallback", p.fallback ? esc(p.fallback) : "") +
    (t ? row("took", `${time(t.whole)}; plan ${time(t.prepare[0])}, schedule ${time(t.prepare[1])}, kernels ${time(t.prepare[2])}`) : "") + "</table>" +
    `<h4>colours</h4><div class="key">${key.map(([c, w]) => `<span><i style="background:var(--${c})"></i>${w}</span>`).join("")}<span><i style="border:2px solid var(--accent)"></i>asked for</span></div>` +
    (rules ? `<h4>rules in the plan</h4>${rules}` : "") + (r && r.unproved ? `<h4>proofs</h4><div class="row">none: ${esc(r.unproved)}</div>` : "") + (refusals ? `<h4>not fused</h4>${refusals}` : "");
  mark([]);
}

// Time: a bar for each step, what the roofline allows within it.
function drawTime() {
  const p = P();
  if (!p.record) { $("time").innerHTML = "<p>did not run</p>"; return; }
  const t = p.times, took = (j) => (t.device[j] !== null ? t.device[j] : t.host[j]);
  const rows = p.record.steps.map((s, j) => j).filter((j) => !/^free|^empty/.test(p.record.steps[j].name));
  const most = Math.max(1, ...rows.map((j) => Math.max(took(j) || 0, took(j) === null ? p.record.steps[j].least || 0 : 0)));
  const by = p.record.costs.length ? ` by ${p.record.costs.join("; ")}` : " by the cost table";
  $("timenote").textContent = (t.whole !== null ? `${time(t.whole)} in all` : "not measured") + ` · dark: the least it can take (roofline)${by}`;
  $("time").innerHTML = rows.map((j) => {
    const s = p.record.steps[j], ns = took(j), part = share(j);
    const w = (x) => Math.min(100, (100 * x) / most);
    return `<div class="bar" data-step="${j}"><span>${esc(s.name)}</span><span class="track">${ns !== null ? `<i style="width:${w(ns)}%"></i>` : ""}${s.least ? `<i class="least" style="width:${w(Math.min(s.least, ns === null ? s.least : ns))}%"></i>` : ""}</span>` +
      `<span class="num">${ns !== null ? time(ns) : time(s.least)}${part !== null ? " · roofline " + percent(part) : ""}</span></div>`;
  }).join("");
}

// Memory: bytes in use over the steps, and below it the values in each block.
function drawMemory() {
  const p = P();
  if (!p.record || !p.record.blocks.length) { $("memory").innerHTML = "<p>nothing is stored but what was given</p>"; $("memorynote").textContent = ""; return; }
  const r = p.record, n = r.steps.length, W = 620, left = 92, lane = 13, top = 62;
  const x = (i) => left + ((W - left - 8) * i) / Math.max(n, 1);
  const total = r.steps.map((s) => s.device + s.host), most = Math.max(1, ...total);
  $("memorynote").textContent = `${bytes(most)} at most in ${r.blocks.length} blocks for ${r.blocks.reduce((a, b) => a + b.values.length, 0)} values, over ${n} steps`;
  const out = [];
  const area = (f, color) => {
    let d = `M${x(0)} ${top - 8}`;
    r.steps.forEach((s, i) => { const y = top - 8 - (44 * f(s)) / most; d += `L${x(i)} ${y}L${x(i + 1)} ${y}`; });
    out.push(`<path d="${d}L${x(n)} ${top - 8}Z" style="fill:var(--${color});opacity:.75"/>`);
  };
  area((s) => s.device + s.host, "cpuline"); area((s) => s.device, "device");
  out.push(`<text x="${left - 6}" y="20" text-anchor="end" font-size="10.5">${bytes(most)}</text><text x="${left - 6}" y="${top - 8}" text-anchor="end" font-size="10.5">0</text>`);
  const blocks = r.blocks.map((b, i) => i).sort((a, b) => r.blocks[b].bytes - r.blocks[a].bytes);
  blocks.forEach((b, k) => {
    const y = top + k * lane, block = r.blocks[b];
    out.push(`<text x="${left - 6}" y="${y + 9.5}" text-anchor="end" font-size="10">${block.place} ${bytes(block.bytes)}</text>`);
    block.values.forEach((v, q) => {
      const [from, to] = r.values[v].life;
      const fill = block.place === "GPU" ? "gpuline" : "cpuline";
      const w = Math.max(2, x(Math.min(to + 1, n)) - x(from) - 1);
      out.push(`<rect class="value" data-life="${v}" x="${x(from)}" y="${y + 1}" width="${w}" height="${lane - 2}" rx="2" style="fill:var(--${fill});opacity:${q % 2 ? 0.6 : 0.9};cursor:pointer"/>` +
        (w > 26 ? `<text x="${x(from) + 4}" y="${y + 9.5}" font-size="9.5" style="fill:var(--panel);pointer-events:none">v${v}</text>` : ""));
    });
  });
  $("memory").innerHTML = `<svg viewBox="0 0 ${W} ${top + blocks.length * lane + 4}" width="100%" style="min-width:420px;max-width:900px">${out.join("")}</svg>`;
}

// Words under the pointer.
function tipOf(e) {
  const t = e.target.closest("[data-node],[data-value],[data-life],.box,.bar");
  if (!t) return "";
  if (t.dataset.node !== undefined) {
    const i = +t.dataset.node, n = shown()[i], rules = rulesAt(i).map((r) => r.rule);
    return `%${i} = ${n.op}\n${n.what} · ${bytes(n.bytes)}${n.flops ? " · " + si(n.flops, "flop") : ""}` + (names(i).length ? `\nname: ${names(i).join(", ")}` : "") + (tags(i).length ? `\npart of ${tags(i).join(", ")}` : "") +
      (rules.length ? `\nrules: ${rules.join(", ")}` : "") + (origins(i)[0] ? `\n${origins(i)[0].slice(0, 3).join(":")}  ${sourceLine(origins(i)[0]).trim()}` : "");
  }
  const v = t.dataset.value !== undefined ? t.dataset.value : t.dataset.life;
  if (v !== undefined) { const x = P().record.values[v]; return `v${v} = %${x.node}\n${x.what} · ${bytes(x.bytes)}\nneeded from step ${x.life[0]} to ${x.life[1]}`; }
  const s = P().record.steps[+t.dataset.step];
  return `${s.name}${s.domain ? " over " + s.domain : ""}${s.place ? " on the " + s.place : ""}` + (s.core ? `\n${bytes(s.read)} in, ${bytes(s.written)} out · ${si(s.flops, "flop")}` : "") + (s.reason ? `\n${s.reason}` : "");
}

// Events.
function choose(i) { S.program = i; S.at = {}; $("program").value = i; tabs(); draw(); drawTime(); drawMemory(); overview(); }
function view(v) { S.view = v; draw(); if (v !== "script") overview(); }
function go(i, v) { if (v && S.view !== v) view(v); if (S.view === "script") view("after"); nodeDetail(i); const n = graph().nodes.find((n) => n.id === i); if (n) centre(n); }
function tabs() {
  const p = P(), groups = p.record ? p.record.steps.filter((s) => s.core).length : 0;
  const [b, a, s] = document.querySelectorAll("#tabs button");
  b.innerHTML = `as written <small>${p.nodes.length}</small>`; a.innerHTML = `as run <small>${groups} groups</small>`;
  a.hidden = !p.after; s.hidden = !DATA.source;
  if (!p.after && S.view === "after") S.view = "before";
}
document.addEventListener("click", (e) => {
  const t = e.target.closest("[data-go],[data-before],[data-rule],[data-node],[data-value],[data-life],[data-line],[data-view],.bar,.box,[data-step]");
  if (!t) return;
  const d = t.dataset;
  if (d.view) view(d.view);
  else if (d.go !== undefined) go(+d.go);
  else if (d.before !== undefined) go(+d.before, "before");
  else if (d.rule !== undefined) { if (S.view !== "after") view("after"); mark(P().record.rules[+d.rule].nodes); }
  else if (d.node !== undefined) { if (!S.moved) nodeDetail(+d.node); }
  else if (d.value !== undefined || d.life !== undefined) go(P().record.values[d.value !== undefined ? d.value : d.life].node, "after");
  else if (d.line !== undefined) { const l = +d.line; if (t.classList.contains("has")) { view("before"); mark(P().nodes.flatMap((n, i) => ((n.at || []).some((o) => o[1] === l) ? [i] : []))); } }
  else if (d.step !== undefined && !S.moved) { if (S.view !== "after") view("after"); stepDetail(+d.step); }
});
const canvas = $("canvas");
canvas.addEventListener("wheel", (e) => { e.preventDefault(); const b = canvas.getBoundingClientRect(); zoom(Math.exp(-e.deltaY * 0.0015), e.clientX - b.left, e.clientY - b.top); }, { passive: false });
canvas.addEventListener("pointerdown", (e) => { S.drag = [e.clientX, e.clientY]; S.moved = false; });
addEventListener("pointermove", (e) => {
  if (S.drag) {
    const [dx, dy] = [e.clientX - S.drag[0], e.clientY - S.drag[1]];
    if (S.moved || Math.abs(dx) + Math.abs(dy) > 4) { S.moved = true; canvas.classList.add("drag"); const t = S.at[S.view]; t.x += dx; t.y += dy; S.drag = [e.clientX, e.clientY]; move(); }
  }
  const text = S.drag ? "" : tipOf(e), tip = $("tip");
  tip.hidden = !text;
  if (text) { tip.textContent = text; const w = tip.offsetWidth, h = tip.offsetHeight; tip.style.left = Math.min(e.clientX + 14, innerWidth - w - 8) + "px"; tip.style.top = (e.clientY + 18 + h > innerHeight ? e.clientY - h - 10 : e.clientY + 18) + "px"; }
});
addEventListener("pointerup", () => { S.drag = null; canvas.classList.remove("drag"); });
$("in").onclick = () => zoom(1.25); $("out").onclick = () => zoom(0.8); $("fit").onclick = () => fit();
$("program").onchange = (e) => choose(+e.target.value);
$("find").oninput = (e) => {
  const q = e.target.value.trim().toLowerCase();
  if (S.view === "script") view("before");
  const hits = q ? shown().flatMap((n, i) => (n.op.toLowerCase().includes(q) || `%${i}` === q || names(i).some((x) => x.toLowerCase() === q) ? [i] : [])) : [];
  mark(hits);
  const first = graph().nodes.find((n) => hits.includes(n.id));
  if (first) centre(first);
};
addEventListener("keydown", (e) => { if (e.key === "Escape") overview(); });
addEventListener("resize", () => { if (S.view !== "script") fit(true); });

$("title").innerHTML = esc(DATA.source ? DATA.source.name : "lazurite") + `<small>${esc(DATA.device)} · ${esc(DATA.numerics)}</small>`;
$("program").innerHTML = DATA.programs.map((p, i) => `<option value="${i}">${i + 1}: ${esc(p.line || p.asked || "evaluation")}${p.runs.length > 1 ? ` (${p.runs.length} runs)` : ""}</option>`).join("");
// The largest program is what one comes for; `#2`, `#2before`, `#1after:n5` (node 5) and `#1after:s3` (step 3) choose another place.
const wanted = /^#(\d+)?(before|after|script)?(?::([ns])(\d+))?$/.exec(location.hash) || [];
const largest = DATA.programs.reduce((best, p, i) => (p.nodes.length > DATA.programs[best].nodes.length ? i : best), 0);
if (wanted[2]) S.view = wanted[2];
if (DATA.programs.length) choose(wanted[1] ? Math.min(DATA.programs.length, +wanted[1]) - 1 : largest);
if (wanted[3] === "n" && shown()[+wanted[4]]) go(+wanted[4]);
if (wanted[3] === "s" && P().record && P().record.steps[+wanted[4]]) stepDetail(+wanted[4]);
document.body.dataset.ready = "yes";
