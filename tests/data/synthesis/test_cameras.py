import numpy as np
import pytest

from poseterior.data.synthesis.cameras import CameraFamily, Framing, cut_window, make_bank

STICK = np.stack([np.linspace(-0.3, 0.3, 50), np.linspace(-0.9, 0.85, 50), np.zeros(50)], axis=1)
"""A person's extent, world, root at the origin."""


@pytest.fixture(scope="module")
def bank():
    return make_bank(np.random.default_rng(0), 300)


def views(bank, family, count=300):
    rng = np.random.default_rng(1)
    return [bank.view(rng, camera % bank.size, family, 0.9) for camera in range(count)]


@pytest.mark.parametrize("family", list(CameraFamily))
def test_cameras_are_rigid_and_the_person_is_in_front_upright_and_not_mirrored(bank, family):
    for view in views(bank, family):
        rotation = view.camera_from_world[:, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) > 0.999
        stick = view.from_world(STICK)
        assert (stick[:, 2] > 0.5).all()
        feet, head = view.project(stick)[[0, -1]]
        assert head[1] < feet[1]


def test_human36m_family_is_like_human36m(bank):
    found = views(bank, CameraFamily.HUMAN36M)
    distance = np.array([np.linalg.norm(view.camera_from_world[:, 3]) for view in found])
    focal = np.array([view.focal_px for view in found])
    height = np.array([-view.camera_from_world[:, :3].T[1] @ view.camera_from_world[:, 3] for view in found])
    assert np.quantile(distance, 0.05) > 2.9
    assert np.quantile(distance, 0.95) < 6.3
    assert abs(np.median(focal) - 1145.0) < 3.0
    assert abs(np.median(height + 0.9) - 1.5) < 0.05
    up = np.array([view.camera_from_world[:, 1] for view in found])
    assert np.degrees(np.abs(np.arctan2(up[:, 0], -up[:, 1]))).max() < 4.0


def test_wide_family_is_near_and_far_low_and_high_and_rolled(bank):
    found = views(bank, CameraFamily.WIDE)
    distance = np.array([np.linalg.norm(view.camera_from_world[:, 3]) for view in found])
    assert 1.99 < distance.min() < 2.3
    assert 8.5 < distance.max() < 10.01
    up = np.array([view.camera_from_world[:, 1] for view in found])
    roll = np.degrees(np.arctan2(up[:, 0], -up[:, 1]))
    pitch = np.degrees(np.arcsin(-up[:, 2]))
    assert roll.std() > 4.0
    assert pitch.max() > 30.0
    assert pitch.min() < -12.0


def test_banks_of_different_seeds_share_no_camera():
    first, second = (make_bank(np.random.default_rng(seed), 100) for seed in (0, 1))
    assert not np.intersect1d(first.focal_px, second.focal_px).size


def test_window_is_a_window_of_the_same_image(bank):
    rng = np.random.default_rng(2)
    for family in CameraFamily:
        for view in views(bank, family, 50):
            stick = view.from_world(STICK)
            image_px = view.project(stick)
            camera = cut_window(rng, view, image_px, 288, Framing())
            picture_px = camera.project(stick)
            scale = camera.focal_px / view.focal_px
            np.testing.assert_allclose(
                picture_px - picture_px[0], scale * (image_px - image_px[0]), atol=1e-9
            )


def test_whole_people_are_inside_and_fill_much_of_the_picture(bank):
    rng = np.random.default_rng(3)
    for view in views(bank, CameraFamily.WIDE, 200):
        stick = view.from_world(STICK)
        camera = cut_window(rng, view, view.project(stick), 288, Framing(truncated_share=0.0))
        picture_px = camera.project(stick)
        assert picture_px.min() > -0.5
        assert picture_px.max() < 287.5
        assert np.ptp(picture_px, axis=0).max() > 288 / 1.61


def test_truncated_people_are_cut_off_but_not_gone(bank):
    rng = np.random.default_rng(4)
    inside = []
    for view in views(bank, CameraFamily.WIDE, 300):
        stick = view.from_world(STICK)
        camera = cut_window(rng, view, view.project(stick), 288, Framing(truncated_share=1.0))
        picture_px = camera.project(stick)
        inside.append(((picture_px > -0.5) & (picture_px < 287.5)).all(axis=1).mean())
    assert np.median(inside) < 0.9
    assert np.quantile(inside, 0.02) > 0.2
    assert np.mean(np.array(inside) == 1.0) < 0.05
