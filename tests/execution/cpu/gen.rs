//! Random programs, views and data from a seed, and comparison of results.

use lazurite::inspect::graph::{BinaryOp, CastMode, NodeId, RngDist, UnaryOp, View};
use lazurite::inspect::program::{Coord, Inst, Load, Program, Reg, Store, StoreShape, Window};
use lazurite::inspect::{Core, Group, Place, Value, ValueId, ValueKind};
use lazurite::unstable::algorithms::{Random, SplitMix};
use lazurite::{DType, HostBuffer, Scalar, Shape};

const SPECIAL: [f64; 22] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    2.0,
    3.0,
    1e-10,
    -1e-10,
    100.0,
    1e20,
    -1e20,
    1e-40,
    65504.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    std::f64::consts::FRAC_PI_4,
];

/// A value of a dtype: ordinary, or now and then special when `special` is set.
pub fn element(random: &mut SplitMix, dtype: DType, special: bool) -> Scalar {
    if dtype.is_float() {
        let x = if special && random.one_in(3) { random.pick(&SPECIAL) } else { random.unit() * 8.0 - 4.0 };
        return lazurite::unstable::cpu::reference::scalar::from_f64(dtype, x);
    }
    let x = if special && random.one_in(4) {
        random.pick(&[0, 1, -1, i64::MIN, i64::MAX, i64::from(i32::MIN), i64::from(i32::MAX), 255, 256])
    } else {
        random.below(19) as i64 - 9
    };
    if dtype == DType::Bool { Scalar::from_bits(dtype, (x & 1) as u64) } else { Scalar::from_i64(dtype, x) }
}

pub fn buffer(random: &mut SplitMix, dtype: DType, n: usize, special: bool) -> HostBuffer {
    let mut b = HostBuffer::zeros(dtype, n).unwrap();
    for i in 0..n {
        b.set(i, element(random, dtype, special));
    }
    b
}

/// A view of `shape` onto some dense value, of any order, with steps, flips and broadcasts; and the value's length.
pub fn view(random: &mut SplitMix, shape: &Shape, plain: bool) -> (View, usize) {
    if plain || random.one_in(4) {
        return (View::dense(shape), shape.len());
    }
    let rank = shape.rank();
    let mut order: Vec<usize> = (0..rank).collect();
    for i in (1..rank).rev() {
        order.swap(i, random.below(i + 1));
    }
    let (mut strides, mut offset, mut run) = (vec![0i64; rank], 0i64, 1i64);
    for &axis in &order {
        let d = shape[axis] as i64;
        if random.one_in(4) {
            continue;
        }
        let (step, lead) = (1 + random.below(2) as i64, random.below(2) as i64);
        let flip = random.one_in(3);
        strides[axis] = run * step * if flip { -1 } else { 1 };
        offset += run * (lead + if flip { step * (d - 1) } else { 0 });
        run *= lead + step * d;
    }
    (View::from_parts(shape.clone(), &strides, offset).unwrap(), run as usize)
}

/// A group under construction with its inputs.
pub struct Maker {
    pub random: SplitMix,
    pub domain: Shape,
    pub program: Program,
    pub inputs: Vec<HostBuffer>,
    pub scalars: Vec<Scalar>,
    pub special: bool,
    /// Only operations that are computed exactly as the reference does.
    pub exact: bool,
}

impl Maker {
    pub fn new(seed: u64, domain: Shape) -> Self {
        let random = SplitMix(seed);
        Self {
            random,
            domain,
            program: Program::default(),
            inputs: vec![],
            scalars: vec![],
            special: true,
            exact: true,
        }
    }

    pub fn load(&mut self, dtype: DType, plain: bool) -> Reg {
        let (view, n) = view(&mut self.random, &self.domain, plain);
        self.load_view(dtype, view, n)
    }

    pub fn load_view(&mut self, dtype: DType, view: View, n: usize) -> Reg {
        let data = buffer(&mut self.random, dtype, n, self.special);
        self.load_data(view, data)
    }

    pub fn load_data(&mut self, view: View, data: HostBuffer) -> Reg {
        let dtype = data.dtype();
        let load = self.add_load(view, data);
        self.program.push(Inst::Load(load), dtype)
    }

    fn add_load(&mut self, view: View, data: HostBuffer) -> u32 {
        let dtype = data.dtype();
        self.inputs.push(data);
        self.program.loads.push(Load { value: ValueId(self.inputs.len() as u32 - 1), dtype, view });
        self.program.loads.len() as u32 - 1
    }

    pub fn window(&mut self, dtype: DType) -> Reg {
        let otherwise = self.any(dtype);
        let mut window = Window { start: Default::default(), step: Default::default(), len: Default::default() };
        for &d in self.domain.clone().iter() {
            let whole = self.random.one_in(2);
            let start = if whole { 0 } else { self.random.below(d) };
            let step = if whole { 1 } else { 1 + self.random.below(3) };
            let most = (d - 1 - start) / step + 1;
            window.start.push(start as i64);
            window.step.push(step as i64);
            window.len.push(if whole { d as i64 } else { self.random.below(most + 1) as i64 });
        }
        let shape: Shape = window.len.iter().map(|&n| n as usize).collect();
        let (view, n) = view(&mut self.random, &shape, shape.is_empty());
        let data = buffer(&mut self.random, dtype, n, true);
        let load = self.add_load(view, data);
        self.program.push(Inst::Window { load, window, otherwise }, dtype)
    }

    pub fn gather(&mut self, dtype: DType) -> Reg {
        let index = self.any(DType::I32);
        let extent = 1 + self.random.below(6) as i64;
        let (view, n) = view(&mut self.random, &self.domain.clone(), false);
        let (stride, len) =
            if self.random.one_in(2) { (n as i64, n * extent as usize) } else { (1, n + extent as usize) };
        let data = buffer(&mut self.random, dtype, len, true);
        let load = self.add_load(view, data);
        self.program.push(Inst::Gather { load, index, stride, extent }, dtype)
    }

    fn coord(&mut self) -> Coord {
        let view = loop {
            let (v, _) = view(&mut self.random, &self.domain, false);
            if v.offset() >= 0 {
                break v;
            }
        };
        Coord { view }
    }

    /// A register of a dtype, earlier or new.
    pub fn any(&mut self, dtype: DType) -> Reg {
        let known: Vec<u32> =
            (0..self.program.insts.len() as u32).filter(|&i| self.program.dtypes[i as usize] == dtype).collect();
        if !known.is_empty() && !self.random.one_in(4) {
            return Reg(self.random.pick(&known));
        }
        match self.random.below(6) {
            0 => {
                let value = element(&mut self.random, dtype, true);
                self.program.push(Inst::Literal(value), dtype)
            }
            1 => {
                self.scalars.push(element(&mut self.random, dtype, true));
                self.program.push(Inst::Scalar(self.scalars.len() as u32 - 1), dtype)
            }
            2 if dtype != DType::Bool => {
                let coord = self.coord();
                self.program.push(Inst::Index(coord), dtype)
            }
            _ => self.load(dtype, false),
        }
    }

    /// Appends a random operation.
    pub fn step(&mut self) -> Reg {
        let dtype = self.random.pick(DType::ALL);
        match self.random.below(10) {
            0 => self.window(dtype),
            1 => self.gather(dtype),
            2 => {
                let from = self.random.pick(DType::ALL);
                let a = self.any(from);
                let mode = self.random.pick(&[CastMode::Wrap, CastMode::RoundSaturate]);
                self.program.push(Inst::Cast(mode, a), dtype)
            }
            3 => {
                let (c, a, b) = (self.any(DType::Bool), self.any(dtype), self.any(dtype));
                self.program.push(Inst::Select(c, a, b), dtype)
            }
            4 if matches!(dtype, DType::U32 | DType::F32 | DType::F64) => {
                let dist = if dtype == DType::U32 {
                    RngDist::Bits
                } else {
                    self.random.pick(&[RngDist::Uniform, RngDist::Normal])
                };
                let (key, stream) = (self.any(DType::U32), self.any(DType::U32));
                let index = self.coord();
                self.program.push(Inst::Rng { dist, key, stream, index }, dtype)
            }
            5 | 6 => {
                let ops: Vec<UnaryOp> = UnaryOp::ALL
                    .iter()
                    .copied()
                    .chain([UnaryOp::Powi(5), UnaryOp::Powi(-2), UnaryOp::Powi(0)])
                    .filter(|o| o.result(dtype).is_some() && !(self.exact && o.is_transcendental()))
                    .collect();
                let (op, a) = (self.random.pick(&ops), self.any(dtype));
                self.program.push(Inst::Unary(op, a), op.result(dtype).unwrap())
            }
            _ => {
                let ops: Vec<BinaryOp> = BinaryOp::ALL
                    .iter()
                    .copied()
                    .filter(|o| o.result(dtype).is_some() && !(self.exact && dtype.is_float() && o.is_transcendental()))
                    .collect();
                let (op, a, b) = (self.random.pick(&ops), self.any(dtype), self.any(dtype));
                self.program.push(Inst::Binary(op, a, b), op.result(dtype).unwrap())
            }
        }
    }

    /// The group with some stores, and the values of the schedule.
    pub fn finish(self, core: Core, stores: &[(Reg, StoreShape)]) -> Case {
        let mut case = Case {
            values: self.inputs.iter().map(|b| value(&Shape::new(&[b.len()]), b.dtype())).collect(),
            inputs: self.inputs,
            scalars: self.scalars,
            group: Group {
                id: 0,
                place: Place::Cpu,
                reason: String::new(),
                domain: self.domain,
                core,
                body: self.program,
                stores: vec![],
                nodes: vec![],
            },
        };
        for &(reg, shape) in stores {
            case.store(reg, shape);
        }
        case
    }
}

fn value(shape: &Shape, dtype: DType) -> Value {
    Value { node: NodeId(0), kind: ValueKind::Scratch, shape: shape.clone(), dtype }
}

/// A group with everything to run it.
pub struct Case {
    pub group: Group,
    pub values: Vec<Value>,
    pub inputs: Vec<HostBuffer>,
    pub scalars: Vec<Scalar>,
}

impl Case {
    pub fn store(&mut self, reg: Reg, shape: StoreShape) {
        let g = &self.group;
        let rank = g.domain.rank();
        let of = match (shape, &g.core) {
            (StoreShape::Row, Core::Rows { axes, .. }) => g.domain.reduced(axes),
            (StoreShape::Diagonal, _) => {
                g.domain[..rank - 2].iter().copied().chain([g.domain[rank - 2].min(g.domain[rank - 1])]).collect()
            }
            _ => g.domain.clone(),
        };
        let dtype = g.body.dtype(reg);
        self.group.stores.push(Store { value: ValueId(self.values.len() as u32), reg, shape });
        self.values.push(value(&of, dtype));
    }

    pub fn run(&self) -> Vec<HostBuffer> {
        self.try_run().unwrap_or_else(|e| panic!("{e}\n{}", self.group.body))
    }

    pub fn try_run(&self) -> lazurite::Result<Vec<HostBuffer>> {
        let input = |v: ValueId| Ok(&self.inputs[v.index()]);
        let out = lazurite::unstable::cpu::run_group(&self.group, &self.values, &input, &self.scalars)?;
        let expected: Vec<ValueId> = self.group.stores.iter().map(|s| s.value).collect();
        assert_eq!(out.iter().map(|o| o.0).collect::<Vec<_>>(), expected);
        Ok(out.into_iter().map(|o| o.1).collect())
    }

    /// Runs the group and compares with the oracle: bit for bit, or within `tolerance` of the largest magnitude.
    pub fn check(&self, name: &str, tolerance: Option<f64>) {
        let found = self.run();
        let expected = super::oracle::group(&self.group, &self.inputs, &self.scalars);
        for (s, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(f.len(), e.len(), "{name}: store {s}");
            let finite = e.iter().map(|v| v.to_f64().abs()).filter(|v| v.is_finite());
            let scale = finite.fold(0.0, f64::max);
            for (i, &want) in e.iter().enumerate() {
                let got = f.get(i);
                let close = match tolerance {
                    Some(t) if want.dtype().is_float() => got.is_within(want, t * scale),
                    _ => got.is_same(want),
                };
                assert!(
                    close,
                    "{name}: store {s} element {i}: expected {want:?}, found {got:?}\n{}{:?} over {}\n{}",
                    self.group.body, self.group.core, self.group.domain, self.group.stores[s].reg
                );
            }
        }
    }
}

pub fn bits(b: &HostBuffer) -> Vec<u64> {
    (0..b.len()).map(|i| b.get(i).bits()).collect()
}
