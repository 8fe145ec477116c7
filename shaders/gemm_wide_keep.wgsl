#for u 8
#ifdef LEFT_ALONG_K
left_tile[half * 528u + left_k * 33u + (left_m + 16u * {{u}}u) / 4u][left_m % 4u] = next_left{{u}};
#else
left_tile[half * 528u + (left_k + 2u * {{u}}u) * 33u + left_m / 4u][left_m % 4u] = next_left{{u}};
#endif
#ifdef RIGHT_ALONG_K
right_tile[half * 528u + right_k * 33u + (right_n + 16u * {{u}}u) / 4u][right_n % 4u] = next_right{{u}};
#else
right_tile[half * 528u + (right_k + 2u * {{u}}u) * 33u + right_n / 4u][right_n % 4u] = next_right{{u}};
#endif
#endfor
