/* One heatmap, clamped to [0, 1], in rows padded to whole vectors. */
#ifndef POSETERIOR_MAP_H
#define POSETERIOR_MAP_H

#include <stdint.h>

#include "vector.h"

typedef struct {
    int height, width, stride;
    double *value;  /* height x stride, padded with 0 */
    double *column; /* stride; x of each column; padding lies so far away that every Gaussian is 0 there */
    double *row;    /* 5 x height: powers of the scaled y that one evaluation needs */
    double *scratch; /* laid out as `value` */
    double sum, sum_of_squares, max;
    int peak_x, peak_y;
    int finite;
} Map;

static int padded(int width) { return (width + LANES - 1) / LANES * LANES; }

/* Doubles that one map needs, alignment included. */
static inline int64_t map_workspace(int height, int width) {
    int64_t stride = padded(width);
    return 2 * height * stride + stride + 5 * (int64_t)height + LANES;
}

static void map_place(Map *map, int height, int width, double *workspace) {
    size_t pixels = (size_t)height * padded(width);
    memset(map, 0, sizeof *map);
    map->height = height;
    map->width = width;
    map->stride = padded(width);
    map->value = (double *)(((uintptr_t)workspace + 63) & ~(uintptr_t)63);
    map->scratch = map->value + pixels;
    map->column = map->scratch + pixels;
    map->row = map->column + map->stride;
    for (int x = 0; x < map->stride; x++) map->column[x] = x < width ? x : 1e9 + x;
}

/* Where the largest value stands first, in row order. */
INLINE void map_find_peak(Map *map) {
    for (int y = 0; y < map->height; y++) {
        const double *row = map->value + (size_t)y * map->stride;
        long long found = 0;
        for (int x = 0; x < map->stride; x++) found |= row[x] == map->max ? 1 : 0;
        if (!found) continue;
        map->peak_y = y;
        while (row[map->peak_x] != map->max) map->peak_x++;
        return;
    }
}

/* Copies the source in, clamped to [0, 1], and takes sum, sum of squares, maximum and whether all is finite.
   v - v is 0 for every finite v and NaN otherwise. */
#define DEFINE_MAP_READ(NAME, TYPE, LOAD)                                                         \
    static void NAME(Map *map, const TYPE *source) {                                              \
        const int height = map->height, width = map->width, stride = map->stride;                 \
        lanes sum = {0}, squares = {0}, peaks[2] = {{0}, {0}}, unfit = {0};                       \
        const lanes zero = {0}, one = zero + 1.0;                                                 \
        for (int y = 0; y < height; y++) {                                                        \
            const TYPE *from = source + (size_t)y * width;                                        \
            double *to = map->value + (size_t)y * stride;                                         \
            for (int x = 0; x < stride; x += LANES) {                                             \
                lanes v = {0};                                                                    \
                if (x + LANES <= width)                                                           \
                    v = LOAD(from + x);                                                           \
                else                                                                              \
                    for (int k = 0; x + k < width; k++) v[k] = (double)from[x + k];               \
                unfit += v - v;                                                                   \
                v = lanes_min(lanes_max(v, zero), one);                                           \
                memcpy(to + x, &v, sizeof v);                                                     \
                sum += v;                                                                         \
                squares += v * v;                                                                 \
                peaks[x / LANES & 1] = lanes_max(peaks[x / LANES & 1], v);                        \
            }                                                                                     \
        }                                                                                         \
        map->finite = lanes_sum(unfit) == 0.0;                                                    \
        map->sum = lanes_sum(sum);                                                                \
        map->sum_of_squares = lanes_sum(squares);                                                 \
        const lanes peak = lanes_max(peaks[0], peaks[1]);                                         \
        map->max = 0.0;                                                                           \
        for (int k = 0; k < LANES; k++) map->max = peak[k] > map->max ? peak[k] : map->max;       \
        map->peak_x = map->peak_y = 0;                                                            \
        if (map->finite) map_find_peak(map);                                                      \
    }

DEFINE_MAP_READ(map_read_float, float, lanes_load_float)
DEFINE_MAP_READ(map_read_double, double, lanes_load)

#endif
