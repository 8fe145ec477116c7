//! The certificate of the engine's GPU: a probe runs its graphs through schedule, kernels and device as any evaluation does, in engines of
//! its own without a planner. It holds no lock of this engine.

use std::sync::{Arc, Mutex, OnceLock};

use hashbrown::HashSet;
use smallvec::SmallVec;

use super::cache::{Bounds, PlanCache};
use super::inspect::Times;
use super::options::{RunOptions, Verify};
use super::prepared::Context;
use super::run::Run;
use super::settings::{RuleSet, Settings};
use super::stored::{Inputs, Stored};
use super::{Engine, Inner, stats};
use crate::device::{Dispatch, Gpu};
use crate::error::{Error, Result};
use crate::graph::{NodeId, Recorder};
use crate::kernels::Param;
use crate::probe::{Answer, Certificate, Question, Stage, Subject, Suite, TextQuestion};
use crate::schedule::{Place, Step};
use crate::types::{Conformance, CostTable, DeviceChoice, HostBuffer, Numerics};

impl Engine {
    /// Certifies the GPU anew: what its driver computes, which work-arounds that takes, and what each mode promises here. Takes about a
    /// second. The engine itself goes on as before.
    ///
    /// # Errors
    /// No device for an engine without a GPU; device lost; out of memory.
    #[cfg(feature = "blocking")]
    pub fn certify(&self) -> Result<Certificate> {
        pollster::block_on(self.certify_async())
    }

    /// As [`certify`](Self::certify), without blocking.
    ///
    /// # Errors
    /// As [`certify`](Self::certify).
    pub async fn certify_async(&self) -> Result<Certificate> {
        let gpu = self.gpu().ok_or_else(|| Error::no_device("there is no GPU to certify"))?;
        probe(gpu).await
    }
}

fn subject(gpu: &Gpu) -> Subject {
    let summary = gpu.summary();
    Subject {
        adapter: summary.name.clone(),
        backend: summary.backend.clone(),
        driver: summary.driver.clone(),
        features: summary.features.join(", "),
    }
}

/// Asks every question in every stage that it matters to.
async fn probe(gpu: &Gpu) -> Result<Certificate> {
    let suite = Suite::new(gpu.limits())?;
    let mut certificate = Certificate::new(subject(gpu));
    for stage in Stage::ALL {
        let conformance = match stage {
            Stage::Plain | Stage::Bare => Conformance::faultless(),
            _ => Conformance::new(certificate.workarounds(), Vec::new()),
        };
        let engine = engine(gpu, stage.numerics(), conformance);
        // Of floats, Fast promises nothing that the plain stage does not show.
        for question in suite.questions.iter().filter(|q| stage != Stage::Fast || !q.dtype.is_float()) {
            match ask(&engine, question).await {
                Ok(answers) => certificate.record(stage, question, &answers),
                Err(error) if gpu.is_lost() => return Err(error),
                Err(error) => tracing::warn!(%error, dtype = %question.dtype, "cases of the probe could not be run"),
            }
        }
        // What is asked in WGSL shows the driver alone.
        if stage == Stage::Plain {
            for question in &suite.texts {
                match ask_text(gpu, question).await {
                    Ok(answer) => certificate.record_text(stage, question, &answer),
                    Err(error) if gpu.is_lost() => return Err(error),
                    Err(error) => tracing::warn!(%error, case = question.name, "a case of the probe could not be run"),
                }
            }
        }
    }
    Ok(certificate)
}

/// What the device computes for a text.
async fn ask_text(gpu: &Gpu, question: &TextQuestion) -> Result<HostBuffer> {
    let mut buffers = question.leaves.iter().map(|leaf| gpu.upload(leaf)).collect::<Result<SmallVec<[_; 8]>>>()?;
    let out = gpu.alloc((question.len() * question.dtype.device_size()) as u64)?;
    buffers.push(out.clone());
    let word = |p: &Param| if let Param::Word(w) = p { *w } else { 0 };
    let params = question.kernel.params.iter().map(word).collect();
    gpu.submit(&[Dispatch { kernel: &question.kernel, buffers, params }])?;
    gpu.read(&out, question.dtype, question.len()).await
}

/// An engine for one stage of a probe.
fn engine(gpu: &Gpu, numerics: Numerics, conformance: Conformance) -> Engine {
    let settings = Settings {
        device: DeviceChoice::Gpu,
        numerics,
        plan: false,
        verify: Verify::Off,
        fuse: true,
        rules: RuleSet::Builtin,
        cpu_costs: CostTable::cpu(),
        gpu_costs: CostTable::gpu(),
        memory_limit: u64::MAX,
        work_limit: u64::MAX,
        inspect: None,
    };
    let certified = OnceLock::from(gpu.limits().clone().certified(conformance));
    Engine(Arc::new(Inner {
        recorder: Recorder::new(usize::MAX, u64::MAX),
        settings,
        device_name: None,
        gpu: Some(gpu.clone()),
        certified,
        plans: Mutex::new(PlanCache::new(Bounds { entries: 0, bytes: 0, mask: 0 })),
        counters: stats::Counters::default(),
        observer: None,
        last: Mutex::new(None),
    }))
}

/// What the device computes for each root.
async fn ask(engine: &Engine, question: &Question) -> Result<Vec<Answer>> {
    let options = RunOptions { plan: false, fuse: true };
    let mut context = Context::on_cpu(&engine.0.settings, options, &[]);
    (context.gpu, context.device) = (true, DeviceChoice::Gpu);
    let prepared = engine.make(&question.graph, &context)?;
    let leaves: Vec<Arc<Stored>> = question.leaves.iter().map(|b| engine.store_host(b.clone())).collect();
    let inputs = Inputs { leaves: &leaves, slots: &[] };
    let results = Run::new(engine, &prepared, inputs)?.finish(&mut Times::default()).await?;
    let mut elsewhere: HashSet<NodeId> = HashSet::new();
    for step in &prepared.schedule.steps {
        if let Step::Run(group) = step
            && group.place == Place::Cpu
        {
            elsewhere.extend(group.stores.iter().map(|s| prepared.schedule.value(s.value).node));
        }
    }
    let mut answers = Vec::with_capacity(results.roots.len());
    for (stored, root) in results.roots.iter().zip(&question.graph.roots) {
        let node = question.graph.node(*root);
        let answer = engine.host_copy(stored, node.dtype, node.shape.len()).await?;
        answers.push((!elsewhere.contains(root)).then(|| (*answer).clone()));
    }
    Ok(answers)
}
