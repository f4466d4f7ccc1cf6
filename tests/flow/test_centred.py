import numpy as np

from poseterior.flow.centred import centred_basis, helmert_basis
from poseterior.geometry.normalise import vector_from_pose


def test_basis_is_orthonormal_and_blind_to_the_mean() -> None:
    basis = helmert_basis(16)
    np.testing.assert_allclose(basis.T @ basis, np.eye(15), atol=1e-15)
    np.testing.assert_allclose(np.ones(16) @ basis, 0, atol=1e-14)


def test_a_centred_pose_survives_the_way_there_and_back_with_its_length() -> None:
    pose = vector_from_pose(np.random.default_rng(0).normal(size=(17, 3)))
    basis = centred_basis()
    coordinates = basis.T @ pose
    assert coordinates.shape == (45,)
    np.testing.assert_allclose(basis @ coordinates, pose, atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(coordinates), np.linalg.norm(pose), rtol=1e-14)


def test_an_offset_along_each_axis_is_removed() -> None:
    pose = vector_from_pose(np.random.default_rng(0).normal(size=(17, 3)))
    offset = np.repeat([1.0, -2.0, 3.0], 16)
    np.testing.assert_allclose(centred_basis().T @ (pose + offset), centred_basis().T @ pose, atol=1e-13)
