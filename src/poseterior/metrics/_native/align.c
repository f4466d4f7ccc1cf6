/* Joint errors of many poses, each after alignment to its truth; metrics/alignment.py states the contract.

   Two pairs of poses at a time, one in each lane. The poses are read once; each alignment that is asked for
   gets its errors from that. */
#include <math.h>
#include <stdint.h>

#include "rotation.h"

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#ifndef SOURCES_SHA256
#define SOURCES_SHA256 "unknown"
#endif

/* An extent below this share of the squared coordinates is rounding; no scale may be read off it. */
static const double ROUNDING = 1e-24;

/* What the build hook found the sources to be; the loader compares it with what lies beside the library. */
EXPORT const char *poseterior_align_sources(void) { return SOURCES_SHA256; }

/* How many doubles `poseterior_align` wants as workspace. */
EXPORT int64_t poseterior_align_workspace(int32_t joints) { return (int64_t)2 * 3 * joints * LANES; }

/* One pose into lane `lane` of `to`, its root joint at the origin; returns the root's squared distance to it. */
static double read_pose(const void *poses, int is_double, int64_t index, int joints, int root, double *to,
                        int lane) {
    const double *doubles = (const double *)poses + index * 3 * joints;
    const float *floats = (const float *)poses + index * 3 * joints;
    double origin[3];
    for (int axis = 0; axis < 3; axis++)
        origin[axis] = is_double ? doubles[3 * root + axis] : floats[3 * root + axis];
    for (int joint = 0; joint < joints; joint++)
        for (int axis = 0; axis < 3; axis++) {
            int at = 3 * joint + axis;
            to[at * LANES + lane] = (is_double ? doubles[at] : floats[at]) - origin[axis];
        }
    return origin[0] * origin[0] + origin[1] * origin[1] + origin[2] * origin[2];
}

static lanes sum_of_products(const double *a, const double *b, int values) {
    lanes sum = {0};
    for (int i = 0; i < values; i++) sum += lanes_load(a + i * LANES) * lanes_load(b + i * LANES);
    return sum;
}

static void centre(double *pose, int joints) {
    for (int axis = 0; axis < 3; axis++) {
        lanes mean = {0};
        for (int joint = 0; joint < joints; joint++) mean += lanes_load(pose + (3 * joint + axis) * LANES);
        mean /= (double)joints;
        for (int joint = 0; joint < joints; joint++) {
            double *value = pose + (3 * joint + axis) * LANES;
            lanes_store(value, lanes_load(value) - mean);
        }
    }
}

/* |matrix source - target| of each joint, to out[joint * stride]. */
static void write_errors(const double *source, const double *target, const lanes matrix[3][3], int joints,
                         double *out, int64_t stride, int count) {
    for (int joint = 0; joint < joints; joint++) {
        const double *s = source + 3 * joint * LANES, *t = target + 3 * joint * LANES;
        lanes x = lanes_load(s), y = lanes_load(s + LANES), z = lanes_load(s + 2 * LANES), squared = {0};
        for (int row = 0; row < 3; row++) {
            lanes off = matrix[row][0] * x + matrix[row][1] * y + matrix[row][2] * z - lanes_load(t + row * LANES);
            squared += off * off;
        }
        lanes error = lanes_sqrt(squared);
        memcpy(out + joint * stride, &error, count * sizeof(double));
    }
}

static void times(const lanes from[3][3], lanes factor, lanes to[3][3]) {
    for (int i = 0; i < 9; i++) to[i / 3][i % 3] = from[i / 3][i % 3] * factor;
}

/* The least-squares scale, 1 where the source has no extent. */
static lanes scale_of(lanes overlap, lanes extent, lanes squared_coordinates) {
    lane_bits usable = extent > squared_coordinates * ROUNDING;
    lanes one = (lanes){0} + 1.0;
    return lanes_select(usable, overlap / lanes_select(usable, extent, one), one);
}

/* Errors of `count` poses, `per_truth` in a row for each truth. Every out is NULL or joints x count doubles. */
EXPORT void poseterior_align(const void *predicted, const void *truth, int is_double, int64_t count,
                             int64_t per_truth, int32_t joints, int32_t root, double *workspace,
                             double *root_out, double *scaled_out, double *rigid_out, double *similarity_out) {
    const int values = 3 * joints;
    double *source = workspace, *target = workspace + (size_t)values * LANES;
    const lanes one = (lanes){0} + 1.0;
    const lanes identity[3][3] = {{one}, {{0}, one}, {{0}, {0}, one}};
    lanes rotation[3][3], scaled[3][3];
    for (int64_t first = 0; first < count; first += LANES) {
        int used = count - first < LANES ? (int)(count - first) : LANES;
        lanes squared_root;
        for (int lane = 0; lane < LANES; lane++) {
            int64_t pair = first + (lane < used ? lane : 0);
            squared_root[lane] = read_pose(predicted, is_double, pair, joints, root, source, lane);
            read_pose(truth, is_double, pair / per_truth, joints, root, target, lane);
        }
        lanes extent = sum_of_products(source, source, values), squared = extent + (double)joints * squared_root;
        if (root_out) write_errors(source, target, identity, joints, root_out + first, count, used);
        if (scaled_out) {
            times(identity, scale_of(sum_of_products(source, target, values), extent, squared), scaled);
            write_errors(source, target, scaled, joints, scaled_out + first, count, used);
        }
        if (!rigid_out && !similarity_out) continue;

        centre(source, joints);
        centre(target, joints);
        extent = sum_of_products(source, source, values);
        lanes target_extent = sum_of_products(target, target, values), correlation[3][3] = {{{0}}};
        for (int joint = 0; joint < joints; joint++)
            for (int i = 0; i < 9; i++)
                correlation[i / 3][i % 3] += lanes_load(source + (3 * joint + i / 3) * LANES) *
                                             lanes_load(target + (3 * joint + i % 3) * LANES);
        lanes overlap = best_rotation(correlation, lanes_sqrt(extent) * lanes_sqrt(target_extent), rotation);
        if (rigid_out) write_errors(source, target, rotation, joints, rigid_out + first, count, used);
        if (similarity_out) {
            times(rotation, scale_of(overlap, extent, squared), scaled);
            write_errors(source, target, scaled, joints, similarity_out + first, count, used);
        }
    }
}
