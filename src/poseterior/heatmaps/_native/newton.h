/* Damped Newton's method for one Gaussian from one start (Levenberg-Marquardt with the exact Hessian).

   The amplitude enters linearly, so every evaluation uses the best one for its shape; the step of all six
   parameters together is then Newton's step of the reduced problem. Where the Hessian is not positive definite
   the Gauss-Newton matrix [f f] takes its place. A step moves the mean by P^-1 (linear part) and the precision
   by L (I + D / 2)^2 L' with P = L L', so that it stays positive definite. */
#ifndef POSETERIOR_NEWTON_H
#define POSETERIOR_NEWTON_H

#include "moments.h"
#include "residual.h"

enum { PARAMETERS = 6, MAX_ITERATIONS = 60 };

static const double SIGMA_MIN = 0.1;      /* cells; below, a Gaussian is one pixel */
static const double AMPLITUDE_MAX = 1e4;  /* of a peak far outside of the map */
static const double MAX_MEAN_STEP = 1.5;  /* standard deviations */
static const double MAX_SHAPE_STEP = 1.0; /* Frobenius norm of D */
static const double LAST_STEP = 3e-4;     /* standard deviations; the next step would be this squared: done */
static const double LAST_STEP_EXACT = 1e-7;
static const double EXACT = 1e-6;         /* share of the map's power; a smaller cost is followed to the end */
static const double LEAST_GAIN = 1e-10;   /* share of the cost; below, an iteration was not worth it */
static const double LEAST_GAIN_AT_BOUND = 1e-6;
static const double MIN_DAMPING = 1e-4, MAX_DAMPING = 1e8;

typedef enum { CONVERGED = 0, AT_BOUND = 1, EXHAUSTED = 2, NO_SIGNAL = 3, INVALID = 4 } Status;

typedef struct {
    Gaussian gaussian;
    double cost; /* sum of squared residuals over the map */
    Status status;
    int iterations;
} Fit;

/* Powers of u and v in the basis b. */
static const int BASIS_U[PARAMETERS] = {0, 1, 0, 2, 1, 0}, BASIS_V[PARAMETERS] = {0, 0, 1, 0, 1, 2};

/* The best amplitude for the shape within its bounds, and the cost that goes with it. */
static double best_amplitude(const Map *map, const Moments *m, double *cost) {
    double amplitude = m->gg[0] > 1e-250 ? m->yg[0] / m->gg[0] : 0.0;
    if (amplitude > AMPLITUDE_MAX) amplitude = AMPLITUDE_MAX;
    *cost = map->sum_of_squares - amplitude * (2 * m->yg[0] - amplitude * m->gg[0]);
    if (*cost < 0) *cost = 0;
    return amplitude;
}

/* Solves (matrix + damping * diagonal) step = -gradient over parameters [first, end); 0 if not positive definite. */
static int solve(const double matrix[PARAMETERS][PARAMETERS], const double *diagonal, double damping,
                 const double *gradient, int first, int end, double *step) {
    double lower[PARAMETERS][PARAMETERS], inverse[PARAMETERS], partial[PARAMETERS];
    for (int i = first; i < end; i++) {
        for (int j = first; j < i; j++) {
            double sum = matrix[i][j];
            for (int k = first; k < j; k++) sum -= lower[i][k] * lower[j][k];
            lower[i][j] = sum * inverse[j];
        }
        double pivot = matrix[i][i] + damping * diagonal[i];
        double least = 1e-13 * pivot;
        for (int k = first; k < i; k++) pivot -= lower[i][k] * lower[i][k];
        if (!(pivot > least) || !(pivot > 0)) return 0;
        inverse[i] = 1 / sqrt(pivot);
        double sum = -gradient[i];
        for (int k = first; k < i; k++) sum -= lower[i][k] * partial[k];
        partial[i] = sum * inverse[i];
    }
    for (int i = end - 1; i >= first; i--) {
        double sum = partial[i];
        for (int k = i + 1; k < end; k++) sum -= lower[k][i] * step[k];
        step[i] = sum * inverse[i];
    }
    return 1;
}

/* The damped step in log-quadratic coefficients, of the shape's only if it is not held; raises the damping until
   the system can be solved. Returns 1 if it was Newton's own, undamped; *gain = what that takes off the cost. */
static int newton_step(const Moments *m, double amplitude, int hold_shape, double *damping, double *step,
                       double *gain) {
    double newton[PARAMETERS][PARAMETERS], gauss[PARAMETERS][PARAMETERS];
    double gradient[PARAMETERS], diagonal[PARAMETERS];
    double a2 = amplitude * amplitude;
    int first = amplitude >= AMPLITUDE_MAX ? 1 : 0, end = hold_shape ? 3 : PARAMETERS;
    for (int i = 0; i < PARAMETERS; i++) {
        for (int j = 0; j <= i; j++) {
            int k = MONOMIAL[BASIS_U[i] + BASIS_U[j]][BASIS_V[i] + BASIS_V[j]];
            gauss[i][j] = a2 * m->gg[k];
            newton[i][j] = 2 * a2 * m->gg[k] - amplitude * m->yg[k];
        }
        gradient[i] = a2 * m->gg[i] - amplitude * m->yg[i];
        diagonal[i] = gauss[i][i] + 1e-9 * gauss[0][0];
        step[i] = 0;
    }
    *gain = 0;
    if (!(gauss[0][0] > 0)) return 0;
    if (solve(newton, diagonal, *damping, gradient, first, end, step)) {
        for (int i = first; i < end; i++) *gain -= gradient[i] * step[i];
        return *damping == 0;
    }
    if (*damping < MIN_DAMPING) *damping = MIN_DAMPING;
    while (*damping < MAX_DAMPING && !solve(gauss, diagonal, *damping, gradient, first, end, step)) *damping *= 10;
    return 0;
}

/* Keeps the mean within half a map around the map and the standard deviations within [0.1, 2 map sizes].
   Returns 1 if something had to move, or lies on its bound to rounding. */
static int keep_in_bounds(const Map *map, Gaussian *g) {
    double largest = 2.0 * (map->width > map->height ? map->width : map->height);
    double low = 1 / (largest * largest), high = 1 / (SIGMA_MIN * SIGMA_MIN);
    double x = clamp(g->mean_x, -0.5 * map->width, 1.5 * map->width);
    double y = clamp(g->mean_y, -0.5 * map->height, 1.5 * map->height);
    int moved = x != g->mean_x || y != g->mean_y;
    g->mean_x = x;
    g->mean_y = y;
    double half_sum = 0.5 * (g->xx + g->yy), half_difference = 0.5 * (g->xx - g->yy);
    double radius = sqrt(half_difference * half_difference + g->xy * g->xy);
    double major = half_sum + radius, minor = half_sum - radius, rounding = 1e-14 * half_sum;
    if (minor > low + rounding && major < high - rounding) return moved;
    major = clamp(major, low, high);
    minor = clamp(minor, low, high);
    double cosine = radius > 0 ? half_difference / radius : 1.0, sine = radius > 0 ? g->xy / radius : 0.0;
    g->xx = 0.5 * (major + minor) + 0.5 * (major - minor) * cosine;
    g->yy = 0.5 * (major + minor) - 0.5 * (major - minor) * cosine;
    g->xy = 0.5 * (major - minor) * sine;
    return 1;
}

/* Moves `g` by the step, shortened to the trust region; returns the step's length in standard deviations. */
static double retract(const Moments *m, const double *step, Gaussian *g) {
    double sx = m->scale_x, sy = m->scale_y;
    double l11 = sqrt(g->xx) * sx, l21 = g->xy * sx * sy / l11;
    double l22 = sqrt(fmax(g->yy * sy * sy - l21 * l21, 1e-12));
    double t1 = step[1] / l11, t2 = (step[2] - l21 * t1) / l22;
    double x11 = -2 * step[3] / l11, x12 = -step[4] / l11;
    double x21 = (-step[4] - l21 * x11) / l22, x22 = (-2 * step[5] - l21 * x12) / l22;
    double d11 = x11 / l11, d12 = (x12 - l21 * d11) / l22, d22 = (x22 - l21 * (x21 / l11)) / l22;
    double mean_length = sqrt(t1 * t1 + t2 * t2);
    double shape_length = sqrt(d11 * d11 + 2 * d12 * d12 + d22 * d22);
    double shorten = fmax(1.0, fmax(mean_length / MAX_MEAN_STEP, shape_length / MAX_SHAPE_STEP));
    double keep = 1 / shorten;
    t1 *= keep, t2 *= keep, d11 *= 0.5 * keep, d12 *= 0.5 * keep, d22 *= 0.5 * keep;

    double dy = t2 / l22;
    g->mean_x += sx * (t1 - l21 * dy) / l11;
    g->mean_y += sy * dy;
    double r11 = l11 * (1 + d11), r12 = l11 * d12; /* R = L (I + D / 2); the new precision is R R' */
    double r21 = l21 * (1 + d11) + l22 * d12, r22 = l21 * d12 + l22 * (1 + d22);
    g->xx = (r11 * r11 + r12 * r12) / (sx * sx);
    g->xy = (r11 * r21 + r12 * r22) / (sx * sy);
    g->yy = (r21 * r21 + r22 * r22) / (sy * sy);
    return fmax(mean_length, shape_length) * keep;
}

/* Follows the start downhill. Pixels beyond the Gaussian's reach count as not explained, which they are to e^-14. */
static Fit minimise(const Map *map, Gaussian start) {
    Fit fit = {start, 0, CONVERGED, 0};
    Moments here, there;
    int at_bound = keep_in_bounds(map, &fit.gaussian), hold_shape = 0;
    double damping = 0;
    moments_of(map, &fit.gaussian, &here);
    fit.gaussian.amplitude = best_amplitude(map, &here, &fit.cost);
    while (1) {
        double step[PARAMETERS], gain, cost;
        int newton = newton_step(&here, fit.gaussian.amplitude, hold_shape, &damping, step, &gain);
        Gaussian next = fit.gaussian;
        double length = retract(&here, step, &next);
        int bounded = keep_in_bounds(map, &next);
        int near = newton && !bounded && length < LAST_STEP;
        if (near && (length < LAST_STEP_EXACT || fit.cost - gain > EXACT * map->sum_of_squares)) {
            next.amplitude = clamp(fit.gaussian.amplitude * (1 + step[0]), 0, AMPLITUDE_MAX);
            fit.gaussian = next;
            fit.cost -= gain;
            break;
        }
        if (++fit.iterations >= MAX_ITERATIONS) {
            fit.status = EXHAUSTED;
            break;
        }
        moments_of(map, &next, &there);
        next.amplitude = best_amplitude(map, &there, &cost);
        if (cost < fit.cost || near) {
            gain = fit.cost - cost;
            fit.gaussian = next;
            fit.cost = cost;
            here = there;
            at_bound = bounded;
            damping = damping > MIN_DAMPING ? damping * 0.1 : 0;
            if (gain < (at_bound ? LEAST_GAIN_AT_BOUND : LEAST_GAIN) * cost && !near) break;
        } else if (bounded && at_bound && !hold_shape) {
            hold_shape = 1; /* the step was made for a shape that the bound forbids */
        } else {
            damping = damping > 0 ? damping * 10 : MIN_DAMPING * 10;
            if (damping > MAX_DAMPING) break;
        }
    }
    if (fit.status == CONVERGED && (at_bound || fit.gaussian.amplitude >= AMPLITUDE_MAX)) fit.status = AT_BOUND;
    if (fit.cost < EXACT * map->sum_of_squares) fit.cost = residual_sum(map, &fit.gaussian);
    return fit;
}

#endif
