"""MPII-16 Gaussians by joint name, against hand-written means and sampled Gaussians."""

import numpy as np
import pytest

from poseterior.errors import InputError
from poseterior.heatmaps.derive import mpii_gaussians
from poseterior.skeleton import BLAZEPOSE_33, COCO_17, HALPE_26, MPII_16
from poseterior.types import FitStatus, JointGaussians


def native_gaussians(joint_names, seed=0):
    rng = np.random.default_rng(seed)
    count = len(joint_names)
    factors = rng.normal(size=(count, 2, 2))
    return JointGaussians(
        joint_names=joint_names,
        amplitude=rng.uniform(0.1, 1.0, count),
        mean_cell=rng.uniform(0, 64, (count, 2)),
        covariance_cell2=factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(2),
        rmse=rng.uniform(0, 0.1, count),
        status=np.zeros(count, np.uint8),
        pixel_from_cell=np.array([[3.0, 0.0, 7.0], [0.0, 3.0, -5.0]]),
    )


def value(gaussians, field, name):
    return getattr(gaussians, field)[gaussians.joint_names.index(name)]


@pytest.mark.parametrize("joint_names", [BLAZEPOSE_33, COCO_17, HALPE_26, COCO_17[::-1]])
def test_joints_that_are_there_are_taken_over_by_name(joint_names):
    native = native_gaussians(joint_names)
    got = mpii_gaussians(native)
    assert got.joint_names == MPII_16
    np.testing.assert_array_equal(got.pixel_from_cell, native.pixel_from_cell)
    for name in set(MPII_16) & set(joint_names):
        for field in ("amplitude", "mean_cell", "covariance_cell2", "rmse", "status"):
            np.testing.assert_allclose(value(got, field, name), value(native, field, name), rtol=1e-12)


def test_halpe_head_and_pelvis_are_its_own():
    native = native_gaussians(HALPE_26)
    got = mpii_gaussians(native)
    for name in ("head", "pelvis"):
        np.testing.assert_allclose(value(got, "mean_cell", name), value(native, "mean_cell", name))
        assert value(got, "status", name) == FitStatus.CONVERGED


def test_derived_means_are_midpoints():
    native = native_gaussians(COCO_17)
    got = mpii_gaussians(native)

    def middle(*names):
        return np.mean([value(native, "mean_cell", name) for name in names], axis=0)

    hips, shoulders = ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")
    np.testing.assert_allclose(value(got, "mean_cell", "pelvis"), middle(*hips))
    np.testing.assert_allclose(value(got, "mean_cell", "thorax"), middle(*shoulders))
    np.testing.assert_allclose(value(got, "mean_cell", "spine"), middle(*hips, *shoulders))
    ears, nose = middle("left_ear", "right_ear"), value(native, "mean_cell", "nose")
    head = ears + 0.5 * (ears - middle(*shoulders)) - 0.5 * (nose - ears)
    np.testing.assert_allclose(value(got, "mean_cell", "head"), head)


def test_head_of_an_upright_person_is_above_the_ears():
    native = native_gaussians(COCO_17)
    mean = native.mean_cell.copy()
    for name, point in [("left_ear", (34, 12)), ("right_ear", (30, 12)), ("nose", (32, 12)),
                        ("left_shoulder", (40, 24)), ("right_shoulder", (24, 24))]:  # fmt: skip
        mean[COCO_17.index(name)] = point
    got = mpii_gaussians(JointGaussians(**{**native.__dict__, "mean_cell": mean}))
    np.testing.assert_allclose(value(got, "mean_cell", "head"), (32, 6))


def test_derived_covariance_has_the_shape_of_the_sampled_mean_and_the_width_of_its_parts():
    native = native_gaussians(COCO_17, seed=3)
    rng = np.random.default_rng(0)
    parts = [COCO_17.index(name) for name in ("left_hip", "right_hip")]
    samples = [rng.multivariate_normal((0, 0), native.covariance_cell2[part], 200_000) for part in parts]
    sampled = np.cov(np.mean(samples, axis=0).T)
    # of two parts, the mean has half the variance of one
    np.testing.assert_allclose(
        value(mpii_gaussians(native), "covariance_cell2", "pelvis"), 2 * sampled, rtol=0.02, atol=0.02
    )


def test_parts_of_one_width_give_joints_of_that_width():
    native = native_gaussians(BLAZEPOSE_33)
    same = np.array([[2.0, 0.3], [0.3, 1.0]])
    native = JointGaussians(**{**native.__dict__, "covariance_cell2": np.tile(same, (33, 1, 1))})
    np.testing.assert_allclose(mpii_gaussians(native).covariance_cell2, np.tile(same, (16, 1, 1)), rtol=1e-12)


def test_parts_count_by_the_square_of_their_weight():
    """The head: both ears with weight 1, the nose with -1/2, both shoulders with -1/4."""
    native = native_gaussians(BLAZEPOSE_33)
    variances = {
        "left_ear": 1.0,
        "right_ear": 2.0,
        "nose": 5.0,
        "left_shoulder": 11.0,
        "right_shoulder": 17.0,
    }
    for name, variance in variances.items():
        native.covariance_cell2[BLAZEPOSE_33.index(name)] = variance * np.eye(2)
    expected = (1.0 + 2.0 + 5.0 / 4 + 11.0 / 16 + 17.0 / 16) / (2 + 1 / 4 + 2 / 16)
    got = value(mpii_gaussians(native), "covariance_cell2", "head")
    np.testing.assert_allclose(got, expected * np.eye(2), rtol=1e-12)


def test_amplitude_is_the_smallest_and_rmse_the_largest_of_the_parts():
    native = native_gaussians(COCO_17)
    got = mpii_gaussians(native)
    parts = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    assert value(got, "amplitude", "spine") == min(value(native, "amplitude", part) for part in parts)
    assert value(got, "rmse", "spine") == max(value(native, "rmse", part) for part in parts)


@pytest.mark.parametrize(
    ("hip", "expected"),
    [
        (FitStatus.CONVERGED, FitStatus.DERIVED),
        (FitStatus.AT_BOUND, FitStatus.DERIVED),
        (FitStatus.NO_SIGNAL, FitStatus.NO_SIGNAL),
        (FitStatus.INVALID, FitStatus.INVALID),
    ],
)
def test_status_tells_of_the_worst_part(hip, expected):
    native = native_gaussians(COCO_17)
    native.status[COCO_17.index("left_hip")] = hip
    got = mpii_gaussians(native)
    assert value(got, "status", "left_hip") == hip
    assert value(got, "status", "pelvis") == expected
    assert value(got, "status", "spine") == expected
    assert value(got, "status", "thorax") == FitStatus.DERIVED


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("left_knee", "lacks the joint 'left_knee';"),
        ("left_ear", r"lacks the joint 'left_ear' \(for 'head'\)"),
    ],
)
def test_missing_joint_is_named(missing, text):
    names = tuple(name for name in COCO_17 if name != missing)
    with pytest.raises(InputError, match=text):
        mpii_gaussians(native_gaussians(names))
