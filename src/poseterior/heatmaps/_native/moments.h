/* The sums over pixels from which value, gradient and exact Hessian of the least-squares problem follow.

   With f = A g, g = exp(-d' P d / 2), and log f linear in q over the basis b = (1, u, v, u^2, uv, v^2):
       gradient of sum (f - y)^2 / 2 :  sum (f - y) f b        = A^2 [g g] - A [y g]   (orders up to 2)
       its Hessian                   :  sum (2 f^2 - y f) b b' = 2 A^2 [g g] - A [y g] (orders up to 4)
   where [w]_ij = sum w u^i v^j, and (u, v) is the offset from the mean in units of its standard deviations. */
#ifndef POSETERIOR_MOMENTS_H
#define POSETERIOR_MOMENTS_H

#include <math.h>

#include "map.h"

typedef struct {
    double amplitude, mean_x, mean_y;
    double xx, xy, yy; /* precision matrix P, 1 / cell^2 */
} Gaussian;

enum { ORDER = 4, MONOMIALS = 15 };

static const double PI = 3.141592653589793;

/* Position of u^i v^j among the monomials of order up to 4; the first six are the basis b. */
static const int MONOMIAL[ORDER + 1][ORDER + 1] = {
    {0, 2, 5, 9, 14}, {1, 4, 8, 13, -1}, {3, 7, 12, -1, -1}, {6, 11, -1, -1, -1}, {10, -1, -1, -1, -1}};

typedef struct {
    double gg[MONOMIALS], yg[MONOMIALS];
    double scale_x, scale_y; /* u = (x - mean_x) / scale_x */
} Moments;

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

/* Beyond this value of d' P d / 2 a Gaussian is not summed: e^-14 of its height at its peak or, where that is off
   the map, at the point of the map's border next to it. */
static const double REACH = 14.0;

static double gaussian_reach(const Map *map, const Gaussian *g) {
    double dx = clamp(g->mean_x, 0, map->width - 1) - g->mean_x;
    double dy = clamp(g->mean_y, 0, map->height - 1) - g->mean_y;
    return REACH + 0.5 * (g->xx * dx * dx + g->yy * dy * dy) + g->xy * dx * dy;
}

static int clamp_int(double value, int low, int high) {
    if (!(value > low)) return low;
    return value < high ? (int)value : high;
}

/* The ellipse d' P d / 2 <= reach, asked for its columns and for its rows over a range of columns. */
typedef struct {
    double mean_x, mean_y;
    double half_width, slope, curvature, inverse_yy, two_reach;
    double top_dx; /* offset in x of the ellipse's lowest row (largest y) */
} Ellipse;

static Ellipse ellipse_of(const Gaussian *g, double reach) {
    Ellipse e;
    double determinant = g->xx * g->yy - g->xy * g->xy;
    e.mean_x = g->mean_x;
    e.mean_y = g->mean_y;
    e.two_reach = 2 * reach;
    e.inverse_yy = 1 / g->yy;
    e.half_width = sqrt(e.two_reach * g->yy / determinant);
    e.slope = -g->xy * e.inverse_yy;
    e.curvature = determinant * e.inverse_yy;
    e.top_dx = -g->xy * sqrt(e.two_reach / (g->xx * determinant));
    return e;
}

/* Offset in y of the boundary at offset dx: upper (sign 1) or lower (sign -1). */
static double ellipse_boundary(const Ellipse *e, double dx, double sign) {
    double left = e->two_reach - dx * dx * e->curvature;
    return e->slope * dx + sign * (left > 0 ? sqrt(left * e->inverse_yy) : 0.0);
}

/* Rows [*first, *last] that the ellipse covers anywhere in the columns [x0, x1]; empty if first > last. */
static void ellipse_rows(const Ellipse *e, int height, double x0, double x1, int *first, int *last) {
    double low = clamp(x0 - e->mean_x, -e->half_width, e->half_width);
    double high = clamp(x1 - e->mean_x, -e->half_width, e->half_width);
    double top = e->mean_y + ellipse_boundary(e, clamp(e->top_dx, low, high), 1);
    double bottom = e->mean_y + ellipse_boundary(e, clamp(-e->top_dx, low, high), -1);
    *first = clamp_int(ceil(bottom), 0, height);
    *last = clamp_int(floor(top), -1, height - 1);
}

/* All moments of the map under the Gaussian's shape (its amplitude is not used). */
static void moments_of(const Map *map, const Gaussian *g, Moments *out) {
    const int height = map->height;
    double determinant = g->xx * g->yy - g->xy * g->xy;
    double scale_x = sqrt(g->yy / determinant), scale_y = sqrt(g->xx / determinant);
    double half_xx = -0.5 * g->xx * scale_x * scale_x, half_yy = -0.5 * g->yy * scale_y * scale_y;
    double minus_xy = -g->xy * scale_x * scale_y;
    Ellipse ellipse = ellipse_of(g, gaussian_reach(map, g));
    out->scale_x = scale_x;
    out->scale_y = scale_y;

    int first_row = clamp_int(ceil(g->mean_y - sqrt(ellipse.two_reach) * scale_y), 0, height);
    int last_row = clamp_int(floor(g->mean_y + sqrt(ellipse.two_reach) * scale_y), -1, height - 1);
    double *v1 = map->row, *v2 = v1 + height, *v3 = v2 + height, *v4 = v3 + height, *exponent = v4 + height;
    double inverse_y = 1 / scale_y, inverse_x = 1 / scale_x;
    for (int y = first_row; y <= last_row; y++) {
        double v = (y - g->mean_y) * inverse_y;
        v1[y] = v;
        v2[y] = v * v;
        v3[y] = v * v * v;
        v4[y] = v * v * v * v;
        exponent[y] = half_yy * v * v;
    }

    lanes gg[MONOMIALS], yg[MONOMIALS];
    memset(gg, 0, sizeof gg);
    memset(yg, 0, sizeof yg);
    int first_column = clamp_int(ceil(g->mean_x - ellipse.half_width), 0, map->width);
    int last_column = clamp_int(floor(g->mean_x + ellipse.half_width), -1, map->width - 1);
    int blocks = (last_column - first_column + LANES) / LANES; /* whole vectors, moved left to stay on the row */
    int start = first_column < map->stride - blocks * LANES ? first_column : map->stride - blocks * LANES;
    for (int x0 = start; x0 < start + blocks * LANES; x0 += LANES) {
        int first, last;
        ellipse_rows(&ellipse, height, x0, x0 + LANES - 1, &first, &last);
        if (first < first_row) first = first_row;
        if (last > last_row) last = last_row;
        lanes u = (lanes_load(map->column + x0) - g->mean_x) * inverse_x;
        lanes base = half_xx * u * u, slope = minus_xy * u;
        lanes a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, a4 = {0}, b0 = {0}, b1 = {0}, b2 = {0}, b3 = {0}, b4 = {0};
        for (int y = first; y <= last; y++) {
            lanes value = lanes_exp(slope * v1[y] + (base + exponent[y]));
            lanes square = value * value;
            lanes product = value * lanes_load(map->value + (size_t)y * map->stride + x0);
            a0 += square;
            a1 += square * v1[y];
            a2 += square * v2[y];
            a3 += square * v3[y];
            a4 += square * v4[y];
            b0 += product;
            b1 += product * v1[y];
            b2 += product * v2[y];
            b3 += product * v3[y];
            b4 += product * v4[y];
        }
        lanes u2 = u * u, u3 = u2 * u, u4 = u2 * u2;
        gg[0] += a0, gg[2] += a1, gg[5] += a2, gg[9] += a3, gg[14] += a4;
        gg[1] += u * a0, gg[4] += u * a1, gg[8] += u * a2, gg[13] += u * a3;
        gg[3] += u2 * a0, gg[7] += u2 * a1, gg[12] += u2 * a2;
        gg[6] += u3 * a0, gg[11] += u3 * a1;
        gg[10] += u4 * a0;
        yg[0] += b0, yg[2] += b1, yg[5] += b2, yg[9] += b3, yg[14] += b4;
        yg[1] += u * b0, yg[4] += u * b1, yg[8] += u * b2, yg[13] += u * b3;
        yg[3] += u2 * b0, yg[7] += u2 * b1, yg[12] += u2 * b2;
        yg[6] += u3 * b0, yg[11] += u3 * b1;
        yg[10] += u4 * b0;
    }
    for (int m = 0; m < MONOMIALS; m++) {
        out->gg[m] = lanes_sum(gg[m]);
        out->yg[m] = lanes_sum(yg[m]);
    }
}

#endif
