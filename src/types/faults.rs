//! Faults that tests seed, one at a time, to see whether the checks catch them.
//!
//! Code that can be corrupted asks [`seeded`] about its fault. Without the feature `check` the answer is a constant, and the
//! compiler removes the question; with it, the question is one relaxed load outside of inner loops. Only tests seed faults.

macro_rules! faults {
    ($($variant:ident $name:literal $room:literal $gpu:literal $limit:literal $what:literal;)*) => {
        /// One thing that can be corrupted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Fault { $(#[doc = $what] $variant,)* }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in tables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The room it corrupts.
            #[must_use]
            pub const fn room(self) -> &'static str {
                match self { $(Self::$variant => $room,)* }
            }

            /// Whether it shows on a GPU only.
            #[must_use]
            pub const fn on_gpu(self) -> bool {
                match self { $(Self::$variant => $gpu,)* }
            }

            /// Within how many cases of the fixed seed the checks must catch it.
            #[must_use]
            pub const fn limit(self) -> u64 {
                match self { $(Self::$variant => $limit,)* }
            }

            /// What goes wrong.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }
        }
    };
}

faults! {
    RightSideSwapped "right-side-swapped" "planner" false 100 "Differences and quotients on the right side of rules have their operands exchanged.";
    RightSideNumber "right-side-number" "planner" false 100 "Numbers on the right side of rules are one too large.";
    RightSideUnturned "right-side-unturned" "planner" false 200 "Transposes on the right side of rules are left out where the matrix is square.";
    ConditionDropped "condition-dropped" "planner" false 100 "Rules apply whether or not their conditions hold.";
    ClassIgnored "class-ignored" "planner" false 200 "Rules of every class apply in every numerics mode.";
    FactorMoved "factor-moved" "planner" false 200 "Standard moves factors out of sums and products.";
    NumberSign "number-sign" "planner" false 200 "A number on the left side of a rule matches its negative too.";
    FactorsExchanged "factors-exchanged" "planner" false 500 "Two neighbours of one shape in a chain of products change places.";
    RootsExchanged "roots-exchanged" "planner" false 200 "The first two roots of a plan, where they are of one kind, change places.";
    EpilogueDropped "epilogue-dropped" "schedule" false 100 "A product is stored without its epilogue.";
    StageDropped "stage-dropped" "schedule" false 100 "The last stage of an epilogue or elementwise group is left out.";
    PrologueDropped "prologue-dropped" "schedule" false 100 "The left operand of a product is read instead of computed.";
    FoldUnprepared "fold-unprepared" "schedule" false 100 "A reduction folds what is loaded and ignores what is computed of it.";
    WrongStride "wrong-stride" "schedule" false 100 "A load walks an axis with a stride that is one too small.";
    ForgottenTranspose "forgotten-transpose" "schedule" false 200 "A transposed load of a square matrix is read as it lies.";
    FlipIgnored "flip-ignored" "schedule" false 100 "A flipped axis is read forwards.";
    OffsetLost "offset-lost" "schedule" false 100 "A load begins at the first element instead of its offset.";
    WindowShort "window-short" "schedule" false 200 "A window (padding, concatenation, slice update) ends one element early.";
    GatherShort "gather-short" "schedule" false 200 "A gather clamps positions one element early.";
    WrongAxis "wrong-axis" "schedule" false 200 "Rows of a square domain are folded along the other axis.";
    FalseSymmetry "false-symmetry" "schedule" false 100 "Every square product is promised to equal its transpose.";
    SidesExchanged "sides-exchanged" "schedule" false 300 "The operands of a square product are exchanged.";
    OperandsExchanged "operands-exchanged" "schedule" false 100 "A difference or quotient in a fused group has its operands exchanged.";
    BranchesExchanged "branches-exchanged" "schedule" false 100 "A choice in a group takes the other branch.";
    ScalarsExchanged "scalars-exchanged" "schedule" false 200 "Two run-time scalars of one dtype change places.";
    StoresExchanged "stores-exchanged" "schedule" false 100 "Two results of a group, alike in dtype and size, are stored in each other's place.";
    FoldOtherNan "fold-other-nan" "schedule" false 400 "Extrema that keep NaN are folded as those that ignore it.";
    CastOtherMode "cast-other-mode" "schedule" false 200 "Conversions truncate where they should round, and the other way round.";
    CountFromOne "count-from-one" "schedule" false 200 "Coordinates are counted from one.";
    SharedBlock "shared-block" "schedule" true 60 "Two values that live at the same time share one buffer.";
    MissingBarrier "missing-barrier" "kernels" true 60 "Threads do not wait for one another.";
    MaskOffByOne "mask-off-by-one" "kernels" true 60 "The last row of a rows or product kernel is taken for one beyond the end.";
    GridShort "grid-short" "kernels" true 60 "The last workgroup of a kernel is not started.";
    BindingsExchanged "bindings-exchanged" "kernels" true 60 "Two inputs of a kernel are bound in each other's place.";
    ParametersStale "parameters-stale" "kernels" true 60 "Run-time scalars reach kernels as zero.";
    LoopCut "loop-cut" "kernels" true 100 "Loops of kernels end after 48 rounds.";
    DividedByZero "divided-by-zero" "kernels" true 100 "A quotient of floats by zero is zero.";
    HalvesKept "halves-kept" "array" false 700 "Composites of halves are computed in halves.";
    RemainderLost "remainder-lost" "cpu" false 100 "A fold forgets the elements beyond the last whole vector.";
    TailLost "tail-lost" "cpu" false 200 "The last, partial tile of an elementwise pass is not computed.";
    CarryLost "carry-lost" "cpu" false 300 "A running fold begins anew at every tile of a line.";
    ProductShort "product-short" "cpu" false 100 "A matrix product leaves out the last term where their number is odd.";
    QuotientByZero "quotient-by-zero" "cpu" false 400 "Quotients of integers by zero are one.";
    SolveTransposed "solve-transposed" "cpu" false 200 "A linear system is solved with the transposed matrix.";
    WrongDtype "wrong-dtype" "cpu" false 200 "Conversions of floats to f16 go through an integer.";
    FreedEarly "freed-early" "buffers" false 100 "A value is freed before its last reader.";
    OtherLeaf "other-leaf" "buffers" false 100 "A group is given another input of the same dtype and size.";
    HostScalars "host-scalars" "engine" false 300 "Differences and quotients of scalars on the host have their operands exchanged.";
    AliasedView "aliased-view" "engine" false 200 "A root that is a view of as many elements is taken for what it views.";
    StalePlan "stale-plan" "plan cache" false 100 "Plans are found by keys that leave out the literals.";
    StaleScalars "stale-scalars" "plan cache" false 100 "A cached plan runs with the scalars of its first run.";
}

#[cfg(feature = "check")]
mod active {
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::Fault;

    /// The number of the seeded fault, or this for none.
    const NONE: u8 = u8::MAX;
    static ACTIVE: AtomicU8 = AtomicU8::new(NONE);
    static ONE: Mutex<()> = Mutex::new(());

    /// An active fault, which ends when this is dropped. Another thread that seeds one waits until then.
    #[expect(unnameable_types, reason = "held, not named")]
    pub struct Seeded(#[expect(dead_code, reason = "held, not looked at")] MutexGuard<'static, ()>);

    impl Fault {
        /// Seeds the fault in the whole process: for tests that run nothing else at the same time.
        #[must_use]
        pub fn seed(self) -> Seeded {
            let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
            ACTIVE.store(self as u8, Ordering::SeqCst);
            Seeded(guard)
        }
    }

    impl Drop for Seeded {
        fn drop(&mut self) {
            ACTIVE.store(NONE, Ordering::SeqCst);
        }
    }

    /// Whether this fault is active.
    #[inline]
    pub(crate) fn seeded(fault: Fault) -> bool {
        ACTIVE.load(Ordering::Relaxed) == fault as u8
    }
}

#[cfg(feature = "check")]
pub(crate) use active::seeded;

/// Whether this fault is active: never, without the feature `check`.
#[cfg(not(feature = "check"))]
#[inline(always)]
pub(crate) const fn seeded(_: Fault) -> bool {
    false
}
