//! Running a prepared plan: its steps one after the other, on values wherever they are.
//!
//! Transfers follow the schedule's explicit steps; a value that is already where a step wants it is not moved again, and one that
//! is not there (a leaf that lives only on the device, a group that did not lower) is fetched when it is needed.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Engine;
use super::inspect::{Span, Times};
use super::noise::Noise;
use super::prepared::Prepared;
use super::stored::{Handle, Inputs, Stored};
use crate::buffers::Residency;
use crate::cpu;
use crate::error::{Error, Result};
use crate::graph::{Node, NodeId};
use crate::schedule::{Core, Group, Load, Step, ValueId, ValueKind};
use crate::types::{Fault, HostBuffer, Scalar, Shape, seeded};

/// What a run stored.
pub(super) struct Results {
    /// A value for each root, in order.
    pub(super) roots: SmallVec<[Arc<Stored>; 4]>,
    /// Other nodes of the snapshot whose values are there as well.
    pub(super) kept: Vec<(NodeId, Arc<Stored>)>,
}

/// A run under way.
pub(super) struct Run<'a> {
    engine: &'a Engine,
    prepared: &'a Prepared,
    leaves: &'a [Arc<Stored>],
    scalars: SmallVec<[Scalar; 8]>,
    values: SmallVec<[Residency<Handle>; 8]>,
    /// The noise added to what the CPU computes, in a run that shows how sensitive results are to rounding.
    noise: Option<Noise>,
    #[cfg(feature = "gpu")]
    gpu: super::gpu::Segment<'a>,
}

impl<'a> Run<'a> {
    pub(super) fn new(engine: &'a Engine, prepared: &'a Prepared, inputs: Inputs<'a>) -> Result<Self> {
        let Inputs { leaves, slots } = inputs;
        #[cfg(feature = "check")]
        let slots =
            if seeded(Fault::StaleScalars) { prepared.first_slots.get_or_init(|| slots.to_vec()) } else { slots };
        let scalars = prepared.scalars.scheduled(&prepared.scalars.evaluate(&prepared.graph, slots)?);
        let values = prepared
            .schedule
            .values
            .iter()
            .map(|v| match v.kind {
                ValueKind::Leaf(i) => leaves[i as usize].copies(),
                _ => Residency::nowhere(),
            })
            .collect();
        Ok(Self {
            engine,
            prepared,
            leaves,
            scalars,
            values,
            noise: None,
            #[cfg(feature = "gpu")]
            gpu: super::gpu::Segment::new(),
        })
    }

    /// The same run with noise on what it computes.
    pub(super) fn with_noise(self, noise: Noise) -> Self {
        Self { noise: Some(noise), ..self }
    }

    pub(super) async fn finish(mut self, times: &mut Times) -> Result<Results> {
        *times = Times::default();
        for i in 0..self.prepared.schedule.steps.len() {
            let began = self.engine.now();
            self.step(i).await?;
            if let Some((start, end)) = began.zip(self.engine.now()) {
                times.steps.push(Span { start, ns: end.saturating_sub(start) });
            }
        }
        #[cfg(feature = "gpu")]
        {
            self.flush().await?;
            times.kernels = self.gpu.times();
        }
        self.results()
    }

    pub(super) async fn step(&mut self, i: usize) -> Result<()> {
        let prepared = self.prepared;
        match &prepared.schedule.steps[i] {
            Step::Upload(v) => self.upload(*v).await?,
            Step::Readback(v) => drop(self.host(*v).await?),
            Step::Run(group) => match (&prepared.lowered[i], group.place) {
                #[cfg(feature = "gpu")]
                (Some(lowered), crate::schedule::Place::Gpu) => self.dispatch(i as u32, group, lowered).await?,
                _ => self.run_on_cpu(i, group).await?,
            },
            Step::Host { nodes, inputs, outputs, .. } => self.run_host(nodes, inputs, outputs).await?,
            Step::Empty(v) => {
                let value = prepared.schedule.value(*v);
                let buffer = HostBuffer::zeros(value.dtype, value.shape.len())?;
                self.values[v.index()].add_host(Arc::new(buffer));
            }
            Step::Free(v) => {
                if prepared.schedule.value(*v).kind == ValueKind::Scratch {
                    self.values[v.index()] = Residency::nowhere();
                }
            }
        }
        Ok(())
    }

    fn results(&self) -> Result<Results> {
        // One value may be several results: they share what is stored.
        let mut stored: SmallVec<[Option<Arc<Stored>>; 8]> = smallvec::smallvec![None; self.values.len()];
        let mut of = |v: ValueId| -> Result<Arc<Stored>> {
            let value = self.prepared.schedule.value(v);
            let residency = &self.values[v.index()];
            if residency.is_nowhere() {
                return Err(Error::internal(format!("the result {v} ({}) was not computed", value.node)));
            }
            let one = stored[v.index()].get_or_insert_with(|| match value.kind {
                ValueKind::Leaf(i) => self.leaves[i as usize].clone(),
                _ => Arc::new(Stored::from_residency(residency.clone())),
            });
            Ok(one.clone())
        };
        Ok(Results {
            roots: self.prepared.schedule.roots.iter().map(|&v| of(v)).collect::<Result<_>>()?,
            kept: self.prepared.kept.iter().map(|&(n, v)| Ok((n, of(v)?))).collect::<Result<_>>()?,
        })
    }

    /// The host copy of a value, read back when it is only on the device.
    pub(super) async fn host(&mut self, v: ValueId) -> Result<Arc<HostBuffer>> {
        if let Some(host) = self.values[v.index()].host() {
            return Ok(host.clone());
        }
        #[cfg(feature = "gpu")]
        {
            self.flush().await?;
            let value = self.prepared.schedule.value(v);
            if let (Some(gpu), Some(device)) = (self.engine.gpu(), self.values[v.index()].device().cloned()) {
                let copy = Arc::new(gpu.read(&device, value.dtype, value.shape.len()).await?);
                self.values[v.index()].add_host(copy.clone());
                if let ValueKind::Leaf(i) = value.kind {
                    self.leaves[i as usize].add_host(copy.clone());
                }
                return Ok(copy);
            }
        }
        Err(Error::internal(format!("{v} is read before it is computed")))
    }

    async fn upload(&mut self, v: ValueId) -> Result<()> {
        #[cfg(feature = "gpu")]
        drop(self.device(v).await?);
        #[cfg(not(feature = "gpu"))]
        drop(self.host(v).await?);
        Ok(())
    }

    async fn run_on_cpu(&mut self, step: usize, group: &'a Group) -> Result<()> {
        self.engine.0.counters.cpu_groups.add(1);
        let mut inputs: SmallVec<[(ValueId, Arc<HostBuffer>); 8]> = SmallVec::new();
        for load in loads(group) {
            if !inputs.iter().any(|(v, _)| *v == load.value) {
                inputs.push((load.value, self.host(load.value).await?));
            }
        }
        let find = |v: ValueId| {
            let mut found = inputs.iter().find(|(i, _)| *i == v).map(|(_, b)| &**b);
            if seeded(Fault::OtherLeaf) {
                let alike = |b: &&HostBuffer| found.is_some_and(|f| f.dtype() == b.dtype() && f.len() == b.len());
                found = inputs.iter().map(|(_, b)| &**b).find(alike).or(found);
            }
            found.ok_or_else(|| Error::internal(format!("{v} is no input of group g{}", group.id)))
        };
        let values = &self.prepared.schedule.values;
        let outputs = match &self.prepared.compiled[step] {
            Some(compiled) => compiled.run(&find, &self.scalars)?,
            None => cpu::Compiled::new(group, values)?.run(&find, &self.scalars)?,
        };
        for (store, buffer) in group.stores.iter().zip(outputs) {
            let buffer = match &mut self.noise {
                Some(noise) => noise.over(&buffer),
                None => buffer,
            };
            self.values[store.value.index()].add_host(Arc::new(buffer));
        }
        Ok(())
    }

    async fn run_host(&mut self, nodes: &[NodeId], inputs: &[ValueId], outputs: &[ValueId]) -> Result<()> {
        self.engine.0.counters.host_steps.add(1);
        let mut buffers = Vec::with_capacity(inputs.len());
        for &v in inputs {
            buffers.push((self.host(v).await?, &self.prepared.schedule.value(v).shape));
        }
        let operands: Vec<(&HostBuffer, &Shape)> = buffers.iter().map(|(b, s)| (&**b, *s)).collect();
        let nodes: Vec<&Node> = nodes.iter().map(|&n| self.prepared.graph.node(n)).collect();
        for (v, buffer) in outputs.iter().zip(cpu::run_host(&nodes, &operands)?) {
            let buffer = match &mut self.noise {
                Some(noise) => noise.over(&buffer),
                None => buffer,
            };
            self.values[v.index()].add_host(Arc::new(buffer));
        }
        Ok(())
    }
}

#[cfg(not(feature = "gpu"))]
impl Engine {
    /// The host copy of a stored value: the only one there is without a GPU.
    pub(super) async fn host_copy(&self, stored: &Stored, _: crate::types::DType, _: usize) -> Result<Arc<HostBuffer>> {
        stored.copies().host().cloned().ok_or_else(|| Error::internal("a stored value that is nowhere"))
    }
}

/// All loads of a group, those of a product's loaders included.
pub(crate) fn loads(group: &Group) -> impl Iterator<Item = &Load> {
    let sides: [&[Load]; 2] = match &group.core {
        Core::Contract { left, right, .. } => [&left.loads, &right.loads],
        _ => [&[], &[]],
    };
    group.body.loads.iter().chain(sides[0]).chain(sides[1])
}

#[cfg(feature = "gpu")]
impl<'a> Run<'a> {
    async fn device(&mut self, v: ValueId) -> Result<Arc<Handle>> {
        if let Some(device) = self.values[v.index()].device() {
            return Ok(device.clone());
        }
        let host = self.host(v).await?;
        let gpu = self.engine.gpu().ok_or_else(|| Error::internal("a GPU step without a GPU"))?;
        let copy = gpu.upload(&host)?;
        self.values[v.index()].add_device(copy.clone());
        if let ValueKind::Leaf(i) = self.prepared.schedule.value(v).kind {
            self.leaves[i as usize].add_device(copy.clone());
        }
        Ok(copy)
    }

    async fn dispatch(&mut self, step: u32, group: &'a Group, lowered: &'a crate::kernels::Lowered) -> Result<()> {
        self.engine.0.counters.gpu_groups.add(1);
        for load in loads(group) {
            self.device(load.value).await?;
        }
        let gpu = self.engine.gpu().ok_or_else(|| Error::internal("a GPU step without a GPU"))?;
        for store in &group.stores {
            let block = self.prepared.block_of[store.value.index()];
            let bytes = self.prepared.schedule.value(store.value).device_bytes();
            let buffer = self.gpu.block(gpu, block, &self.prepared.schedule.blocks, bytes)?;
            self.values[store.value.index()].add_device(buffer);
        }
        self.gpu.push(gpu, step, lowered, &self.values, &self.scalars)
    }

    async fn flush(&mut self) -> Result<()> {
        match self.engine.gpu() {
            Some(gpu) => self.gpu.flush(gpu, self.engine.0.settings.inspect.is_some()).await,
            None => Ok(()),
        }
    }
}
