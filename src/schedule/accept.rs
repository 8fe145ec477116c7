//! Whether a group can compute a node in place, and how its domain has to change for that.
//!
//! A node and a group that reads it come in; out comes `Ok`, with the change of the group if one is needed, or the reason
//! against. Dumps show these reasons as refusals.

use super::analyse::{Role, canonical, fold_axes};
use super::build::{Change, Forming, FormingCore, Reform, Section, Verdict, row_extents, row_view};
use super::fusion::{Fusion, LONG_ROW, LONG_SPLIT_ROW};
use crate::graph::{NodeId, Op};
use crate::types::{Dims, Shape, View};

/// Instructions of a group, loads and constants not counted: past this registers spill and compilers slow down.
const MAX_OPS: usize = 64;
/// Requests of a group; bounds the work of every question here.
const MAX_REQUESTS: usize = 192;
/// The side of a tile of a product: how many results share a loaded operand element.
const TILE: usize = 64;

impl Fusion<'_> {
    /// Whether group `g` can compute `node` for every view through which it reads it.
    pub(super) fn accept(&self, node: NodeId, g: usize) -> Verdict<Option<Change>> {
        let analysis = self.input.analysis;
        let group = &self.groups[g];
        if analysis.inlined(node) {
            return Ok(None);
        }
        if group.core == FormingCore::Host {
            return Err("a host step reads its operands from memory".to_owned());
        }
        let role = analysis.role(node);
        if role == Role::View {
            let change = self.composed(node, g)?;
            self.room(node, g, 0)?;
            return Ok(change);
        }
        if !self.options.fuse {
            return Err("fusion is off".to_owned());
        }
        if self.unfused[node.index()] || group.unfused {
            return Err("it was asked to run by itself".to_owned());
        }
        if self.gpu_ok(node) != group.gpu {
            return Err(match &self.support[node.index()] {
                Err(why) => format!("it runs on the CPU: {why}"),
                Ok(()) => "its user runs on the CPU".to_owned(),
            });
        }
        let product = matches!(group.core, FormingCore::Product(_));
        let change = match role {
            Role::Elementwise | Role::Generated => {
                let change = self.composed(node, g)?;
                self.worth(node, g)?;
                change
            }
            Role::Windows | Role::Gather if product => {
                return Err("windows and gathers are not computed inside a product".to_owned());
            }
            Role::Windows | Role::Gather => self.composed(node, g)?,
            Role::Fold => Some(self.fold(node, g)?),
            Role::Scan => Some(self.scan(node, g)?),
            Role::Product => return Err("a product is a core of its own".to_owned()),
            _ => return Err("it is stored by its own step".to_owned()),
        };
        self.room(node, g, self.weight(node))?;
        Ok(change)
    }

    /// Whether every read of `node` by `g` composes, if need be after the domain has taken the node's shape.
    fn composed(&self, node: NodeId, g: usize) -> Verdict<Option<Change>> {
        let group = &self.groups[g];
        let requests = || group.requests_of(node).filter(|r| !r.stored);
        let check = |r: Section, view: &View, domain: &Shape| self.input.reads(node, r, view, domain).map(|_| ());
        let Err(why) = requests().try_for_each(|r| check(r.section, &r.view, &group.domain_of(r.section))) else {
            return Ok(None);
        };
        let shape = &self.input.graph.node(node).shape;
        let core = match &group.core {
            FormingCore::Map => FormingCore::Map,
            // A fold of everything may walk its elements in any order; positions may not.
            FormingCore::Rows(axes) if row_extents(&group.domain, axes).rows == 1 && !self.has_positions(group) => {
                FormingCore::Rows((0..shape.rank()).collect())
            }
            _ => return Err(why),
        };
        if *shape == group.domain || shape.len() != group.domain.len() {
            return Err(why);
        }
        let reform = Reform { shape: shape.clone(), stretch: None, core };
        let views = group.reformed(&reform).ok_or_else(|| why.clone())?;
        for (r, view) in group.requests.iter().zip(&views) {
            if r.node == node && !r.stored {
                check(r.section, view, shape)?;
            }
        }
        // What was fused before must still compose over the new domain.
        for (r, view) in group.requests.iter().zip(&views) {
            if r.fused && self.input.reads(r.node, r.section, view, shape).is_err() {
                return Err(why);
            }
        }
        Ok(Some(Change { reform, views }))
    }

    fn has_positions(&self, group: &Forming) -> bool {
        group.requests.iter().any(|r| r.fused && matches!(self.input.graph.node(r.node).op, Op::ArgReduce { .. }))
    }

    /// Whether computing `node` inside `g`, once for every element that reads it, costs less than storing it.
    fn worth(&self, node: NodeId, g: usize) -> Verdict<()> {
        let graph = self.input.graph;
        let group = &self.groups[g];
        let len = graph.node(node).shape.len();
        let mut evaluations = 0.0;
        for r in group.requests_of(node) {
            let domain = group.domain_of(r.section);
            let mut times = domain.len() as f64;
            let repeats = r.view.strides().iter().zip(r.view.shape().iter()).any(|(&s, &d)| s == 0 && d > 1);
            let mut behind = None;
            if repeats || r.section != Section::Body && domain.len() > len {
                behind = self.anchored(node, g, &r.view, r.section)?;
            }
            if r.section != Section::Body && group.gpu {
                let rank = group.domain.rank();
                let across = if r.section == Section::Left { group.domain[rank - 1] } else { group.domain[rank - 2] };
                times *= across.div_ceil(TILE) as f64;
            }
            // A row result is computed once for its row; so is what the fold that follows will turn into one.
            let axes = match &group.core {
                FormingCore::Rows(axes) => Some(axes),
                _ => behind.as_ref(),
            };
            if let Some(axes) = axes
                && r.section == Section::Body
                && axes.iter().all(|&a| r.view.strides()[a] == 0)
            {
                times = row_extents(&group.domain, axes).rows as f64;
            }
            evaluations += times;
        }
        let costs = if group.gpu { &self.options.gpu_costs } else { &self.options.cpu_costs };
        let inline = self.input.analysis.inline[node.index()];
        let factor = if graph.node(node).dtype.size() == 8 { costs.f64_factor } else { 1.0 };
        let each = (inline.ops * costs.op_ns + inline.heavy * costs.transcendental_ns) * factor;
        let extra = (evaluations - len as f64) * each;
        let bytes = len as f64 * graph.node(node).dtype.device_size() as f64;
        let store = costs.launch_ns + 2.0 * bytes * costs.byte_ns;
        if extra > store {
            return Err(format!("computing it in place would repeat it {:.0} times", evaluations / len as f64));
        }
        Ok(())
    }

    /// A node right behind a fold that this group cannot take in is cheaper computed there, once for each row. The axes of the
    /// fold if the group can.
    fn anchored(&self, node: NodeId, g: usize, view: &View, section: Section) -> Verdict<Option<Dims>> {
        let graph = self.input.graph;
        let Some(fold) = self.input.analysis.anchor[node.index()] else { return Ok(None) };
        let group = &self.groups[g];
        let over = &graph.node(graph.node(fold).operands[0]).shape;
        let axes = fold_axes(&graph.node(fold).op).unwrap_or_default();
        let fits = section == Section::Body
            && *over == group.domain
            && axes.iter().all(|&a| view.strides()[a] == 0)
            && self.gpu_ok(fold) == group.gpu
            && match &group.core {
                FormingCore::Map => !self.starves(&group.domain, &axes, g, LONG_ROW),
                FormingCore::Rows(own) => *own == axes,
                _ => false,
            };
        if fits { Ok(Some(axes)) } else { Err(format!("it is computed once for each row behind {fold}")) }
    }

    fn fold(&self, node: NodeId, g: usize) -> Verdict<Change> {
        let graph = self.input.graph;
        let group = &self.groups[g];
        let axes = fold_axes(&graph.node(node).op).ok_or("it is no fold")?;
        let over = &graph.node(graph.node(node).operands[0]).shape;
        if group.requests_of(node).any(|r| r.section != Section::Body) {
            return Err("a fold is not computed while a product loads".to_owned());
        }
        let fits = |reform: &Reform| -> Verdict<Vec<View>> {
            let views = group.reformed(reform).ok_or("the group's domain cannot take the fold's shape")?;
            let row = row_view(over, &axes).ok_or("its rows have no view")?;
            let all = group.requests.iter().zip(&views).all(|(r, v)| r.node != node || r.stored || *v == row);
            if all { Ok(views) } else { Err("its result is not read row by row".to_owned()) }
        };
        match &group.core {
            FormingCore::Rows(own) => {
                if *own != axes || group.domain != *over {
                    return Err("it folds over other axes than the group".to_owned());
                }
                let reform = Reform { shape: over.clone(), stretch: None, core: group.core.clone() };
                fits(&reform).map(|views| Change { reform, views })
            }
            FormingCore::Map if group.domain.len() == over.len() => {
                if self.starves(over, &axes, g, LONG_ROW) {
                    return Err(
                        "few rows this long need the whole device, and its users write every element".to_owned()
                    );
                }
                let reform = Reform { shape: over.clone(), stretch: None, core: FormingCore::Rows(axes.clone()) };
                let views = fits(&reform)?;
                self.still_composed(group, &views, over)?;
                Ok(Change { reform, views })
            }
            FormingCore::Map if group.domain.len() == graph.node(node).shape.len() => {
                let shape = graph.node(node).shape.clone();
                let reform = Reform { shape, stretch: Some(over.clone()), core: FormingCore::Rows(axes.clone()) };
                let views = fits(&reform)?;
                self.still_composed(group, &views, over)?;
                Ok(Change { reform, views })
            }
            FormingCore::Map => Err("it folds over another domain than the group's".to_owned()),
            _ => Err("the group has another core".to_owned()),
        }
    }

    fn scan(&self, node: NodeId, g: usize) -> Verdict<Change> {
        let n = self.input.graph.node(node);
        let group = &self.groups[g];
        let Op::Scan { op, axis } = n.op else { return Err("it is no scan".to_owned()) };
        if group.core != FormingCore::Map || group.domain.len() != n.shape.len() {
            return Err("the group has another core".to_owned());
        }
        let reform = Reform { shape: n.shape.clone(), stretch: None, core: FormingCore::Scan(op, axis) };
        let views = group.reformed(&reform).ok_or("the group's domain cannot take the scan's shape")?;
        let dense = canonical(&View::dense(&n.shape));
        if group.requests.iter().zip(&views).any(|(r, v)| r.node == node && (r.stored || *v != dense)) {
            return Err("it is read through a view".to_owned());
        }
        self.still_composed(group, &views, &n.shape)?;
        Ok(Change { reform, views })
    }

    /// Whether everything already fused still composes over a new domain.
    fn still_composed(&self, group: &Forming, views: &[View], domain: &Shape) -> Verdict<()> {
        if *domain == group.domain {
            return Ok(());
        }
        for (r, view) in group.requests.iter().zip(views) {
            if r.fused && !self.input.analysis.inlined(r.node) {
                self.input.reads(r.node, r.section, view, domain)?;
            }
        }
        Ok(())
    }

    /// Whether the group stays within its caps with `node` computed inside.
    fn room(&self, node: NodeId, g: usize, weight: usize) -> Verdict<()> {
        let group = &self.groups[g];
        let n_requests = group.requests_of(node).count().max(1);
        if group.ops + weight * n_requests > MAX_OPS {
            return Err(format!("the group has its {MAX_OPS} operations"));
        }
        if group.requests.len() > MAX_REQUESTS {
            return Err("the group reads too much".to_owned());
        }
        let mut bound = self.bound(g, Some(node));
        for r in self.reads_in(node, g).unwrap_or_default() {
            self.add_bound(r.node, &mut bound);
        }
        let most = self.most_buffers(group.gpu);
        if bound.len() > most {
            return Err(format!("the group would bind more than {most} buffers"));
        }
        Ok(())
    }

    /// Whether two groups may become one: one domain, cores that go together, room, and no way from one to the other.
    pub(super) fn joinable(&self, a: usize, b: usize) -> bool {
        let (x, y) = (&self.groups[a], &self.groups[b]);
        let cores = match (&x.core, &y.core) {
            (FormingCore::Map, FormingCore::Map) => true,
            (FormingCore::Map, FormingCore::Rows(axes)) | (FormingCore::Rows(axes), FormingCore::Map) => {
                !self.starves(&x.domain, axes, a, LONG_SPLIT_ROW)
            }
            (FormingCore::Rows(p), FormingCore::Rows(q)) => p == q,
            (FormingCore::Map, FormingCore::Scan(..)) | (FormingCore::Scan(..), FormingCore::Map) => true,
            _ => false,
        };
        if !cores || x.unfused || y.unfused || x.domain != y.domain || x.gpu != y.gpu || x.ops + y.ops > MAX_OPS {
            return false;
        }
        if x.requests.len() + y.requests.len() > MAX_REQUESTS {
            return false;
        }
        let mut bound = self.bound(a, None);
        bound.extend(self.bound(b, None));
        bound.len() <= self.most_buffers(x.gpu) && !self.waits.reaches(a, b) && !self.waits.reaches(b, a)
    }
}
