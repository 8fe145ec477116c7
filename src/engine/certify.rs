//! The certificate of the engine's GPU: recalled for a known driver or from a folder, or probed before the first evaluation that uses the
//! device; from then on kernels and placement go by it.
//!
//! The probe runs its graphs through schedule, kernels and device as any evaluation does, in engines of its own without a planner, and on
//! a device of its own, so that the engine's is not lost with a kernel that a driver's compiler fails at. It holds no lock, so that threads that come meanwhile probe again rather than wait. A probe that fails leaves every work-around on.

use std::path::Path;
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
use crate::probe::{Answer, Certificate, Question, Stage, Subject, Suite, TextQuestion, keep, kept, known, remember};
use crate::schedule::{Place, Step};
use crate::types::{Conformance, CostTable, DeviceChoice, HostBuffer, Numerics};

impl Engine {
    /// Certifies the GPU anew: what its driver computes, which work-arounds that takes, and what each mode promises here. Takes about a
    /// second. The engine itself goes on as before; a folder of certificates, if it has one, keeps the new one.
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
        let certificate = probe(gpu).await?;
        self.keep_certificate(&certificate);
        Ok(certificate)
    }

    /// Whether it is settled what the GPU computes.
    pub(super) fn is_certified(&self) -> bool {
        self.0.certified.get().is_some()
    }

    /// Takes what was found on this machine and kept, or what is known of the driver.
    pub(super) fn recall_certificate(&self) {
        let Some(gpu) = self.gpu() else { return };
        let subject = subject(gpu);
        let folder = self.0.settings.certificates.as_deref();
        if let Some(conformance) = here(folder, &subject).or_else(|| known(&subject)) {
            self.settle(gpu, conformance);
        }
    }

    /// Probes the GPU if nothing is known of it.
    pub(super) async fn learn(&self) {
        self.recall_certificate();
        let Some(gpu) = self.gpu().filter(|_| !self.is_certified()) else { return };
        let conformance = match probe(gpu).await {
            Ok(certificate) => {
                self.keep_certificate(&certificate);
                let conformance = certificate.conformance();
                remember(certificate.subject(), &conformance);
                conformance
            }
            Err(error) => {
                tracing::warn!(%error, "the device could not be probed: every work-around is on");
                Conformance::careful()
            }
        };
        self.settle(gpu, conformance);
    }

    /// The first to settle it decides; another thread's findings are the same.
    fn settle(&self, gpu: &Gpu, conformance: Conformance) {
        self.0.certified.get_or_init(|| gpu.limits().clone().certified(conformance));
    }

    fn keep_certificate(&self, certificate: &Certificate) {
        let Some(folder) = &self.0.settings.certificates else { return };
        if let Err(error) = keep(folder, certificate) {
            tracing::warn!(%error, folder = %folder.display(), "the certificate of the device was not kept");
        }
    }
}

/// What a folder holds of a device.
fn here(folder: Option<&Path>, subject: &Subject) -> Option<Conformance> {
    Some(kept(folder?, subject)?.conformance())
}

fn subject(gpu: &Gpu) -> Subject {
    let summary = gpu.summary();
    let mut features = summary.features.clone();
    // A software driver compiles for the processor it finds, and was seen to be wrong on one and right on another.
    if gpu.limits().software {
        features.push(processor());
    }
    Subject {
        adapter: summary.name.clone(),
        backend: summary.backend.clone(),
        driver: summary.driver.clone(),
        features: features.join(", "),
    }
}

/// The vector instructions of this machine.
fn processor() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "on AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return "on AVX2";
        }
    }
    std::env::consts::ARCH
}

/// Asks every question in every stage that it matters to.
async fn probe(gpu: &Gpu) -> Result<Certificate> {
    gpu.check()?;
    let suite = Suite::new(gpu.limits())?;
    let mut certificate = Certificate::new(subject(gpu));
    let mut prober = Prober { gpu, own: gpu.another().await? };
    for stage in Stage::ALL {
        let conformance = match stage {
            Stage::Plain | Stage::Bare => Conformance::faultless(),
            _ => Conformance::new(certificate.workarounds(), Vec::new()),
        };
        // Of floats, Fast promises nothing that the plain stage does not show.
        for question in suite.questions.iter().filter(|q| stage != Stage::Fast || !q.dtype.is_float()) {
            prober.question(&mut certificate, stage, &conformance, question).await?;
        }
        // What is asked in WGSL shows the driver alone.
        if stage == Stage::Plain {
            for question in &suite.texts {
                match ask_text(&prober.own, question).await {
                    Ok(answer) => certificate.record_text(stage, question, &answer),
                    Err(error) => {
                        prober.recover().await?;
                        certificate.record_text_failure(stage, question, &error);
                    }
                }
            }
        }
    }
    Ok(certificate)
}

/// Asks on a device of its own: a kernel that a driver's compiler fails at takes its device with it.
struct Prober<'a> {
    gpu: &'a Gpu,
    own: Gpu,
}

impl Prober<'_> {
    /// Asks a question; its cases one by one where they cannot be answered together.
    async fn question(
        &mut self,
        certificate: &mut Certificate,
        stage: Stage,
        conformance: &Conformance,
        question: &Question,
    ) -> Result<()> {
        if let Ok(answers) = ask(&engine(&self.own, stage.numerics(), conformance.clone()), question).await {
            certificate.record(stage, question, &answers);
            return Ok(());
        }
        self.recover().await?;
        for case in question.apart(self.gpu.limits())? {
            match ask(&engine(&self.own, stage.numerics(), conformance.clone()), &case).await {
                Ok(answers) => certificate.record(stage, &case, &answers),
                Err(error) => {
                    self.recover().await?;
                    certificate.record_failure(stage, &case, &error);
                }
            }
        }
        Ok(())
    }

    /// Opens a device again where the last one was lost.
    async fn recover(&mut self) -> Result<()> {
        self.gpu.check()?;
        if self.own.is_lost() {
            self.own = self.gpu.another().await?;
        }
        Ok(())
    }
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
        certificates: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_device_is_an_error_and_leaves_every_work_around_on() {
        // Without an adapter there is nothing to lose.
        let Ok(engine) = Engine::builder().device(DeviceChoice::Gpu).build() else { return };
        let gpu = engine.gpu().unwrap().clone();
        gpu.destroy_for_tests();
        assert!(engine.certify().unwrap_err().is_device_lost());
        let mut lost = super::engine(&gpu, Numerics::Strict, Conformance::faultless());
        Arc::get_mut(&mut lost.0).unwrap().certified = OnceLock::new();
        // A known driver needs no probe; of another one nothing is found out.
        pollster::block_on(lost.learn());
        assert!(lost.is_certified());
        let found = &lost.0.certified.get().unwrap().conformance;
        assert!(known(&subject(&gpu)).is_some_and(|k| k == *found) || *found == Conformance::careful());
    }
}
