/* The rotation that brings one point set closest to another, once in each lane.

   As a unit quaternion it is the eigenvector of the largest eigenvalue of a symmetric traceless 4 x 4 matrix
   (Horn, J. Opt. Soc. Am. A 4(4), 1987). The eigenvalue is the largest root of the characteristic polynomial,
   found by Newton's method from above (Theobald, Acta Cryst. A61, 2005); the eigenvector is the largest column
   of the adjugate. Where that root is nearly double (points on a line, mirrored poses), both lose their digits,
   and the eigenvector is found by squaring the matrix instead. */
#ifndef POSETERIOR_ROTATION_H
#define POSETERIOR_ROTATION_H

#include "lanes.h"

/* Below this product of the gaps to the other eigenvalues (of a matrix whose eigenvalues are at most 1) the squaring
   takes over: the adjugate's error is about 1e-16 over the product and over the smallest gap. */
static const double NEARLY_DOUBLE = 1e-2;
/* The slope at which rounding of the polynomial, 1e-16, would make a step of more than 1e-7. */
static const double FLAT = 1e-9;
/* 2^56 is more than one over the rounding error: further squarings cannot tell eigenvalues apart. */
enum { NEWTON_STEPS = 40, SQUARINGS = 56 };

/* Horn's matrix of correlation[i][j] = sum source_i target_j, times `factor`. */
INLINE void horn_matrix(const lanes c[3][3], lanes factor, lanes k[4][4]) {
    k[0][0] = (c[0][0] + c[1][1] + c[2][2]) * factor;
    k[1][1] = (c[0][0] - c[1][1] - c[2][2]) * factor;
    k[2][2] = (c[1][1] - c[0][0] - c[2][2]) * factor;
    k[3][3] = (c[2][2] - c[0][0] - c[1][1]) * factor;
    k[0][1] = k[1][0] = (c[1][2] - c[2][1]) * factor;
    k[0][2] = k[2][0] = (c[2][0] - c[0][2]) * factor;
    k[0][3] = k[3][0] = (c[0][1] - c[1][0]) * factor;
    k[1][2] = k[2][1] = (c[0][1] + c[1][0]) * factor;
    k[1][3] = k[3][1] = (c[2][0] + c[0][2]) * factor;
    k[2][3] = k[3][2] = (c[1][2] + c[2][1]) * factor;
}

/* Adjugate of a symmetric matrix, by the 2 x 2 minors of its upper and lower rows; returns the determinant. */
INLINE lanes adjugate(const lanes a[4][4], lanes out[4][4]) {
    lanes u01 = a[0][0] * a[1][1] - a[0][1] * a[1][0], u02 = a[0][0] * a[1][2] - a[0][2] * a[1][0],
          u03 = a[0][0] * a[1][3] - a[0][3] * a[1][0], u12 = a[0][1] * a[1][2] - a[0][2] * a[1][1],
          u13 = a[0][1] * a[1][3] - a[0][3] * a[1][1], u23 = a[0][2] * a[1][3] - a[0][3] * a[1][2];
    lanes l01 = a[2][0] * a[3][1] - a[2][1] * a[3][0], l02 = a[2][0] * a[3][2] - a[2][2] * a[3][0],
          l03 = a[2][0] * a[3][3] - a[2][3] * a[3][0], l12 = a[2][1] * a[3][2] - a[2][2] * a[3][1],
          l13 = a[2][1] * a[3][3] - a[2][3] * a[3][1], l23 = a[2][2] * a[3][3] - a[2][3] * a[3][2];
    out[0][0] = a[1][1] * l23 - a[1][2] * l13 + a[1][3] * l12;
    out[0][1] = out[1][0] = a[0][2] * l13 - a[0][1] * l23 - a[0][3] * l12;
    out[0][2] = out[2][0] = a[3][1] * u23 - a[3][2] * u13 + a[3][3] * u12;
    out[0][3] = out[3][0] = a[2][2] * u13 - a[2][1] * u23 - a[2][3] * u12;
    out[1][1] = a[0][0] * l23 - a[0][2] * l03 + a[0][3] * l02;
    out[1][2] = out[2][1] = a[3][2] * u03 - a[3][0] * u23 - a[3][3] * u02;
    out[1][3] = out[3][1] = a[2][0] * u23 - a[2][2] * u03 + a[2][3] * u02;
    out[2][2] = a[3][0] * u13 - a[3][1] * u03 + a[3][3] * u01;
    out[2][3] = out[3][2] = a[2][1] * u03 - a[2][0] * u13 - a[2][3] * u01;
    out[3][3] = a[2][0] * u12 - a[2][1] * u02 + a[2][2] * u01;
    return u01 * l23 - u02 * l13 + u03 * l12 + u12 * l03 - u13 * l02 + u23 * l01;
}

/* The largest root of det(k - x 1) = x^4 + c2 x^2 + c1 x + c0, from a bound that no eigenvalue exceeds. From above
   the steps go down all the way and shrink; where two roots meet they end in rounding. */
INLINE lanes largest_eigenvalue(const lanes k[4][4], lanes bound) {
    lanes minors[4][4], c0 = adjugate(k, minors), c1 = {0}, c2 = {0}, root = bound;
    for (int i = 0; i < 4; i++) {
        c1 -= minors[i][i];
        for (int j = 0; j < i; j++) c2 += k[i][i] * k[j][j] - k[i][j] * k[i][j];
    }
    for (int steps = 0; steps < NEWTON_STEPS; steps++) {
        lanes value = ((root * root + c2) * root + c1) * root + c0, slope = (4 * root * root + 2 * c2) * root + c1;
        lane_bits down = (value > 0) & (slope > FLAT);
        lanes step = lanes_select(down, value / lanes_select(down, slope, root), (lanes){0});
        root -= step;
        double largest = 0;
        for (int lane = 0; lane < LANES; lane++) largest = step[lane] > largest ? step[lane] : largest;
        if (largest < 1e-15) break;
    }
    return root;
}

/* An eigenvector of the largest eigenvalue of one lane, however close the others are: the powers of k + 1, whose
   eigenvalues are not negative, tend to the projection on the space of the largest. */
static void eigenvector_by_squaring(const lanes k[4][4], int lane, lanes vector[4]) {
    double power[4][4], next[4][4];
    for (int i = 0; i < 16; i++) power[i / 4][i % 4] = k[i / 4][i % 4][lane] + (i % 5 ? 0 : 1);
    for (int squarings = 0; squarings < SQUARINGS; squarings++) {
        double trace = power[0][0] + power[1][1] + power[2][2] + power[3][3];
        for (int i = 0; i < 16; i++) power[i / 4][i % 4] /= trace;
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                double sum = 0;
                for (int m = 0; m < 4; m++) sum += power[i][m] * power[m][j];
                next[i][j] = sum;
            }
        memcpy(power, next, sizeof power);
    }
    int column = 0;
    for (int i = 1; i < 4; i++)
        if (power[i][i] > power[column][column]) column = i;
    double norm = sqrt(power[column][column]);
    for (int i = 0; i < 4; i++) vector[i][lane] = power[i][column] / norm;
}

INLINE void rotation_of(const lanes q[4], lanes r[3][3]) {
    lanes w = q[0], x = q[1], y = q[2], z = q[3], two = 2 / (w * w + x * x + y * y + z * z);
    r[0][0] = 1 - two * (y * y + z * z);
    r[0][1] = two * (x * y - w * z);
    r[0][2] = two * (x * z + w * y);
    r[1][0] = two * (x * y + w * z);
    r[1][1] = 1 - two * (x * x + z * z);
    r[1][2] = two * (y * z - w * x);
    r[2][0] = two * (x * z - w * y);
    r[2][1] = two * (y * z + w * x);
    r[2][2] = 1 - two * (x * x + y * y);
}

/* The rotation of least squared distance, and sum target . (rotation source), which it makes largest. `bound`: the
   product of the two sets' Frobenius norms, which that sum does not exceed. Sets without extent are not turned. */
static lanes best_rotation(const lanes correlation[3][3], lanes bound, lanes rotation[3][3]) {
    lanes k[4][4], columns[4][4], q[4], squared = {0}, one = (lanes){0} + 1.0;
    for (int i = 0; i < 9; i++) squared += correlation[i / 3][i % 3] * correlation[i / 3][i % 3];
    /* No eigenvalue exceeds the sum of the singular values, and the largest one is at least a third of this. */
    lanes norm = lanes_sqrt(3 * squared);
    lanes factor = lanes_select(norm > 0, one / lanes_select(norm > 0, norm, one), (lanes){0});
    horn_matrix(correlation, factor, k);
    lanes tight = lanes_select(bound < norm, bound * factor, one);
    lanes root = largest_eigenvalue(k, tight), shifted[4][4];
    for (int i = 0; i < 16; i++) shifted[i / 4][i % 4] = i % 5 ? k[i / 4][i % 4] : k[i / 4][i % 4] - root;
    adjugate(shifted, columns);

    /* The adjugate is the gaps' product times q q'; all gaps are negative, and so is their product. */
    lanes best = columns[0][0], gaps = columns[0][0] + columns[1][1] + columns[2][2] + columns[3][3];
    for (int i = 0; i < 4; i++) q[i] = columns[i][0];
    for (int column = 1; column < 4; column++) {
        lane_bits better = columns[column][column] < best;
        best = lanes_select(better, columns[column][column], best);
        for (int i = 0; i < 4; i++) q[i] = lanes_select(better, columns[i][column], q[i]);
    }
    for (int lane = 0; lane < LANES; lane++)
        if (!(gaps[lane] < -NEARLY_DOUBLE)) eigenvector_by_squaring(k, lane, q);
    rotation_of(q, rotation);
    /* From the rotation rather than from the root, whose error a near double root multiplies. */
    lanes overlap = {0};
    for (int i = 0; i < 9; i++) overlap += rotation[i % 3][i / 3] * correlation[i / 3][i % 3];
    return overlap;
}

#endif
