/* Is there a blob at all, or only noise? */
#ifndef POSETERIOR_SIGNAL_H
#define POSETERIOR_SIGNAL_H

#include "moments.h"

enum { BINS = 64 };

/* Residual of the map regressed on a constant and the Gaussian's shape, into `residual` (laid out as the map).
   Returns the sum of squares that the shape explains beyond the constant; *left = what is left. */
static double regress_on_shape(const Map *map, const Gaussian *g, double *residual, double *left) {
    double n = (double)map->height * map->width;
    lanes sum_g = {0}, sum_gg = {0}, sum_yg = {0};
    for (int y = 0; y < map->height; y++) {
        double dy = y - g->mean_y;
        for (int x = 0; x < map->stride; x += LANES) {
            size_t at = (size_t)y * map->stride + x;
            lanes dx = lanes_load(map->column + x) - g->mean_x;
            lanes value = lanes_exp(-0.5 * (g->xx * dx * dx + g->yy * dy * dy) - g->xy * dx * dy);
            sum_g += value;
            sum_gg += value * value;
            sum_yg += value * lanes_load(map->value + at);
            memcpy(residual + at, &value, sizeof value);
        }
    }
    double mean_g = lanes_sum(sum_g) / n, gg = lanes_sum(sum_gg);
    double variance_g = gg - n * mean_g * mean_g, covariance = lanes_sum(sum_yg) - mean_g * map->sum;
    double variance = map->sum_of_squares - map->sum * map->sum / n;
    if (!(variance_g > 1e-12 * gg) || !(covariance > 0) || !(variance > 0)) return 0;
    double slope = covariance / variance_g, level = map->sum / n - slope * mean_g;
    for (int y = 0; y < map->height; y++)
        for (int x = 0; x < map->stride; x++) {
            size_t at = (size_t)y * map->stride + x;
            residual[at] = map->value[at] - level - slope * residual[at];
        }
    *left = fmax(variance - slope * covariance, 1e-14 * variance);
    return slope * covariance;
}

/* Share of independent cells among all: noise smoothed until neighbours correlate by r = exp(-1 / (4 s^2)) has one
   per 4 pi s^2. */
static double independent_share(const Map *map, const double *residual) {
    double power = 0, beside = 0, below = 0;
    for (int y = 0; y < map->height; y++) {
        const double *row = residual + (size_t)y * map->stride, *next = row + map->stride;
        for (int x = 0; x < map->width; x++) power += row[x] * row[x];
        for (int x = 0; x + 1 < map->width; x++) beside += row[x] * row[x + 1];
        for (int x = 0; y + 1 < map->height && x < map->width; x++) below += row[x] * next[x];
    }
    double correlation = 0.5 * (beside + below) / power;
    return correlation > 0 ? clamp(-log(correlation) / PI, 1e-3, 1.0) : 1.0;
}

/* Twice the 80th percentile of |residual|, or its standard deviation if that is less: no less than the standard
   deviation for noise of any usual kind, but blind to a few further blobs. */
static double robust_deviation(const Map *map, const double *residual, double deviation) {
    int count[BINS] = {0}, wanted = (int)(0.8 * map->height * map->width), bin = 0;
    double per_bin = 0.5 * deviation / BINS, inverse = 1 / per_bin;
    for (int y = 0; y < map->height; y++)
        for (int x = 0; x < map->width; x++) {
            double position = fabs(residual[(size_t)y * map->stride + x]) * inverse;
            if (position < BINS) count[(int)position]++;
        }
    for (int seen = count[0]; seen < wanted && bin < BINS; seen += bin < BINS ? count[bin] : 0) bin++;
    return bin < BINS ? 2 * (bin + 1) * per_bin : deviation;
}

static void clip(const Map *map, double *residual, double limit) {
    size_t size = (size_t)map->height * map->stride;
    for (size_t i = 0; i < size; i++) residual[i] = clamp(residual[i], -limit, limit);
}

/* What the Gaussian's shape explains of the map beyond a constant level, as a multiple of the most that it would
   explain of noise with the residual's own scale and smoothness: above 1 there is a blob. In units of the noise
   that most is 20 to 30 for wide shapes in white noise (chi-squared, best of all places); more where the shape
   covers few independent cells or few pixels, so that the tails of the noise itself count. The constants were set
   on thousands of maps of noise (white, clamped, uniform, exponential, smoothed), and on weak, multimodal and real
   maps that must pass. */
static double significance(const Map *map, const Gaussian *g) {
    double n = (double)map->height * map->width, *residual = map->scratch, left;
    double explained = regress_on_shape(map, g, residual, &left);
    if (!(explained > 0)) return 0;
    double deviation = robust_deviation(map, residual, sqrt(left / n));
    clip(map, residual, 2 * deviation);
    double share = independent_share(map, residual);
    double area = 2 * PI / sqrt(g->xx * g->yy - g->xy * g->xy);
    double needed = 30 + 60 / fmax(area * share, 2) + 300 / fmax(area, 2);
    return explained / (deviation * deviation) * share / needed;
}

/* A peak on the map, twelve times as high as the residual's RMS, wider than stray pixels and narrower than a
   level would be, needs no such test. */
static int stands_out(const Map *map, const Gaussian *g, double cost) {
    double n = (double)map->height * map->width, area = 2 * PI / sqrt(g->xx * g->yy - g->xy * g->xy);
    int inside = g->mean_x >= 0 && g->mean_x < map->width && g->mean_y >= 0 && g->mean_y < map->height;
    return inside && area > 2 * PI && area < 0.25 * n && g->amplitude * g->amplitude * n > 144 * cost;
}

#endif
