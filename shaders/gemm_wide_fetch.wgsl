// Loads the next tiles of both operands into registers, masked where the contracted axis ends. Included by gemm_wide.
#for u 2
#ifdef LEFT_ALONG_K
next_left{{u}} = left_at(z, row0 + left_m + 64u * {{u}}u, k0 + left_k);
#ifndef ALIGNED
next_left{{u}} = select(vec4<{{T}}>(), next_left{{u}}, vec4<u32>(k0 + left_k) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end));
#endif
#else
next_left{{u}} = left_at(z, row0 + left_m, k0 + left_k + 8u * {{u}}u);
#ifndef ALIGNED
next_left{{u}} = select(vec4<{{T}}>(), next_left{{u}}, k0 + left_k + 8u * {{u}}u < end);
#endif
#endif
#endfor
#for u 2
#ifdef RIGHT_ALONG_K
next_right{{u}} = right_at(z, k0 + right_k, col0 + right_n + 64u * {{u}}u);
#ifndef ALIGNED
next_right{{u}} = select(vec4<{{T}}>(), next_right{{u}}, vec4<u32>(k0 + right_k) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end));
#endif
#else
next_right{{u}} = right_at(z, k0 + right_k + 8u * {{u}}u, col0 + right_n);
#ifndef ALIGNED
next_right{{u}} = select(vec4<{{T}}>(), next_right{{u}}, k0 + right_k + 8u * {{u}}u < end);
#endif
#endif
#endfor
