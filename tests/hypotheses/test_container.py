import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from _synthetic import STANDING_M, synthetic_hypotheses

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17


@pytest.fixture(scope="module")
def hypotheses():
    return synthetic_hypotheses(num=60, seed=1)


def test_joint_names_are_those_of_the_poses(hypotheses):
    assert hypotheses.joint_names == H36M_17
    head = hypotheses.mode()[hypotheses.joint_names.index("head")]
    np.testing.assert_allclose(head, STANDING_M["head"], atol=1e-7)


def test_mean_is_the_plain_mean_in_float64(hypotheses):
    total = np.zeros((17, 3))
    for pose_m in hypotheses.poses_m:
        total += pose_m
    mean_m = hypotheses.mean()
    assert mean_m.dtype == np.float64
    np.testing.assert_allclose(mean_m, total / 60, atol=1e-12)


def test_medoid_is_the_one_a_slow_loop_finds(hypotheses):
    totals = [
        sum(
            np.mean([np.linalg.norm(a[joint].astype(float) - b[joint]) for joint in range(17)])
            for b in hypotheses.poses_m
        )
        for a in hypotheses.poses_m
    ]
    assert hypotheses.medoid_index() == int(np.argmin(totals))
    np.testing.assert_array_equal(hypotheses.medoid(), hypotheses.poses_m[int(np.argmin(totals))])


def test_medoid_across_chunks_is_the_planted_centre():
    """300 poses, more than one chunk: the undisturbed pose is nearest to all others."""
    hypotheses = synthetic_hypotheses(num=300, seed=2)
    poses_m = hypotheses.poses_m.copy()
    poses_m[217] = np.median(poses_m, axis=0)
    poses_m[217, 0] = 0.0
    assert replace(hypotheses, poses_m=poses_m).medoid_index() == 217


def test_medoid_of_equal_poses_is_the_first(hypotheses):
    same = replace(hypotheses, poses_m=np.repeat(hypotheses.mode_m[None], 60, axis=0))
    assert same.medoid_index() == 0


def test_top_is_sorted_and_takes_the_other_fields_along(hypotheses):
    best = hypotheses.top(7)
    expected = sorted(range(60), key=lambda index: -hypotheses.log_prob[index])[:7]
    assert len(best) == 7
    np.testing.assert_array_equal(best.log_prob, hypotheses.log_prob[expected])
    np.testing.assert_array_equal(best.poses_m, hypotheses.poses_m[expected])
    np.testing.assert_array_equal(best.latents, hypotheses.latents[expected])
    np.testing.assert_array_equal(best.mode_m, hypotheses.mode_m)


@pytest.mark.parametrize("count", [0, -1, 61])
def test_top_refuses_what_there_is_not(hypotheses, count):
    with pytest.raises(InputError, match="expected 1 to 60"):
        hypotheses.top(count)


def test_covariance_and_spread_equal_numpys_per_joint(hypotheses):
    covariance_m2, spread_mm = hypotheses.covariance_m2(), hypotheses.spread_mm()
    for joint in range(17):
        samples = hypotheses.poses_m[:, joint].astype(np.float64)
        np.testing.assert_allclose(covariance_m2[joint], np.cov(samples.T), atol=1e-15)
        np.testing.assert_allclose(spread_mm[joint], 1000 * samples.std(axis=0, ddof=1), rtol=1e-9)
    assert not spread_mm[0].any()


def test_one_hypothesis_has_no_spread(hypotheses):
    with pytest.raises(InputError, match="at least 2 hypotheses"):
        hypotheses[5].spread_mm()


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (3, [3]),
        (-1, [59]),
        (slice(10, 14, 2), [10, 12]),
        ([5, 2, 5], [5, 2, 5]),
        (np.array([40, 1]), [40, 1]),
        (np.arange(60) % 20 == 7, [7, 27, 47]),
    ],
    ids=["int", "last", "slice", "list", "array", "mask"],
)
def test_indexing_gives_hypotheses(hypotheses, index, expected):
    chosen = hypotheses[index]
    assert len(chosen) == len(expected)
    np.testing.assert_array_equal(chosen.poses_m, hypotheses.poses_m[expected])
    np.testing.assert_array_equal(chosen.log_prob, hypotheses.log_prob[expected])
    np.testing.assert_array_equal(chosen.latents, hypotheses.latents[expected])
    assert chosen.settings == hypotheses.settings


def test_iterating_visits_every_hypothesis_once(hypotheses):
    assert [len(one) for one in hypotheses] == [1] * 60


def test_index_outside_is_an_index_error(hypotheses):
    with pytest.raises(IndexError):
        hypotheses[60]
    with pytest.raises(IndexError):
        hypotheses[np.ones(59, bool)]


def test_choosing_none_is_refused(hypotheses):
    with pytest.raises(InputError, match="at least one hypothesis"):
        hypotheses[hypotheses.log_prob > np.inf]


def with_value(array, value, *place):
    changed = array.copy()
    changed[place] = value
    return changed


BAD_FIELDS = {
    "nan pose": (lambda h: {"poses_m": with_value(h.poses_m, np.nan, 3, 4, 1)}, "poses_m holds NaN"),
    "infinite log_prob": (lambda h: {"log_prob": with_value(h.log_prob, -np.inf, 2)}, "log_prob holds NaN"),
    "nan latent": (lambda h: {"latents": with_value(h.latents, np.nan, 0, 0)}, "latents holds NaN"),
    "nan mode": (lambda h: {"mode_m": with_value(h.mode_m, np.nan, 9, 0)}, "mode_m holds NaN"),
    "nan mode_log_prob": (lambda h: {"mode_log_prob": float("nan")}, "mode_log_prob is not finite"),
    "not rooted": (lambda h: {"poses_m": h.poses_m + np.float32(0.5)}, "0.5 m off the origin"),
    "no hypothesis": (
        lambda h: {"poses_m": h.poses_m[:0], "log_prob": h.log_prob[:0], "latents": h.latents[:0]},
        "at least one hypothesis",
    ),
    "array in settings": (lambda h: {"settings": {"seed": np.arange(2)}}, "settings cannot be stored"),
    "nan in settings": (lambda h: {"settings": {"score": float("nan")}}, "settings cannot be stored"),
    "nan in timings": (lambda h: {"timings_ms": {"flow": float("inf")}}, "timings_ms cannot be stored"),
    "nan Gaussian": (
        lambda h: {
            "detection": replace(
                h.detection,
                gaussians=replace(
                    h.detection.gaussians, amplitude=with_value(h.detection.gaussians.amplitude, np.nan, 1)
                ),
            )
        },
        "detection.gaussians.amplitude holds NaN",
    ),
    "nan box": (
        lambda h: {"detection": replace(h.detection, box=replace(h.detection.box, x_px=float("nan")))},
        "detection.box or detection.score is not finite",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_a_bad_field_is_named(hypotheses, change, sentence):
    with pytest.raises(InputError, match=sentence):
        replace(hypotheses, **change(hypotheses))


BAD_SHAPES = {
    "poses": ({"poses_m": np.zeros((5, 16, 3))}, "poses_m has the shape 5 x 16 x 3; expected any x 17 x 3"),
    "log_prob": ({"log_prob": np.zeros(4)}, "log_prob has the shape 4; expected 5"),
    "latents": ({"latents": np.zeros(5)}, "latents has the shape 5; expected 5 x any"),
    "integers": ({"log_prob": np.zeros(5, int)}, "log_prob has dtype int64"),
    "kind": ({"log_prob_kind": "likelihood"}, 'expected "posterior" or "manifold"'),
}


@pytest.mark.parametrize(("change", "sentence"), BAD_SHAPES.values(), ids=BAD_SHAPES)
def test_a_bad_shape_is_said(change, sentence):
    """`check_hypotheses` alone: under test the type checker would speak first."""
    from types import SimpleNamespace

    from poseterior.hypotheses.check import check_hypotheses

    good = synthetic_hypotheses(num=5)
    with pytest.raises(InputError, match=sentence):
        check_hypotheses(SimpleNamespace(**{**vars(good), **change}))


def test_the_container_needs_neither_torch_nor_matplotlib():
    code = (
        "import sys, poseterior.hypotheses, poseterior.export.files; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib', 'PIL')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
