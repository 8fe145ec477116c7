//! Groups while they form: what is fused, what is requested, and the changes of domain that let more nodes in.
//!
//! A request says which node is read through which view over the group's domain. Nothing here decides; `decide` does.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::analyse::{canonical, constant_view};
use crate::graph::{NodeId, ScanOp};
use crate::types::{Dims, Shape, View};

/// A yes with what follows from it, or the reason against, as dumps show it.
pub(super) type Verdict<T> = std::result::Result<T, String>;

/// Which program of a group a node is written into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Section {
    Body,
    Left,
    Right,
}

/// The core of a forming group.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FormingCore {
    Map,
    Rows(Dims),
    Scan(ScanOp, usize),
    /// The contraction node.
    Product(NodeId),
    Host,
}

/// A node read by a group.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub node: NodeId,
    pub section: Section,
    /// Over the domain of the section; canonical.
    pub view: View,
    /// Whether the node itself must lie in memory (windows and gathers read it at places of their own).
    pub stored: bool,
    /// Who reads it, for refusals.
    pub user: NodeId,
    /// Whether it is computed in place; otherwise it is loaded.
    pub fused: bool,
}

/// A change of a group that lets a node in.
#[derive(Clone, Debug)]
pub(super) struct Reform {
    /// The domain as another shape of the same elements.
    pub shape: Shape,
    /// Then stretched to this shape: what was an element becomes a row.
    pub stretch: Option<Shape>,
    /// The new core.
    pub core: FormingCore,
}

/// A change and the views it gives the group's requests, in their order.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub reform: Reform,
    pub views: Vec<View>,
}

/// A group that forms.
#[derive(Clone, Debug)]
pub(super) struct Forming {
    pub core: FormingCore,
    pub domain: Shape,
    /// The contracted extent of a product.
    pub k: usize,
    pub gpu: bool,
    pub outputs: Vec<NodeId>,
    pub requests: Vec<Request>,
    /// The requests of each node, by number.
    of_node: HashMap<NodeId, SmallVec<[u32; 2]>>,
    /// The requests that are not computed in place (so far), by number.
    open: Vec<u32>,
    /// Instructions so far, loads and constants not counted.
    pub ops: usize,
    /// Whether the domain's coordinates matter beyond views, so that it cannot be reshaped.
    pub rigid: bool,
    /// Whether nothing may join: its node was asked to run by itself.
    pub unfused: bool,
}

impl Forming {
    pub fn new(core: FormingCore, domain: Shape, gpu: bool) -> Self {
        Self {
            core,
            domain,
            k: 0,
            gpu,
            outputs: Vec::new(),
            requests: Vec::new(),
            of_node: HashMap::new(),
            open: Vec::new(),
            ops: 0,
            rigid: false,
            unfused: false,
        }
    }

    /// The shape a program of the group runs over.
    pub fn domain_of(&self, section: Section) -> Shape {
        let rank = self.domain.rank();
        match section {
            Section::Body => self.domain.clone(),
            Section::Left => self.domain.with_axis(rank - 1, self.k),
            Section::Right => self.domain.with_axis(rank - 2, self.k),
        }
    }

    /// Adds a request unless it is there; says whether it is new.
    pub fn request(&mut self, node: NodeId, section: Section, view: &View, stored: bool, user: NodeId) -> bool {
        self.add(Request { node, section, view: canonical(view), stored, user, fused: false })
    }

    fn add(&mut self, request: Request) -> bool {
        let numbers = self.of_node.entry(request.node).or_default();
        let same = |r: &Request| r.section == request.section && r.stored == request.stored && r.view == request.view;
        if let Some(&i) = numbers.iter().find(|&&i| same(&self.requests[i as usize])) {
            if request.fused && !self.requests[i as usize].fused {
                self.requests[i as usize].fused = true;
                self.open.retain(|o| *o != i);
            }
            return false;
        }
        let number = self.requests.len() as u32;
        numbers.push(number);
        if !request.fused {
            self.open.push(number);
        }
        self.requests.push(request);
        true
    }

    pub fn requests_of(&self, node: NodeId) -> impl Iterator<Item = &Request> {
        self.of_node.get(&node).into_iter().flatten().map(|&i| &self.requests[i as usize])
    }

    /// Requests that are not computed in place.
    pub fn open(&self) -> impl Iterator<Item = &Request> {
        self.open.iter().map(|&i| &self.requests[i as usize])
    }

    /// Has every read of `node` that does not need it in memory computed in place; says how many there are.
    pub fn fuse(&mut self, node: NodeId) -> usize {
        let mut count = 0;
        for &i in self.of_node.get(&node).into_iter().flatten() {
            let r = &mut self.requests[i as usize];
            if !r.stored {
                r.fused = true;
                count += 1;
            }
        }
        let requests = &self.requests;
        self.open.retain(|&i| !requests[i as usize].fused);
        count
    }

    /// Whether a read is computed in place.
    pub fn is_fused(&self, node: NodeId, section: Section, view: &View) -> bool {
        self.requests_of(node).any(|r| r.fused && r.section == section && r.view == *view)
    }

    /// The view over the domain under which a node with `len` elements is stored by this group.
    pub fn out_view(&self, len: usize) -> Option<View> {
        let dense = View::dense(&self.domain);
        if len == self.domain.len() && !matches!(self.core, FormingCore::Host) {
            return Some(canonical(&dense));
        }
        match &self.core {
            FormingCore::Rows(axes) => {
                row_view(&self.domain, axes).filter(|_| len == row_extents(&self.domain, axes).rows)
            }
            FormingCore::Product(_) => diagonal_store_view(&self.domain).filter(|v| {
                let rank = self.domain.rank();
                len == v.shape()[..rank - 2].iter().product::<usize>()
                    * self.domain[rank - 2].min(self.domain[rank - 1])
            }),
            _ => None,
        }
    }

    /// The body's views after a change, in the order of the requests; `None` when one of them cannot be reshaped.
    pub fn reformed(&self, reform: &Reform) -> Option<Vec<View>> {
        if self.rigid && (reform.shape != self.domain || reform.stretch.is_some()) {
            return None;
        }
        let change = |view: &View| -> Option<View> {
            let uniform = view.strides().iter().all(|&s| s == 0);
            let shaped = if reform.shape == self.domain {
                view.clone()
            } else if uniform {
                constant_like(&reform.shape, view)
            } else {
                view.reshape(&reform.shape, crate::types::Order::C).ok()??
            };
            let stretched = match &reform.stretch {
                Some(to) => shaped.broadcast_to(to).ok()?,
                None => shaped,
            };
            Some(canonical(&stretched))
        };
        self.requests.iter().map(|r| change(&r.view)).collect()
    }

    /// Applies a change, whose views are those of [`Self::reformed`].
    pub fn apply(&mut self, change: Change) {
        let Change { reform, views } = change;
        let domain = reform.stretch.unwrap_or(reform.shape);
        if domain != self.domain {
            self.of_node.clear();
            self.open.clear();
            for (mut r, view) in std::mem::take(&mut self.requests).into_iter().zip(views) {
                r.view = view;
                self.add(r);
            }
        }
        self.domain = domain;
        self.core = reform.core;
    }

    /// Takes over another group of the same domain.
    pub fn absorb(&mut self, other: Self) {
        if matches!(self.core, FormingCore::Map) {
            self.core = other.core;
        }
        for r in other.requests {
            self.add(r);
        }
        self.ops += other.ops;
        self.outputs.extend(other.outputs);
        self.rigid |= other.rigid;
    }
}

/// How a domain falls into rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowExtents {
    pub rows: usize,
    /// Elements of each row.
    pub elements: usize,
}

/// The rows that `axes` of a domain form.
pub(super) fn row_extents(domain: &Shape, axes: &[usize]) -> RowExtents {
    RowExtents { rows: domain.reduced(axes).len(), elements: axes.iter().map(|&a| domain[a]).product() }
}

/// The view over a domain of a value with one element for each row.
pub(super) fn row_view(domain: &Shape, axes: &[usize]) -> Option<View> {
    View::dense(&domain.reduced(axes)).broadcast_to(domain).ok().map(|v| canonical(&v))
}

/// The view over `[…, m, n]` of a value with one element for each diagonal place: what is stored at (…, i, i) is element
/// (…, i), and other places see some element of the same batch.
pub(super) fn diagonal_store_view(domain: &Shape) -> Option<View> {
    let rank = domain.rank();
    if rank < 2 {
        return None;
    }
    let (m, n) = (domain[rank - 2], domain[rank - 1]);
    let axis = if m <= n { rank - 2 } else { rank - 1 };
    let short = domain.with_axis(if m <= n { rank - 1 } else { rank - 2 }, 1);
    debug_assert_eq!(short[axis], m.min(n));
    View::dense(&short).broadcast_to(domain).ok().map(|v| canonical(&v))
}

/// What a read of the diagonal of a dense `[…, m, n]` looks like as a view over that domain.
pub(super) fn diagonal_read_view(domain: &Shape) -> Option<View> {
    let rank = domain.rank();
    let out = diagonal_store_view(domain)?;
    let diagonal = View::dense(domain).diagonal().ok()?;
    // The diagonal as a dense value of its own, placed over the domain, then read through the diagonal.
    let placed = View::from_parts(out.shape().clone(), out.strides(), 0).ok()?;
    debug_assert_eq!(placed.shape().rank(), rank);
    placed.through(&diagonal).map(|v| canonical(&v))
}

fn constant_like(shape: &Shape, view: &View) -> View {
    let flat = constant_view(shape);
    View::from_parts(shape.clone(), flat.strides(), view.offset()).unwrap_or(flat)
}
