//! Groups to lower and run: a builder, and the oracle that computes a group instruction by instruction with the functions of
//! `cpu::reference`, whole arrays at a time. It knows no GPU.

use lazurite::inspect::graph::{NodeId, View};
use lazurite::inspect::program::{Inst, Load, Program, Reg, Store, StoreShape};
use lazurite::inspect::{Core, Group, Place, Value, ValueId, ValueKind};
use lazurite::unstable::cpu::reference::{fold, random, scalar};
use lazurite::{DType, HostBuffer, Scalar, Shape};

/// A group with the data it runs on.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub group: Group,
    pub values: Vec<Value>,
    /// Data of the first values, in order.
    pub inputs: Vec<HostBuffer>,
    pub scalars: Vec<Scalar>,
    /// Allowed distance of floats in units of the last place, and relative to the largest magnitude of the result.
    pub ulp: f64,
    pub rel: f64,
    /// Whether the sign of a zero is asked for.
    pub signed_zeros: bool,
}

impl Case {
    pub fn new(name: impl Into<String>, domain: &[usize], core: Core) -> Self {
        Self {
            name: name.into(),
            group: Group {
                id: 0,
                place: Place::Gpu,
                reason: String::new(),
                domain: Shape::new(domain),
                core,
                body: Program::default(),
                stores: Vec::new(),
                nodes: Vec::new(),
            },
            values: Vec::new(),
            inputs: Vec::new(),
            scalars: Vec::new(),
            ulp: 0.0,
            rel: 0.0,
            signed_zeros: true,
        }
    }

    pub fn within(mut self, ulp: f64, rel: f64) -> Self {
        self.ulp = ulp;
        self.rel = rel;
        self
    }

    pub fn any_zero(mut self) -> Self {
        self.signed_zeros = false;
        self
    }

    pub fn map(name: impl Into<String>, domain: &[usize]) -> Self {
        Self::new(name, domain, Core::Map)
    }

    pub fn rows(name: impl Into<String>, domain: &[usize], axes: &[usize], split: u32) -> Self {
        Self::new(name, domain, Core::Rows { axes: axes.iter().copied().collect(), split })
    }

    pub fn value(&mut self, shape: &[usize], dtype: DType) -> ValueId {
        self.values.push(Value { node: NodeId(0), kind: ValueKind::Root, shape: Shape::new(shape), dtype });
        ValueId(self.values.len() as u32 - 1)
    }

    /// A stored operand; all operands come before the first store.
    pub fn input(&mut self, shape: &[usize], data: HostBuffer) -> ValueId {
        assert_eq!(Shape::new(shape).len(), data.len());
        assert_eq!(self.inputs.len(), self.values.len());
        let id = self.value(shape, data.dtype());
        self.inputs.push(data);
        id
    }

    pub fn scalar(&mut self, value: Scalar) -> Reg {
        self.scalars.push(value);
        self.group.body.push(Inst::Scalar(self.scalars.len() as u32 - 1), value.dtype())
    }

    /// A load of a dense operand under broadcasting.
    pub fn load(&mut self, id: ValueId) -> Reg {
        let domain = self.group.domain.clone();
        load(&mut self.group.body, &self.values, id, &domain)
    }

    pub fn load_view(&mut self, id: ValueId, view: View) -> Reg {
        load_view(&mut self.group.body, &self.values, id, view)
    }

    pub fn push(&mut self, inst: Inst, dtype: DType) -> Reg {
        self.group.body.push(inst, dtype)
    }

    pub fn store(&mut self, reg: Reg, shape: StoreShape) {
        let domain = &self.group.domain;
        let to = match (&shape, &self.group.core) {
            (StoreShape::Row, Core::Rows { axes, .. }) => domain.reduced(axes),
            (StoreShape::Diagonal, _) => {
                let r = domain.rank();
                let mut d: Vec<usize> = domain[..r - 2].to_vec();
                d.push(domain[r - 2].min(domain[r - 1]));
                Shape::new(&d)
            }
            _ => domain.clone(),
        };
        let dtype = self.group.body.dtype(reg);
        let value = self.value(&to, dtype);
        self.group.stores.push(Store { value, reg, shape });
    }

    pub fn scalar_types(&self) -> Vec<DType> {
        self.scalars.iter().map(|s| s.dtype()).collect()
    }

    /// What the group has to store, store by store.
    pub fn expected(&self) -> Vec<HostBuffer> {
        let g = &self.group;
        let acc = match &g.core {
            Core::Contract { left, right, k, .. } => Some(self.product(left, right, *k)),
            _ => None,
        };
        let regs = self.evaluate(&g.body, &g.domain, acc.as_deref());
        g.stores
            .iter()
            .map(|s| {
                let from = &regs[s.reg.index()];
                let view = View::dense(&g.domain);
                let picked: Vec<Scalar> = match (s.shape, &g.core) {
                    (StoreShape::Row, Core::Rows { axes, .. }) => {
                        let firsts = View::from_parts(g.domain.reduced(axes), view.strides(), 0).unwrap();
                        places(&firsts).map(|i| from[i]).collect()
                    }
                    (StoreShape::Diagonal, _) => places(&view.diagonal().unwrap()).map(|i| from[i]).collect(),
                    _ => from.clone(),
                };
                buffer(g.body.dtype(s.reg), &picked)
            })
            .collect()
    }

    fn product(&self, left: &Program, right: &Program, k: usize) -> Vec<Scalar> {
        let d = &self.group.domain;
        let r = d.rank();
        let (ls, rs) = (d.with_axis(r - 1, k), d.with_axis(r - 2, k));
        let (a, b) = (self.evaluate(left, &ls, None).pop().unwrap(), self.evaluate(right, &rs, None).pop().unwrap());
        let dtype = left.dtypes[left.dtypes.len() - 1];
        let (a, b) = (buffer(dtype, &a), buffer(dtype, &b));
        let c = fold::contract((&a, &ls), (&b, &rs), d).unwrap();
        (0..c.len()).map(|i| c.get(i)).collect()
    }

    /// Every register over the whole domain.
    pub fn evaluate(&self, p: &Program, domain: &Shape, acc: Option<&[Scalar]>) -> Vec<Vec<Scalar>> {
        let mut regs: Vec<Vec<Scalar>> = Vec::new();
        let n = domain.len();
        for (i, inst) in p.insts.iter().enumerate() {
            let dtype = p.dtypes[i];
            let at = |r: &Reg, j: usize| regs[r.index()][j];
            let from = |id: ValueId| &self.inputs[id.index()];
            let result: Vec<Scalar> = match inst {
                Inst::Load(l) => {
                    let l = &p.loads[*l as usize];
                    places(&l.view).map(|j| from(l.value).get(j)).collect()
                }
                Inst::Gather { load, index, stride, extent } => {
                    let l = &p.loads[*load as usize];
                    places(&l.view)
                        .enumerate()
                        .map(|(j, base)| {
                            let k = at(index, j).to_i64().clamp(0, extent - 1);
                            from(l.value).get((base as i64 + k * stride) as usize)
                        })
                        .collect()
                }
                Inst::Window { load, window, otherwise } => {
                    let l = &p.loads[*load as usize];
                    coordinates(domain)
                        .enumerate()
                        .map(|(j, c)| {
                            let inner: Option<Vec<usize>> = c
                                .iter()
                                .enumerate()
                                .map(|(a, &c)| {
                                    let w = c as i64 - window.start[a];
                                    (w >= 0 && w % window.step[a] == 0 && w / window.step[a] < window.len[a])
                                        .then(|| (w / window.step[a]) as usize)
                                })
                                .collect();
                            match inner {
                                Some(c) => from(l.value).get(l.view.index(&c) as usize),
                                None => at(otherwise, j),
                            }
                        })
                        .collect()
                }
                Inst::Literal(s) => vec![*s; n],
                Inst::Scalar(s) => vec![self.scalars[*s as usize]; n],
                Inst::Index(c) => places(&c.view).map(|j| Scalar::from_i64(dtype, j as i64)).collect(),
                Inst::Rng { dist, key, stream, index } => places(&index.view)
                    .enumerate()
                    .map(|(j, e)| {
                        let (key, stream) = (at(key, j).bits() as u32, at(stream, j).bits() as u32);
                        random::element(*dist, dtype, key, stream, e as u64)
                    })
                    .collect(),
                Inst::Unary(op, a) => (0..n).map(|j| scalar::unary(*op, at(a, j))).collect(),
                Inst::Binary(op, a, b) => (0..n).map(|j| scalar::binary(*op, at(a, j), at(b, j))).collect(),
                Inst::Select(c, a, b) => (0..n).map(|j| scalar::select(at(c, j), at(a, j), at(b, j))).collect(),
                Inst::Cast(mode, a) => (0..n).map(|j| scalar::cast(*mode, at(a, j), dtype)).collect(),
                Inst::Reduce(op, a) => {
                    self.fold(&regs[a.index()], domain, |x, s, axes| fold::reduce_array(*op, axes, x, s).unwrap())
                }
                Inst::ArgReduce(op, a) => self
                    .fold(&regs[a.index()], domain, |x, s, axes| fold::arg_reduce_array(*op, axes[0], x, s).unwrap()),
                Inst::Acc => acc.unwrap().to_vec(),
                Inst::Scan(a) => {
                    let Core::Scan { op, axis } = self.group.core else { panic!("a scan outside its core") };
                    let x = buffer(p.dtype(*a), &regs[a.index()]);
                    let y = fold::scan_array(op, axis, &x, domain).unwrap();
                    (0..n).map(|j| y.get(j)).collect()
                }
            };
            regs.push(result);
        }
        regs
    }

    fn fold(
        &self,
        x: &[Scalar],
        domain: &Shape,
        f: impl Fn(&HostBuffer, &Shape, &[usize]) -> HostBuffer,
    ) -> Vec<Scalar> {
        let Core::Rows { axes, .. } = &self.group.core else { panic!("a fold outside its core") };
        let folded = f(&buffer(x[0].dtype(), x), domain, axes);
        let view = View::dense(&domain.reduced(axes)).broadcast_to(domain).unwrap();
        places(&view).map(|i| folded.get(i)).collect()
    }
}

pub fn load(p: &mut Program, values: &[Value], id: ValueId, domain: &Shape) -> Reg {
    let view = View::dense(&values[id.index()].shape).broadcast_to(domain).unwrap();
    load_view(p, values, id, view)
}

pub fn load_view(p: &mut Program, values: &[Value], id: ValueId, view: View) -> Reg {
    let dtype = values[id.index()].dtype;
    p.loads.push(Load { value: id, dtype, view });
    p.push(Inst::Load(p.loads.len() as u32 - 1), dtype)
}

pub fn buffer(dtype: DType, values: &[Scalar]) -> HostBuffer {
    let mut out = HostBuffer::zeros(dtype, values.len()).unwrap();
    for (i, v) in values.iter().enumerate() {
        out.set(i, *v);
    }
    out
}

/// Coordinates of a shape, last axis fastest.
pub fn coordinates(shape: &Shape) -> impl Iterator<Item = Vec<usize>> + use<> {
    let dims = shape.dims().to_vec();
    (0..shape.len()).map(move |mut i| {
        let mut c = vec![0; dims.len()];
        for a in (0..dims.len()).rev() {
            c[a] = i % dims[a];
            i /= dims[a];
        }
        c
    })
}

fn places(view: &View) -> impl Iterator<Item = usize> + use<'_> {
    coordinates(view.shape()).map(|c| view.index(&c) as usize)
}
