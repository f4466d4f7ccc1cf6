/* The fit for x86-64 processors with AVX-512. */
#include "fit.h"

#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,avx512f,avx512dq,avx512vl")
#endif

#define FIT_MAPS fit_maps_avx512
#include "kernel.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
