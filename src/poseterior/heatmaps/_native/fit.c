/* What ctypes calls. */
#define FIT_MAPS fit_maps_baseline
#include "kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#ifndef SOURCES_SHA256
#define SOURCES_SHA256 "unknown"
#endif

/* What the build hook found the sources to be; the loader compares it with what lies beside the library. */
EXPORT const char *poseterior_fit_sources(void) { return SOURCES_SHA256; }

/* How many doubles `poseterior_fit` wants as workspace. */
EXPORT int64_t poseterior_fit_workspace(int32_t height, int32_t width) { return map_workspace(height, width); }

/* The newest variant that this processor and its system can run: 2 with AVX-512 F, DQ and VL, 1 with AVX2 and
   FMA, else 0. */
EXPORT int poseterior_fit_variant(void) {
#if defined(__x86_64__)
    unsigned a, b, c, d, saved, ignored;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA)) return 0;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(ignored) : "c"(0));
    if ((saved & 0x06) != 0x06 || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return 0;
    int has_512 = (b & bit_AVX512F) && (b & bit_AVX512DQ) && (b & bit_AVX512VL);
    return (saved & 0xe6) == 0xe6 && has_512 ? 2 : 1;
#else
    return 0;
#endif
}

/* The variant number comes after the fit's own parameters; one that the processor lacks ends the process. */
EXPORT void poseterior_fit(const void *maps, int is_double, int64_t count, int32_t height, int32_t width,
                           const double *start_mean, double start_sigma, double *workspace, double *amplitude,
                           double *mean, double *covariance, double *rmse, uint8_t *status,
                           int32_t *iterations, int variant) {
    void(*fit_maps) FIT_PARAMETERS = fit_maps_baseline;
#if defined(__x86_64__)
    if (variant == 1) fit_maps = fit_maps_avx2;
    if (variant == 2) fit_maps = fit_maps_avx512;
#else
    (void)variant;
#endif
    fit_maps(maps, is_double, count, height, width, start_mean, start_sigma, workspace, amplitude, mean,
             covariance, rmse, status, iterations);
}
