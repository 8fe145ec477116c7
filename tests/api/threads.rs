//! Threads on one engine: recorded, evaluated, handed over and dropped at once, with every result checked.
//!
//! Eight threads share leaves, pending nodes and the engine; elements are whole numbers small enough that every order of sums gives the
//! same bits, so results are compared for equality. A fixed number of rounds; `LAZURITE_STRESS_SECONDS=60` goes on for that long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::gpu;
use lazurite::inspect::RunOptions;
use lazurite::inspect::graph::Graph;
use lazurite::unstable::algorithms::{Lcg, Random};
#[cfg(feature = "gpu")]
use lazurite::unstable::device::{DeviceBuffer, Gpu};
use lazurite::{Array, DType, DeviceChoice, Engine, Order};

const THREADS: u64 = 8;
/// Rounds of each thread unless a time is given.
const ROUNDS: u64 = 40;

/// When to stop: after so many rounds, or at a time.
fn goes_on(round: u64, began: Instant, rounds: u64) -> bool {
    match std::env::var("LAZURITE_STRESS_SECONDS").ok().and_then(|s| s.parse().ok()) {
        Some(seconds) => began.elapsed() < Duration::from_secs(seconds),
        None => round < rounds,
    }
}

/// Whole numbers from −4 to 4, the same for the same seed.
fn whole(n: usize, seed: u64) -> Vec<f32> {
    let mut random = Lcg(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..n).map(|_| random.below(9) as f32 - 4.0).collect()
}

/// What all threads see.
struct Shared {
    engine: Engine,
    x: Vec<f32>,
    y: Vec<f32>,
    /// Leaves with these elements.
    leaf_x: Array,
    leaf_y: Array,
    /// `x @ yᵀ`, pending until some thread wants it, and renewed now and then.
    product: Mutex<Array>,
    /// A sum that every thread adds to without looking, and looks at now and then.
    running: Mutex<(Array, f64)>,
    rounds: AtomicU64,
}

const ROWS: usize = 24;
const COLUMNS: usize = 17;

/// `x @ yᵀ` by hand.
fn product(x: &[f32], y: &[f32]) -> Vec<f32> {
    let dot = |i: usize, j: usize| (0..COLUMNS).map(|k| x[i * COLUMNS + k] * y[j * COLUMNS + k]).sum();
    (0..ROWS * ROWS).map(|at| dot(at / ROWS, at % ROWS)).collect()
}

fn row_sums(values: &[f32], columns: usize) -> Vec<f32> {
    values.chunks(columns).map(|row| row.iter().sum()).collect()
}

impl Shared {
    fn new(engine: Engine) -> Self {
        let (x, y) = (whole(ROWS * COLUMNS, 1), whole(ROWS * COLUMNS, 2));
        let leaf_x = engine.from_slice(&x, &[ROWS, COLUMNS]).unwrap();
        let leaf_y = engine.from_slice(&y, &[ROWS, COLUMNS]).unwrap();
        let product = Mutex::new(leaf_x.matmul(&leaf_y.t()));
        let running = Mutex::new((engine.zeros(&[3], DType::F64), 0.0));
        Self { engine, x, y, leaf_x, leaf_y, product, running, rounds: AtomicU64::new(0) }
    }

    /// Elementwise work and a fold over shared leaves, with a number of this round's own.
    fn own(&self, seed: u64) {
        let s = (seed % 5) as f32 + 5.0;
        let z = whole(COLUMNS, seed);
        let row = self.engine.from_slice(&z, &[1, COLUMNS]).unwrap();
        let mixed = (&self.leaf_x * s - &self.leaf_y) * &row;
        let folded = mixed.sum(1, false);
        let expected: Vec<f32> = (0..ROWS * COLUMNS).map(|i| (self.x[i] * s - self.y[i]) * z[i % COLUMNS]).collect();
        // Half of the rounds ask for both at once, the others for the fold and then for what it was made of.
        if seed.is_multiple_of(2) {
            self.engine.eval(&[&mixed, &folded]).unwrap();
        }
        assert_eq!(folded.to_vec::<f32>().unwrap(), row_sums(&expected, COLUMNS));
        assert_eq!(mixed.to_vec::<f32>().unwrap(), expected);
    }

    /// A pending node that several threads may want at once: one computes it, the others wait and read.
    fn together(&self, seed: u64) {
        let shared = self.product.lock().unwrap().clone();
        let own = shared.t() + (seed % 7) as f32;
        let expected = product(&self.x, &self.y);
        let turned: Vec<f32> =
            (0..ROWS * ROWS).map(|at| expected[at % ROWS * ROWS + at / ROWS] + (seed % 7) as f32).collect();
        assert_eq!(own.to_vec::<f32>().unwrap(), turned);
        assert_eq!(shared.to_vec::<f32>().unwrap(), expected);
        if seed.is_multiple_of(3) {
            *self.product.lock().unwrap() = self.leaf_x.matmul(&self.leaf_y.t());
        }
    }

    /// Sorting and a running sum: host steps between kernels.
    fn ordered(&self, seed: u64) {
        let values = whole(50, seed);
        let a = self.engine.from_slice(&values, &[50]).unwrap();
        let mut expected = values;
        expected.sort_by(f32::total_cmp);
        let sorted = (&a + 0.0).sort(0, false);
        let sums = sorted.cumsum(0);
        let by_hand: Vec<f32> = expected
            .iter()
            .scan(0.0, |s, v| {
                *s += v;
                Some(*s)
            })
            .collect();
        assert_eq!(sums.to_vec::<f32>().unwrap(), by_hand);
        assert_eq!(sorted.to_vec::<f32>().unwrap(), expected);
    }

    /// Everybody records onto one array, while others evaluate what was recorded so far.
    fn onwards(&self, seed: u64) {
        let (so_far, expected) = {
            let mut running = self.running.lock().unwrap();
            let step = (seed % 4) as f64;
            running.0 = &running.0 + step;
            running.1 += step;
            (running.0.clone(), running.1)
        };
        if seed.is_multiple_of(5) {
            assert_eq!(so_far.to_vec::<f64>().unwrap(), [expected; 3]);
        }
    }

    /// An engine of its own that is dropped before what it was asked for is evaluated and read.
    fn orphans(&self, seed: u64) {
        let own = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
        let pending = own.from_slice(&self.x, &[ROWS, COLUMNS]).unwrap() * 3.0;
        let evaluated = &pending + 1.0;
        own.eval(&[&evaluated]).unwrap();
        drop(own);
        let times = |a: f32, b: f32| self.x.iter().map(|v| v * a + b).collect::<Vec<_>>();
        assert_eq!(evaluated.to_vec::<f32>().unwrap(), times(3.0, 1.0));
        assert_eq!((&pending - seed as f32 % 8.0).to_vec::<f32>().unwrap(), times(3.0, -(seed as f32 % 8.0)));
    }
}

/// An array with what it holds; `None` for one that is only dropped.
type Parcel = (Array, Option<Vec<f32>>);

/// Sends an array to the next thread, pending or evaluated, and takes care of what came in: some are read, some dropped.
fn hand_over(shared: &Shared, seed: u64, to: &Sender<Parcel>, from: &Receiver<Parcel>) {
    let s = (seed % 6) as f32;
    let made = &shared.leaf_x * s + 1.0;
    let expected: Vec<f32> = shared.x.iter().map(|v| v * s + 1.0).collect();
    if seed.is_multiple_of(2) {
        shared.engine.eval(&[&made]).unwrap();
    }
    // The next thread may have ended: then the array is dropped here.
    let _ = to.send((made, (!seed.is_multiple_of(3)).then_some(expected)));
    for (array, holds) in from.try_iter() {
        if let Some(holds) = holds {
            assert_eq!(array.to_vec::<f32>().unwrap(), holds);
        }
    }
}

fn work(shared: &Shared, me: u64, rounds: u64, to: &Sender<Parcel>, from: &Receiver<Parcel>) {
    let began = Instant::now();
    let mut round = 0;
    while goes_on(round, began, rounds) {
        let seed = round * THREADS + me;
        // Threads go through the kinds in different orders.
        match (round + me) % 6 {
            0 => shared.own(seed),
            1 => shared.together(seed),
            2 => shared.ordered(seed),
            3 => shared.onwards(seed),
            4 => hand_over(shared, seed, to, from),
            _ => shared.orphans(seed),
        }
        round += 1;
    }
    shared.rounds.fetch_add(round, Ordering::Relaxed);
}

fn hold(engine: Engine, rounds: u64) {
    let shared = Arc::new(Shared::new(engine));
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel::<Parcel>()).unzip();
    let threads: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(i, from)| {
            let to = senders[(i + 1) % senders.len()].clone();
            let shared = shared.clone();
            std::thread::spawn(move || work(&shared, i as u64, rounds, &to, &from))
        })
        .collect();
    drop(senders);
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
    let (last, expected) = shared.running.lock().unwrap().clone();
    assert_eq!(last.to_vec::<f64>().unwrap(), [expected; 3]);
    drop(last);
    let stats = shared.engine.stats();
    println!("{} rounds, {stats:?}", shared.rounds.load(Ordering::Relaxed));
    assert_eq!(stats.fallbacks, 0, "{stats:?}");
    // Nothing is left behind by arrays that were dropped elsewhere.
    assert!(stats.pending_nodes < 40, "{stats:?}");
}

#[test]
fn eight_threads_on_the_cpu() {
    hold(Engine::builder().device(DeviceChoice::Cpu).build().unwrap(), 5 * ROUNDS);
}

#[test]
fn eight_threads_on_the_gpu() {
    if gpu().is_none() {
        return;
    }
    let engine = Engine::builder().device(DeviceChoice::Gpu).build().unwrap();
    hold(engine.clone(), ROUNDS);
    assert!(engine.stats().gpu_groups > 0);
}

/// A little plan cache and a small memory limit: plans and pooled buffers come and go while others use them.
#[test]
fn eight_threads_on_an_engine_that_can_keep_little() {
    let builder = Engine::builder().device(DeviceChoice::Cpu).plan_cache(2).max_pending(20);
    hold(builder.build().unwrap(), ROUNDS);
}

/// Gives a future to another thread, as the executors of async programs do.
fn on_another_thread<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    std::thread::spawn(move || pollster::block_on(future)).join().unwrap()
}

/// This crate sets no `recursion_limit`, so neither need a user's.
#[test]
fn every_future_may_move_to_another_thread() {
    let engine = on_another_thread(Engine::builder().device(DeviceChoice::Cpu).build_async()).unwrap();
    let x = engine.from_slice(&[0.0f32, 3.0], &[2]).unwrap();
    let (y, z) = (&x + 1.0, &x * 2.0);
    assert_eq!(on_another_thread(async move { y.read().await }).unwrap().as_slice::<f32>().unwrap(), [1.0, 4.0]);
    let evaluated = (engine.clone(), z.clone());
    on_another_thread(async move { evaluated.0.eval_async(&[&evaluated.1]).await }).unwrap();
    assert!(z.is_evaluated());
    let found = on_another_thread(async move { x.nonzero_async(Order::C).await }).unwrap();
    assert_eq!(found.to_vec::<i32>().unwrap(), [1]);
    let graph = Graph::default();
    let run = async move { engine.run_graph_async(graph, Vec::new(), &[], RunOptions::default()).await };
    assert!(on_another_thread(run).unwrap().is_empty());

    fn is_send<T: Send>(_: T) {}
    is_send(Engine::new_async());
    #[cfg(feature = "gpu")]
    {
        is_send(Gpu::new());
        is_send(Gpu::list());
        fn of_a_device(gpu: &Gpu, buffer: &DeviceBuffer) {
            is_send(gpu.read(buffer, DType::F32, 1));
            is_send(gpu.submit_timed(&[]));
        }
        let _ = of_a_device;
    }
}
