/* Where to start from. */
#ifndef POSETERIOR_START_H
#define POSETERIOR_START_H

#include "moments.h"

static Gaussian isotropic(double x, double y, double sigma) {
    double precision = 1 / (sigma * sigma);
    Gaussian g = {1.0, x, y, precision, 0.0, precision};
    return g;
}

/* Distance in steps (dx, dy) at which the map falls to half of the value at (x, y); 0 if the border comes first. */
static double half_width(const Map *map, int x, int y, int dx, int dy) {
    double half = 0.5 * map->value[(size_t)y * map->stride + x], last = 2 * half;
    for (int steps = 1;; steps++) {
        x += dx;
        y += dy;
        if (x < 0 || y < 0 || x >= map->width || y >= map->height) return 0;
        double value = map->value[(size_t)y * map->stride + x];
        if (value < half) return steps - 1 + (last - half) / (last - value);
        last = value;
    }
}

/* e' P e along a line through the peak, from the half-widths to both sides; *offset = the middle between them. */
static double line_precision(const Map *map, int x, int y, int dx, int dy, double *offset) {
    double ahead = half_width(map, x, y, dx, dy), behind = half_width(map, x, y, -dx, -dy);
    double half;
    *offset = ahead > 0 && behind > 0 ? 0.5 * (ahead - behind) : 0.0;
    if (ahead > 0 && behind > 0)
        half = 0.5 * (ahead + behind);
    else if (ahead + behind > 0)
        half = ahead + behind;
    else
        half = map->width > map->height ? map->width : map->height;
    return 2 * 0.6931471805599453 / (half * half);
}

/* The Gaussian whose half-maximum widths along x, y and both diagonals are those of the blob around a pixel. */
static Gaussian start_from_half_widths(const Map *map, int x, int y) {
    double offset_x, offset_y, ignored;
    double xx = line_precision(map, x, y, 1, 0, &offset_x);
    double yy = line_precision(map, x, y, 0, 1, &offset_y);
    double down = line_precision(map, x, y, 1, 1, &ignored), up = line_precision(map, x, y, 1, -1, &ignored);
    double limit = 0.9 * sqrt(xx * yy);
    Gaussian g = {1.0, x + offset_x, y + offset_y, xx, clamp(0.25 * (down - up), -limit, limit), yy};
    return g;
}

/* The pixel around which a box of five by five holds most: the peak of a blob that noise outshines. */
static void find_smoothed_peak(const Map *map, int *peak_x, int *peak_y) {
    double best = -1;
    for (int y = 0; y < map->height; y++) {
        int top = y > 2 ? y - 2 : 0, bottom = y + 2 < map->height ? y + 2 : map->height - 1;
        for (int x = 0; x < map->width; x++) {
            int left = x > 2 ? x - 2 : 0, right = x + 2 < map->width ? x + 2 : map->width - 1;
            double sum = 0;
            for (int yy = top; yy <= bottom; yy++)
                for (int xx = left; xx <= right; xx++) sum += map->value[(size_t)yy * map->stride + xx];
            if (sum > best) best = sum, *peak_x = x, *peak_y = y;
        }
    }
}

#endif
