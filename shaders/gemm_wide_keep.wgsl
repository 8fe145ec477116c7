// Stores the fetched tiles in workgroup memory; operands that lie along k are transposed on the way. Included by gemm_wide.
#for u 2
#ifdef LEFT_ALONG_K
left_tile[half * 528u + left_k * 33u + left_m / 4u + 16u * {{u}}u][left_m % 4u] = next_left{{u}}.x;
left_tile[half * 528u + left_k * 33u + 33u + left_m / 4u + 16u * {{u}}u][left_m % 4u] = next_left{{u}}.y;
left_tile[half * 528u + left_k * 33u + 66u + left_m / 4u + 16u * {{u}}u][left_m % 4u] = next_left{{u}}.z;
left_tile[half * 528u + left_k * 33u + 99u + left_m / 4u + 16u * {{u}}u][left_m % 4u] = next_left{{u}}.w;
#else
left_tile[half * 528u + (left_k + 8u * {{u}}u) * 33u + left_m / 4u] = next_left{{u}};
#endif
#ifdef RIGHT_ALONG_K
right_tile[half * 528u + right_k * 33u + right_n / 4u + 16u * {{u}}u][right_n % 4u] = next_right{{u}}.x;
right_tile[half * 528u + right_k * 33u + 33u + right_n / 4u + 16u * {{u}}u][right_n % 4u] = next_right{{u}}.y;
right_tile[half * 528u + right_k * 33u + 66u + right_n / 4u + 16u * {{u}}u][right_n % 4u] = next_right{{u}}.z;
right_tile[half * 528u + right_k * 33u + 99u + right_n / 4u + 16u * {{u}}u][right_n % 4u] = next_right{{u}}.w;
#else
right_tile[half * 528u + (right_k + 8u * {{u}}u) * 33u + right_n / 4u] = next_right{{u}};
#endif
#endfor
