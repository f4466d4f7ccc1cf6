import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poseterior.errors import InputError
from poseterior.geometry.align import procrustes_align, root_centre
from poseterior.metrics.alignment import ALIGNMENTS, aligned_joint_errors

TURN = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()


def _bodies(seed: int, *shape: int) -> np.ndarray:
    """Upright clouds of 17 joints, mm."""
    return np.random.default_rng(seed).normal(size=(*shape, 17, 3)) * [150, 400, 120]


def _noise(scale: float, seed: int, *shape: int) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=(*shape, 17, 3))


def _centred(poses: np.ndarray) -> np.ndarray:
    return poses - poses.mean(axis=1, keepdims=True)


def _squared(errors: np.ndarray) -> np.ndarray:
    return (errors**2).sum(axis=-1)


def test_rigid_errors_are_those_of_scipys_align_vectors():
    truth = _bodies(0, 30)
    predicted = truth @ TURN.T + _noise(60, 1, 30) + [10, -400, 5000]
    errors = aligned_joint_errors(predicted, truth, ("rigid",))["rigid"]
    for one, real, found in zip(_centred(predicted), _centred(truth), errors, strict=True):
        rotation, _ = Rotation.align_vectors(real, one)
        expected = np.linalg.norm(rotation.apply(one) - real, axis=-1)
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_similarity_errors_are_those_of_scipys_rotation_and_the_regression_of_the_scale():
    truth = _bodies(2, 30)
    predicted = 0.4 * truth @ TURN.T + _noise(30, 3, 30)
    errors = aligned_joint_errors(predicted, truth, ("similarity",))["similarity"]
    for one, real, found in zip(_centred(predicted), _centred(truth), errors, strict=True):
        turned = Rotation.align_vectors(real, one)[0].apply(one)
        scale = np.linalg.lstsq(turned.reshape(-1, 1), real.ravel(), rcond=None)[0]
        np.testing.assert_allclose(found, np.linalg.norm(scale * turned - real, axis=-1), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_alignments_agree_with_the_svd_and_with_literal_formulas(dtype):
    truth = _bodies(4, 12).astype(dtype)
    predicted = (1.3 * truth[:, None] + _noise(80, 5, 12, 7) + [0, 0, 4000]).astype(dtype)
    errors = aligned_joint_errors(predicted, truth[:, None])
    one, real = (root_centre(poses.astype(np.float64)) for poses in (predicted, truth[:, None]))
    scale = (one * real).sum(axis=(-2, -1)) / (one**2).sum(axis=(-2, -1))
    expected = {
        "root": one - real,
        "scaled": scale[..., None, None] * one - real,
        "rigid": procrustes_align(predicted, truth[:, None], with_scale=False) - truth[:, None],
        "similarity": procrustes_align(predicted, truth[:, None]) - truth[:, None],
    }
    for name in ALIGNMENTS:
        np.testing.assert_allclose(errors[name], np.linalg.norm(expected[name], axis=-1), atol=1e-8)


def _line(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(40, 17, 1)) * rng.normal(size=(40, 1, 3)) * 300


MIRROR = np.array([-1.0, 1.0, 1.0])
OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])[None].repeat(40, axis=0) * 300
DEGENERATE = {
    "on a line, exactly": (_line(0), _line(0) @ TURN.T),
    "on a line, nearly": (_line(0) + _noise(1e-7, 1, 40), _line(0) @ TURN.T + _noise(1e-7, 2, 40)),
    "two lines": (_line(0), _line(1)),
    "a line against a body": (_line(0), _bodies(3, 40)),
    "in a plane": (_bodies(4, 40) * [1, 1, 0], _bodies(4, 40) * [1, 1, 0] @ TURN.T),
    "mirrored": (_bodies(5, 40), _bodies(5, 40) * MIRROR),
    "mirrored, nearly": (_bodies(5, 40), _bodies(5, 40) * MIRROR + _noise(1e-6, 6, 40)),
    "mirrored octahedron": (OCTAHEDRON, -OCTAHEDRON),
    "mirrored octahedron, bent": (OCTAHEDRON, -OCTAHEDRON * [1.0, 1.0 + 1e-4, 1.0 - 1e-5]),
    "unrelated": (_bodies(7, 40), _noise(1.0, 8, 40)),
    "one spot": (_bodies(9, 40), np.full((40, 17, 3), 500.0)),
    "one spot but for rounding": (_bodies(9, 40), 500.0 + _noise(1e-12, 10, 40)),
    "both one spot": (np.full((40, 17, 3), -3000.0), np.full((40, 17, 3), 500.0)),
    "the same": (_bodies(10, 40), _bodies(10, 40)),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_poses_get_a_best_alignment_all_the_same(name):
    """Where several rotations are equally good the joints' errors differ, but not their sum of squares."""
    truth, predicted = DEGENERATE[name]
    errors = aligned_joint_errors(predicted, truth, ("rigid", "similarity"))
    for alignment, with_scale in (("rigid", False), ("similarity", True)):
        best = np.linalg.norm(procrustes_align(predicted, truth, with_scale=with_scale) - truth, axis=-1)
        np.testing.assert_allclose(
            np.sqrt(_squared(errors[alignment])), np.sqrt(_squared(best)), rtol=1e-9, atol=1e-5
        )


@pytest.mark.parametrize("thickness_mm", [1.0, 0.03, 0.001])
def test_nearly_degenerate_poses_agree_joint_by_joint(thickness_mm):
    """Sticks of 300 mm: the turn about their axis hangs on their thickness alone."""
    truth = _line(0) + _noise(thickness_mm, 1, 40)
    predicted = (_line(0) + _noise(thickness_mm, 2, 40)) @ TURN.T
    best = np.linalg.norm(procrustes_align(predicted, truth) - truth, axis=-1)
    found = aligned_joint_errors(predicted, truth, ("similarity",))["similarity"]
    np.testing.assert_allclose(found, best, atol=1e-4 * thickness_mm + 1e-5)


def test_a_reflection_is_never_used():
    truth = _bodies(11, 20)
    errors = aligned_joint_errors(truth * MIRROR, truth, ("rigid",))["rigid"]
    assert errors.mean(axis=-1).min() > 20


def test_batch_axes_broadcast_and_blocks_of_any_size_give_the_same():
    truth, predicted = _bodies(12, 5), _bodies(13, 5, 3)
    together = aligned_joint_errors(predicted, truth[:, None])["similarity"]
    assert together.shape == (5, 3, 17)
    for picture in range(5):
        for hypothesis in range(3):
            alone = aligned_joint_errors(predicted[picture, hypothesis], truth[picture])["similarity"]
            np.testing.assert_allclose(alone, together[picture, hypothesis], atol=1e-10)
    repeated = aligned_joint_errors(predicted, np.repeat(truth[:, None], 3, axis=1))["similarity"]
    np.testing.assert_array_equal(repeated, together)
    one_for_all = aligned_joint_errors(predicted, truth[0])["similarity"]
    np.testing.assert_array_equal(one_for_all[0], together[0])
    strided = aligned_joint_errors(np.asfortranarray(predicted), truth[:, None])["similarity"]
    np.testing.assert_array_equal(strided, together)
    assert aligned_joint_errors(predicted[:0], truth[:0, None])["root"].shape == (0, 3, 17)


def test_the_root_may_be_another_joint():
    truth, predicted = _bodies(14, 4), _bodies(15, 4)
    errors = aligned_joint_errors(predicted, truth, ("root",), root_index=6)["root"]
    expected = np.linalg.norm(root_centre(predicted, 6) - root_centre(truth, 6), axis=-1)
    np.testing.assert_allclose(errors, expected, atol=1e-10)
    assert (errors[:, 6] == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_coordinates_that_are_not_finite_are_refused(bad, alignment):
    for spoiled in ("predicted", "truth"):
        poses = {"predicted": _bodies(0, 3), "truth": _bodies(1, 3)}
        poses[spoiled][1, 4, 2] = bad
        with pytest.raises(InputError, match="NaN or infinite"):
            aligned_joint_errors(poses["predicted"], poses["truth"], (alignment,))


@pytest.mark.parametrize(
    ("predicted", "truth", "root"),
    [
        ((4, 17, 3), (4, 16, 3), 0),
        ((4, 17, 3), (3, 17, 3), 0),
        ((4, 17, 3), (4, 17, 3), 17),
        ((4, 0, 3), (4, 0, 3), 0),
    ],
)
def test_shapes_that_do_not_fit_are_refused(predicted, truth, root):
    with pytest.raises(InputError, match=r"expected \(\.\.\., joints, 3\)|expected one of the 17 joints"):
        aligned_joint_errors(np.zeros(predicted), np.zeros(truth), root_index=root)
