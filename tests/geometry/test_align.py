import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from poseterior.errors import InputError
from poseterior.geometry.align import fit_similarity, procrustes_align, root_centre


def noisy_copies(count: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random poses, and the same turned, scaled, moved and disturbed."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(count, 17, 3))
    turned = np.stack([Rotation.random(random_state=seed + i).apply(pose) for i, pose in enumerate(source)])
    scale, shift = rng.uniform(0.5, 2.0, (count, 1, 1)), rng.normal(size=(count, 1, 3))
    return source, scale * turned + shift + noise * rng.normal(size=source.shape)


def test_recovers_an_exact_similarity():
    source, target = noisy_copies(20, noise=0.0)
    np.testing.assert_allclose(procrustes_align(source, target), target, atol=1e-12)


def test_rotation_equals_scipys_align_vectors():
    source, target = noisy_copies(20, noise=0.4)
    transform = fit_similarity(source, target, with_scale=False)
    for pose in range(20):
        centred = [points[pose] - points[pose].mean(axis=0) for points in (target, source)]
        expected, _ = Rotation.align_vectors(*centred)
        np.testing.assert_allclose(transform.rotation[pose], expected.as_matrix(), atol=1e-7)
    np.testing.assert_array_equal(transform.scale, 1.0)


def test_residual_equals_scipys_procrustes_where_no_reflection_is_better():
    source, target = noisy_copies(20, noise=0.3)
    aligned = procrustes_align(source, target)
    for pose in range(20):
        extent = ((target[pose] - target[pose].mean(axis=0)) ** 2).sum()
        _, _, disparity = procrustes(target[pose], source[pose])
        assert ((aligned[pose] - target[pose]) ** 2).sum() / extent == pytest.approx(disparity, rel=1e-9)


def test_mirrored_poses_are_turned_but_never_reflected():
    source, target = noisy_copies(20, noise=0.1)
    mirror = target * np.array([-1.0, 1.0, 1.0])
    transform = fit_similarity(source, mirror)
    np.testing.assert_allclose(np.linalg.det(transform.rotation), 1.0, atol=1e-12)
    for pose in range(20):
        expected, _ = Rotation.align_vectors(
            mirror[pose] - mirror[pose].mean(axis=0), source[pose] - source[pose].mean(axis=0)
        )
        np.testing.assert_allclose(transform.rotation[pose], expected.as_matrix(), atol=1e-7)


@pytest.mark.parametrize("with_scale", [True, False])
def test_no_small_change_of_the_transform_fits_better(with_scale):
    source, target = noisy_copies(1, noise=0.5, seed=3)
    transform = fit_similarity(source, target, with_scale=with_scale)
    best = ((transform.apply(source) - target) ** 2).sum()
    rng = np.random.default_rng(4)
    for _ in range(200):
        turn = Rotation.from_rotvec(0.02 * rng.normal(size=3)).as_matrix()
        scale = transform.scale * (1 + 0.02 * rng.normal() * with_scale)
        shift = transform.translation + 0.02 * rng.normal(size=3)
        moved = scale[:, None, None] * source @ (turn @ transform.rotation[0]).T + shift[:, None]
        assert ((moved - target) ** 2).sum() > best


DEGENERATE = {
    "plane": np.array([1.0, 1.0, 0.0]),
    "line": np.array([1.0, 0.0, 0.0]),
    "point": np.zeros(3),
}


@pytest.mark.parametrize("kept", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("with_scale", [True, False])
def test_flat_poses_align_exactly_too(kept, with_scale):
    rng = np.random.default_rng(5)
    source = rng.normal(size=(17, 3)) * kept
    turn = Rotation.random(random_state=6).as_matrix()
    target = (1.7 if with_scale else 1.0) * source @ turn.T + np.array([1.0, 2.0, 3.0])
    transform = fit_similarity(source, target, with_scale=with_scale)
    assert np.linalg.det(transform.rotation) == pytest.approx(1.0)
    np.testing.assert_allclose(transform.apply(source), target, atol=1e-12)


def test_a_target_on_one_spot_shrinks_the_source_onto_it():
    source = np.random.default_rng(7).normal(size=(17, 3))
    target = np.full((17, 3), 2.0)
    np.testing.assert_allclose(procrustes_align(source, target), target, atol=1e-12)


@pytest.mark.parametrize("coordinate", [0.0, 2.0, 0.1, 12345.678])
def test_a_source_on_one_spot_keeps_its_scale_and_goes_to_the_targets_mean(coordinate):
    target = np.random.default_rng(8).normal(size=(17, 3))
    spot = np.full((17, 3), coordinate)
    transform = fit_similarity(spot, target)
    assert transform.scale == 1.0
    moved = transform.apply(spot)
    np.testing.assert_allclose(moved, np.broadcast_to(target.mean(axis=0), (17, 3)), atol=1e-12)


def test_batches_broadcast_and_equal_a_loop():
    source, _ = noisy_copies(6, noise=0.2)
    target = source[0]
    aligned = procrustes_align(source, target)
    loop = np.stack([procrustes_align(pose, target) for pose in source])
    np.testing.assert_allclose(aligned, loop, atol=1e-13)
    nested = procrustes_align(source.reshape(2, 3, 17, 3), target)
    np.testing.assert_allclose(nested.reshape(6, 17, 3), loop, atol=1e-13)


def test_float32_is_aligned_in_float64():
    source, target = noisy_copies(3, noise=0.2)
    far = (target + 1000.0).astype(np.float32)
    aligned = procrustes_align(source.astype(np.float32), far)
    assert aligned.dtype == np.float64
    reference = procrustes_align(source.astype(np.float32).astype(np.float64), far.astype(np.float64))
    np.testing.assert_allclose(aligned, reference, atol=1e-12)


@settings(max_examples=50)
@given(arrays(np.float64, (2, 17, 3), elements=st.floats(-5.0, 5.0)))
def test_never_nan_and_never_worse_than_the_centroids_alone(pair):
    source, target = pair
    aligned = procrustes_align(source, target)
    residual = ((aligned - target) ** 2).sum()
    assert np.isfinite(residual)
    assert residual <= ((target - target.mean(axis=0)) ** 2).sum() + 1e-9


def test_nan_is_refused():
    source, target = noisy_copies(2, noise=0.0)
    source[1, 4, 2] = np.nan
    with pytest.raises(InputError, match="NaN"):
        fit_similarity(source, target)


def test_root_centre_moves_the_chosen_joint_to_the_origin_and_nothing_else():
    source, _ = noisy_copies(3, noise=0.0)
    centred = root_centre(source, root_index=4)
    assert not centred[:, 4].any()
    np.testing.assert_allclose(np.diff(centred, axis=1), np.diff(source, axis=1), atol=1e-14)
