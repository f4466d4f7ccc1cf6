/* The one function of the library, in as many instruction sets as the processor family has. */
#ifndef POSETERIOR_FIT_H
#define POSETERIOR_FIT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fits `count` maps, row-major and contiguous; start_mean may be NULL. */
#define FIT_PARAMETERS                                                                             \
    (const void *maps, int is_double, int64_t count, int32_t height, int32_t width,                \
     const double *start_mean, double start_sigma, double *workspace, double *amplitude,           \
     double *mean, double *covariance, double *rmse, uint8_t *status, int32_t *iterations)

void fit_maps_baseline FIT_PARAMETERS;
void fit_maps_avx2 FIT_PARAMETERS;
void fit_maps_avx512 FIT_PARAMETERS;

#endif
