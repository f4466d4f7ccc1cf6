/* The sum of squared residuals over the whole map, without the cancellation that the moments suffer from. */
#ifndef POSETERIOR_RESIDUAL_H
#define POSETERIOR_RESIDUAL_H

#include "moments.h"

static double residual_sum(const Map *map, const Gaussian *g) {
    lanes sum = {0};
    for (int x = 0; x < map->stride; x += LANES) {
        lanes dx = lanes_load(map->column + x) - g->mean_x;
        lanes base = -0.5 * g->xx * dx * dx, slope = -g->xy * dx;
        for (int y = 0; y < map->height; y++) {
            double dy = y - g->mean_y;
            lanes model = g->amplitude * lanes_exp(base + slope * dy - 0.5 * g->yy * dy * dy);
            lanes residual = lanes_load(map->value + (size_t)y * map->stride + x) - model;
            sum += residual * residual;
        }
    }
    return lanes_sum(sum);
}

#endif
