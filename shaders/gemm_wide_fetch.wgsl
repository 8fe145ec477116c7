#for u 8
#ifdef LEFT_ALONG_K
#ifdef ALIGNED
next_left{{u}} = left_at(z, row0 + left_m + 16u * {{u}}u, k0 + left_k);
#else
next_left{{u}} = select({{T}}(), left_at(z, min(row0 + left_m + 16u * {{u}}u, {{M}} - 1u), min(k0 + left_k, {{K}} - 1u)), k0 + left_k < end);
#endif
#else
#ifdef ALIGNED
next_left{{u}} = left_at(z, row0 + left_m, k0 + left_k + 2u * {{u}}u);
#else
next_left{{u}} = select({{T}}(), left_at(z, min(row0 + left_m, {{M}} - 1u), min(k0 + left_k + 2u * {{u}}u, {{K}} - 1u)), k0 + left_k + 2u * {{u}}u < end);
#endif
#endif
#endfor
#for u 8
#ifdef RIGHT_ALONG_K
#ifdef ALIGNED
next_right{{u}} = right_at(z, k0 + right_k, col0 + right_n + 16u * {{u}}u);
#else
next_right{{u}} = select({{T}}(), right_at(z, min(k0 + right_k, {{K}} - 1u), min(col0 + right_n + 16u * {{u}}u, {{N}} - 1u)), k0 + right_k < end);
#endif
#else
#ifdef ALIGNED
next_right{{u}} = right_at(z, k0 + right_k + 2u * {{u}}u, col0 + right_n);
#else
next_right{{u}} = select({{T}}(), right_at(z, min(k0 + right_k + 2u * {{u}}u, {{K}} - 1u), min(col0 + right_n, {{N}} - 1u)), k0 + right_k + 2u * {{u}}u < end);
#endif
#endif
#endfor
