import numpy as np
import pytest

from poseterior.errors import InputError
from poseterior.metrics.symmetry import LEFT_BONES, bone_lengths, mpsce, mpsse, symmetry_errors
from poseterior.skeleton import H36M_17, H36M_BONES


def _straight(lengths: dict[str, float]) -> np.ndarray:
    """Every bone along x, of length 100 or the one given for its child."""
    pose = np.zeros((17, 3))
    for parent, child in H36M_BONES:
        pose[H36M_17.index(child)] = pose[H36M_17.index(parent)] + [lengths.get(child, 100.0), 0, 0]
    return pose


def test_only_the_bone_that_differs_from_its_twin_counts():
    pose = _straight({"left_knee": 112.0, "right_wrist": 95.0, "head": 500.0})
    errors = symmetry_errors(pose[None])[0]
    by_child = dict(zip([child for _, child in LEFT_BONES], errors, strict=True))
    assert by_child == pytest.approx(
        {
            "left_hip": 0,
            "left_knee": 12,
            "left_ankle": 0,
            "left_shoulder": 0,
            "left_elbow": 0,
            "left_wrist": 5,
        }
    )


def test_mpsse_is_the_mean_over_frames_and_pairs():
    frames = np.stack([_straight({}), _straight({"left_knee": 112.0})])
    assert mpsse(frames) == pytest.approx(12 / (2 * 6))


def test_mpsce_is_the_mean_over_bones_of_their_deviation_in_time():
    frames = np.stack([_straight({"spine": 100.0 + change}) for change in (-3.0, 3.0, -3.0, 3.0)])
    assert mpsce(frames) == pytest.approx(3.0 / len(H36M_BONES))
    assert mpsce(frames[:1].repeat(5, axis=0)) == pytest.approx(0.0, abs=1e-12)
    assert mpsse(frames) == pytest.approx(0.0, abs=1e-12)


def test_joints_in_another_order_are_found_by_name():
    order = np.random.default_rng(0).permutation(17)
    pose = np.random.default_rng(1).normal(size=(1, 17, 3))
    names = tuple(H36M_17[i] for i in order)
    np.testing.assert_allclose(symmetry_errors(pose[:, order], names), symmetry_errors(pose))


def test_missing_joints_are_named():
    with pytest.raises(InputError, match="lacks left_wrist"):
        bone_lengths(np.zeros((2, 16, 3)), joint_names=tuple(n for n in H36M_17 if n != "left_wrist"))
    with pytest.raises(InputError, match="poses have 16 joints; expected 17"):
        bone_lengths(np.zeros((2, 16, 3)))
