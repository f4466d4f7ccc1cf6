/* Eight doubles at a time, in the vector extensions that gcc and clang share on every processor. */
#ifndef POSETERIOR_VECTOR_H
#define POSETERIOR_VECTOR_H

#include <string.h>

#define LANES 8

typedef double lanes __attribute__((vector_size(64)));
typedef long long lane_bits __attribute__((vector_size(64)));
typedef double quad __attribute__((vector_size(32)));
typedef float float_lanes __attribute__((vector_size(32)));

#define INLINE static inline __attribute__((always_inline))

INLINE lanes lanes_load(const double *from) {
    lanes out;
    memcpy(&out, from, sizeof out);
    return out;
}

INLINE lanes lanes_load_float(const float *from) {
    float_lanes out;
    memcpy(&out, from, sizeof out);
    return __builtin_convertvector(out, lanes);
}

/* Lane by lane: where the mask's bits are set `a`, elsewhere `b`. */
INLINE lanes lanes_select(lane_bits mask, lanes a, lanes b) {
    return (lanes)((mask & (lane_bits)a) | (~mask & (lane_bits)b));
}

INLINE lanes lanes_max(lanes a, lanes b) { return lanes_select(a > b, a, b); }

INLINE lanes lanes_min(lanes a, lanes b) { return lanes_select(a < b, a, b); }

INLINE double lanes_sum(lanes a) {
    quad low, high;
    memcpy(&low, &a, sizeof low);
    memcpy(&high, (const char *)&a + sizeof low, sizeof high);
    low += high;
    return (low[0] + low[2]) + (low[1] + low[3]);
}

/* exp(x) for x <= 0 to 3e-14 relative; below -600 it stays at exp(-600), which is nothing in a sum of squares.
   x = n log 2 + r; n comes out of the low bits of a sum with 1.5 * 2^52, exp(r) out of its Taylor series. */
INLINE lanes lanes_exp(lanes x) {
    const double log2_e = 1.4426950408889634, log_2 = 0.6931471805599453, round = 6755399441055744.0;
    x = lanes_max(x, (lanes){0} - 600.0);
    lanes shifted = x * log2_e + round;
    lanes r = x - (shifted - round) * log_2;
    lanes p = r * (1.0 / 39916800) + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return (lanes)((lane_bits)p + ((lane_bits)shifted << 52));
}

#endif
