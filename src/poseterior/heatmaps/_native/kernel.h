/* Least-squares fit of one Gaussian A exp(-d' P d / 2) per heatmap; heatmaps/fit.py states the contract.
   Included once for each instruction set, with FIT_MAPS naming the function that it defines.

   Each map is followed downhill from its peak. Where that leaves much unexplained, other starts are tried, and
   the map must show more than noise would. */
#include "fit.h"
#include "map.h"
#include "newton.h"
#include "signal.h"
#include "start.h"

static const double POOR = 0.1; /* share of the map's power left unexplained that calls for a second look */
static const double SIGNIFICANT = 1, SIGNIFICANT_AT_BOUND = 3;

/* The defined outcome of a map without a blob: as wide as the map, around the start. */
static Fit fit_nothing(const Map *map, const double *start_mean) {
    double half_width = 0.5 * map->width, half_height = 0.5 * map->height;
    double x = start_mean ? start_mean[0] : half_width - 0.5, y = start_mean ? start_mean[1] : half_height - 0.5;
    Gaussian g = {0, x, y, 1 / (half_width * half_width), 0, 1 / (half_height * half_height)};
    Fit fit = {g, map->sum_of_squares, map->finite ? NO_SIGNAL : INVALID, 0};
    Moments moments;
    if (!map->finite) return fit;
    moments_of(map, &g, &moments);
    fit.gaussian.amplitude = clamp(best_amplitude(map, &moments, &fit.cost), 0, 1);
    fit.cost = residual_sum(map, &fit.gaussian);
    return fit;
}

/* Nothing there, or the same everywhere. */
static int is_flat(const Map *map) {
    double n = (double)map->height * map->width;
    return !(map->sum_of_squares > 1e-200) ||
           n * map->sum_of_squares - map->sum * map->sum < 1e-12 * map->sum * map->sum;
}

/* A fit that hardly tells itself from a constant level. */
static int is_wide(const Map *map, const Gaussian *g) {
    return 2 * PI > (double)map->height * map->width * sqrt(g->xx * g->yy - g->xy * g->xy);
}

/* Of the candidates that are more than noise the one with the least cost; NULL if none is. A fit that leans on its
   bounds is often noise's doing and has more to prove. */
static const Fit *best_supported(const Map *map, const Fit *candidates, int count) {
    const Fit *best = NULL;
    for (int i = 0; i < count; i++) {
        if (best && candidates[i].cost > best->cost * (1 - 1e-6)) continue;
        if (stands_out(map, &candidates[i].gaussian, candidates[i].cost)) {
            best = candidates + i;
            continue;
        }
        double needed = candidates[i].status == AT_BOUND ? SIGNIFICANT_AT_BOUND : SIGNIFICANT;
        if (significance(map, &candidates[i].gaussian) > needed) best = candidates + i;
    }
    return best;
}

static Fit fit_map(const Map *map, const double *start_mean, double start_sigma) {
    if (!map->finite || is_flat(map)) return fit_nothing(map, start_mean);
    int x = map->peak_x, y = map->peak_y;
    int at_peak = !start_mean || (fabs(start_mean[0] - x) <= 1.5 && fabs(start_mean[1] - y) <= 1.5);
    Fit candidates[3];
    candidates[0] = minimise(map, at_peak ? start_from_half_widths(map, x, y)
                                          : isotropic(start_mean[0], start_mean[1], start_sigma));
    if (candidates[0].cost <= POOR * map->sum_of_squares && !is_wide(map, &candidates[0].gaussian))
        return candidates[0];

    int count = 1;
    if (at_peak) candidates[count++] = minimise(map, isotropic(x, y, start_sigma));
    const Fit *best = best_supported(map, candidates, count);
    if (!best) {
        if (!at_peak) candidates[count++] = minimise(map, start_from_half_widths(map, x, y));
        find_smoothed_peak(map, &x, &y);
        candidates[count++] = minimise(map, isotropic(x, y, start_sigma));
        best = best_supported(map, candidates, count);
    }
    Fit fit = best ? *best : fit_nothing(map, start_mean);
    fit.iterations = 0;
    for (int i = 0; i < count; i++) fit.iterations += candidates[i].iterations;
    return fit;
}

void FIT_MAPS FIT_PARAMETERS {
    Map map;
    size_t pixels = (size_t)height * width;
    map_place(&map, height, width, workspace);
    for (int64_t i = 0; i < count; i++) {
        if (is_double)
            map_read_double(&map, (const double *)maps + i * pixels);
        else
            map_read_float(&map, (const float *)maps + i * pixels);
        Fit fit = fit_map(&map, start_mean ? start_mean + 2 * i : NULL, start_sigma);
        const Gaussian *g = &fit.gaussian;
        double determinant = g->xx * g->yy - g->xy * g->xy;
        amplitude[i] = g->amplitude;
        mean[2 * i] = g->mean_x;
        mean[2 * i + 1] = g->mean_y;
        covariance[4 * i] = g->yy / determinant;
        covariance[4 * i + 1] = covariance[4 * i + 2] = (0 - g->xy) / determinant;
        covariance[4 * i + 3] = g->xx / determinant;
        rmse[i] = sqrt(fit.cost / pixels);
        status[i] = (uint8_t)fit.status;
        iterations[i] = fit.iterations;
    }
}
