/* The fit for x86-64 processors with AVX2 and FMA. */
#include "fit.h"

#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define FIT_MAPS fit_maps_avx2
#include "kernel.h"

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
