from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from _people import motion_of, moving, standing

from poseterior.data.pose_library.body_frames import BONE, mirror, pelvis_frame
from poseterior.data.pose_library.joint_limits import JointLimits
from poseterior.data.pose_library.library import AS_CAPTURED, PoseKind, PoseLibrary, PoseMix, possible
from poseterior.data.simulated.body_shape import HIP_BONES
from poseterior.errors import InputError


def _motions():
    common = np.repeat(standing()[None], 300, axis=0)
    return [
        (motion_of(np.concatenate([common, moving(900)]), "many"), 0.75),
        (motion_of(moving(300, seed=5), "few"), 0.25),
    ]


@pytest.fixture(scope="module")
def library() -> PoseLibrary:
    return PoseLibrary.build(_motions(), cells=40)


@pytest.fixture(scope="module")
def drawn(library: PoseLibrary) -> list:
    rng = np.random.default_rng(0)
    return [library.draw(rng) for _ in range(3000)]


def test_kinds_sources_and_mirror_images_come_in_their_shares(library: PoseLibrary, drawn: list):
    kinds = np.bincount([pose.kind for pose in drawn], minlength=4) / len(drawn)
    np.testing.assert_allclose(kinds, [0.5, 0.25, 0.1, 0.15], atol=0.05)
    assert np.mean([pose.source for pose in drawn]) == pytest.approx(0.25, abs=0.04)
    assert np.mean([pose.mirrored for pose in drawn]) == pytest.approx(0.5, abs=0.04)
    assert library.sources == ("many", "few")
    assert library.weight[library.source == 0].sum() == pytest.approx(0.75)


def test_poses_have_unit_bones_one_hip_axis_and_any_heading(drawn: list):
    poses = np.stack([pose.directions for pose in drawn])
    assert poses.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(poses, axis=-1), 1.0, atol=1e-9)
    upright = np.array([pose.kind != PoseKind.REORIENTED for pose in drawn])
    heading = np.arctan2(poses[upright, HIP_BONES[1], 2], poses[upright, HIP_BONES[1], 0])
    quarter = np.histogram(heading, bins=4, range=(-np.pi, np.pi))[0] / len(heading)
    np.testing.assert_allclose(quarter, 0.25, atol=0.03)


def test_every_drawn_pose_is_possible(library: PoseLibrary, drawn: list):
    # headings turn nothing; mirrored poses are judged like their twins but for the border of a cell
    for kind in PoseKind:
        poses = np.stack([pose.directions for pose in drawn if pose.kind == kind and not pose.mirrored])
        assert possible(poses, library.limits, kind).mean() > 0.995


def test_provenance_leads_back_to_the_frame(library: PoseLibrary):
    plain = replace(library, mix=AS_CAPTURED)
    motions = [motion for motion, _ in _motions()]
    rng = np.random.default_rng(1)
    for _ in range(50):
        pose = plain.draw(rng)
        motion = motions[pose.source]
        assert pose.subject == motion.subject[pose.frame]
        assert (pose.upper_frame, pose.upper_source) == (pose.frame, pose.source)
        joints_m = motion.joints_m[pose.frame].astype(np.float64)
        knee = joints_m[2] - joints_m[1]
        back = mirror(pose.directions) if pose.mirrored else pose.directions
        # the same angle between thigh and lower trunk, whatever the heading
        spine = joints_m[7] - joints_m[0]
        expected = knee @ spine / np.linalg.norm(knee) / np.linalg.norm(spine)
        assert back[BONE["right_knee"]] @ back[BONE["spine"]] == pytest.approx(expected, abs=1e-4)


def test_recombined_poses_name_both_frames(drawn: list, library: PoseLibrary):
    pairs = [pose for pose in drawn if pose.kind == PoseKind.RECOMBINED]
    assert (
        np.mean([(pose.frame, pose.source) != (pose.upper_frame, pose.upper_source) for pose in pairs]) > 0.98
    )
    kept = [pose for pose in drawn if pose.kind in (PoseKind.CAPTURED, PoseKind.ARTICULATED)]
    assert all((pose.frame, pose.source) == (pose.upper_frame, pose.upper_source) for pose in kept)
    quiet = replace(library, mix=PoseMix(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    rng = np.random.default_rng(3)
    for _ in range(20):
        pose = quiet.draw(rng)
        legs = library.directions[(library.source == pose.source) & (library.frame == pose.frame)][0].astype(
            np.float64
        )
        thigh = (pose.directions @ pelvis_frame(pose.directions))[BONE["left_knee"]]
        np.testing.assert_allclose(thigh, (legs @ pelvis_frame(legs))[BONE["left_knee"]], atol=1e-5)


def test_what_was_filmed_often_is_thinned_and_cells_are_drawn_more_evenly(library: PoseLibrary):
    still = (library.source == 0) & (library.frame < 300)
    assert still.sum() == 1
    size = np.bincount(library.cell)[library.cell]
    weight = library.weight
    for source in (0, 1):
        own = library.source == source
        # a pose's weight falls with the size of its cell to the power of 0.7
        np.testing.assert_allclose(
            weight[own] * size[own] ** 0.7 / (weight[own] * size[own] ** 0.7)[0], 1.0, rtol=1e-6
        )
    assert len(np.intersect1d(library.cell[library.source == 0], library.cell[library.source == 1])) == 0


def test_articulation_makes_people_sit_who_never_sat(library: PoseLibrary):
    only = replace(library, mix=PoseMix(0.0, 0.0, 1.0, 0.0))
    rng = np.random.default_rng(0)
    poses = np.stack([only.draw(rng).directions for _ in range(400)])
    frames = pelvis_frame(poses)
    flexion = [
        np.degrees(np.arctan2(thigh[:, 2], -thigh[:, 1]))
        for thigh in ((poses @ frames)[:, BONE[f"{side}_knee"]] for side in ("left", "right"))
    ]
    both_high = (np.minimum(*flexion) > 60).mean()
    captured = library.directions.astype(np.float64)
    thighs = captured @ pelvis_frame(captured)
    before = np.minimum(
        *[
            np.degrees(np.arctan2(thighs[:, b, 2], -thighs[:, b, 1]))
            for b in (BONE["left_knee"], BONE["right_knee"])
        ]
    )
    assert both_high > 2 * (before > 60).mean()


def test_draws_depend_on_the_generator_alone(library: PoseLibrary):
    first, second = (library.draw(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.directions, second.directions)
    assert (first.frame, first.kind, first.mirrored) == (second.frame, second.kind, second.mirrored)
    assert not np.array_equal(library.draw(np.random.default_rng(8)).directions, first.directions)


def test_a_library_of_few_poses_falls_back_to_captured_ones_and_says_so():
    still = motion_of(np.repeat(standing()[None], 5, axis=0), "still")
    only = PoseLibrary.build(
        [(still, 1.0)],
        PoseMix(0.0, 0.0, 1.0, 0.0),
        limits=JointLimits.estimate(np.repeat(standing()[None], 5, axis=0)),
    )
    rng = np.random.default_rng(0)
    kinds = [only.draw(rng).kind for _ in range(30)]
    # no one sits within the limits of someone who stands
    assert 0.3 < np.mean([kind == PoseKind.CAPTURED for kind in kinds]) < 0.9


def test_saved_and_loaded_it_is_the_same_and_its_digest_tells_others_apart(
    library: PoseLibrary, tmp_path: Path
):
    library.save(tmp_path / "poses.npz")
    loaded = PoseLibrary.load(tmp_path / "poses.npz")
    assert loaded.digest() == library.digest()
    assert loaded.mix == library.mix
    first, second = (each.draw(np.random.default_rng(3)) for each in (library, loaded))
    np.testing.assert_array_equal(first.directions, second.directions)
    assert PoseLibrary.build(_motions(), cells=40).digest() == library.digest()
    assert replace(library, mix=AS_CAPTURED).digest() != library.digest()
    weight = library.cumulative_weight.copy()
    weight[3] = np.nextafter(weight[3], 1.0)
    assert replace(library, cumulative_weight=weight).digest() != library.digest()

    for name, content in (("none.npz", None), ("garbage.npz", b"PK\x03\x04 not a zip")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            PoseLibrary.load(tmp_path / name)
    np.savez(tmp_path / "other.npz", directions=library.directions)
    with pytest.raises(InputError, match=r"other\.npz"):
        PoseLibrary.load(tmp_path / "other.npz")


def test_wrong_mixes_and_empty_captures_are_refused():
    with pytest.raises(ValueError, match="add up to 1"):
        PoseMix(captured=0.9)
    with pytest.raises(ValueError, match="positive"):
        PoseMix(-0.25, 0.75, 0.25, 0.25)
    motion, _ = _motions()[1]
    with pytest.raises(ValueError, match="few needs frames"):
        PoseLibrary.build([(motion.of_subjects((99,)), 1.0)])
    with pytest.raises(ValueError, match="positive share"):
        PoseLibrary.build([(motion, 0.0)])
