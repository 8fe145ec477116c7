//! Choice of the instruction set a loop runs with.

/// Defines a function whose body is compiled for AVX-512, for AVX2 with FMA and for the baseline, and which runs the widest
/// form the processor has. The body must be safe code whose hot parts are inlined into it.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$g:ident : $bound:path>)? ($($arg:ident : $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name $(<$g: $bound>)? ($($arg: $ty),*) {
            #[inline(always)]
            fn plain $(<$g: $bound>)? ($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c")]
                fn avx512 $(<$g: $bound>)? ($($arg: $ty),*) {
                    plain($($arg),*);
                }
                #[target_feature(enable = "avx2,fma,f16c")]
                fn avx2 $(<$g: $bound>)? ($($arg: $ty),*) {
                    plain($($arg),*);
                }
                if std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512dq")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("f16c")
                {
                    // SAFETY: the processor was just asked for every feature the function is compiled with (AVX-512
                    // implies AVX2 and FMA).
                    return unsafe { avx512($($arg),*) };
                }
                if std::is_x86_feature_detected!("avx2")
                    && std::is_x86_feature_detected!("fma")
                    && std::is_x86_feature_detected!("f16c")
                {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            plain($($arg),*);
        }
    };
}
pub(crate) use vectorised;
