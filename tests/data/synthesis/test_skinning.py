import numpy as np
import pytest

from poseterior.data.simulated.body_shape import bone_directions
from poseterior.data.synthesis.bodies import make_body, sample_phenotype
from poseterior.data.synthesis.posing import bone_rotations, sample_habits
from poseterior.data.synthesis.rotations import turn
from poseterior.data.synthesis.skinning import pose_body
from poseterior.skeleton import H36M_17, H36M_BONES

_CHILD = {child: index for index, (_, child) in enumerate(H36M_BONES)}
STANDING = np.array(
    [
        [-1, 0, 0],
        [0, -1, 0],
        [0, -1, 0],
        [1, 0, 0],
        [0, -1, 0],
        [0, -1, 0],
        [0, 1, 0],
        [0, 1, 0],
        [0, 0.8, 0.6],
        [0, 1, 0],
        [1, 0, 0],
        [0, -1, 0],
        [0, -1, 0],
        [-1, 0, 0],
        [0, -1, 0],
        [0, -1, 0],
    ],
    dtype=np.float64,
)


@pytest.fixture(scope="module")
def body(template):
    return make_body(sample_phenotype(np.random.default_rng(0), template), template)


def posed(directions, body, template, seed=0):
    habits = sample_habits(np.random.default_rng(seed))
    return pose_body(body, bone_rotations(directions, body, template, habits), template)


def with_bones(**bones):
    directions = STANDING.copy()
    for child, direction in bones.items():
        directions[_CHILD[child]] = np.array(direction) / np.linalg.norm(direction)
    return directions


def random_poses(count):
    rng = np.random.default_rng(5)
    noisy = STANDING + rng.normal(0.0, 0.25, (count, 16, 3))
    return noisy / np.linalg.norm(noisy, axis=-1, keepdims=True)


def test_unturned_bones_give_the_rest_body(body, template):
    rest = pose_body(body, np.tile(np.eye(3), (len(body.heads_m), 1, 1)), template)
    np.testing.assert_allclose(rest.vertices_m, body.vertices_m - body.heads_m[0], atol=2e-6)


def test_one_rotation_for_all_bones_turns_the_body_as_a_whole(body, template):
    rotation = turn(np.array([0.3, 1.0, -0.4]), 1.2)
    turned = pose_body(body, np.tile(rotation, (len(body.heads_m), 1, 1)), template)
    expected = (body.vertices_m - body.heads_m[0]) @ rotation.T
    np.testing.assert_allclose(turned.vertices_m, expected, atol=3e-6)


def test_skinning_agrees_with_dense_blending_of_float64_matrices(body, template):
    rotations = bone_rotations(random_poses(1)[0], body, template, sample_habits(np.random.default_rng(1)))
    ours = pose_body(body, rotations, template)
    positions = np.zeros_like(body.heads_m)
    for bone in range(1, len(positions)):
        parent = template.bone_parents[bone]
        positions[bone] = positions[parent] + rotations[parent] @ (body.heads_m[bone] - body.heads_m[parent])
    dense = np.zeros((len(body.vertices_m), len(positions)))
    np.put_along_axis(dense, template.skin_bones.astype(int), template.skin_weights.astype(float), axis=1)
    blended = np.einsum("vb,bij->vij", dense, rotations)
    shift = dense @ (positions - np.einsum("bij,bj->bi", rotations, body.heads_m))
    expected = np.einsum("vij,vj->vi", blended, body.vertices_m.astype(float)) + shift
    np.testing.assert_allclose(ours.vertices_m, expected, atol=1e-5)


def test_limbs_point_where_they_are_told(body, template):
    limbs = [_CHILD[f"{side}_{end}"] for side in ("left", "right") for end in ("knee", "ankle", "elbow")]
    wrists = [_CHILD["left_wrist"], _CHILD["right_wrist"]]
    for directions in random_poses(20):
        found = bone_directions(posed(directions, body, template).joints_m)
        assert (found[limbs] * directions[limbs]).sum(axis=-1).min() > 0.99999
        assert (found[wrists] * directions[wrists]).sum(axis=-1).min() > 0.9998
        hips = directions[_CHILD["left_hip"]] - directions[_CHILD["right_hip"]]
        assert found[_CHILD["left_hip"]] @ hips / np.linalg.norm(hips) > 0.99999
        assert found[_CHILD["thorax"]] @ directions[_CHILD["thorax"]] > 0.85


def test_bent_knee_and_elbow_bend_about_their_hinges(body, template):
    """The kneecap and the elbow's tip keep pointing out of the bend."""
    sitting = with_bones(left_knee=[0.1, 0, 1], left_ankle=[0, -1, 0])
    forearm_up = with_bones(left_elbow=[1, 0, 0], left_wrist=[0, 1, 0])
    for directions, upper, lower, rest_front in (
        (sitting, "upperleg01.L", "lowerleg01.L", [0.0, 0.0, 1.0]),
        (forearm_up, "upperarm01.L", "lowerarm01.L", None),
    ):
        habits = sample_habits(np.random.default_rng(0))
        rotations = bone_rotations(directions, body, template, habits)
        index = template.bone_index
        start = body.heads_m[index[lower]] - body.heads_m[index[upper]]
        end_bone = "foot.L" if "leg" in upper else "wrist.L"
        onward = body.heads_m[index[end_bone]] - body.heads_m[index[lower]]
        if rest_front is None:
            hinge_at_rest = np.cross(start, onward)
        else:
            hinge_at_rest = np.cross(rest_front, start)
            hinge_at_rest = hinge_at_rest * np.sign(hinge_at_rest[0])
        wanted = np.cross(
            directions[_CHILD["left_knee" if "leg" in upper else "left_elbow"]],
            directions[_CHILD["left_ankle" if "leg" in upper else "left_wrist"]],
        )
        turned = rotations[index[upper]] @ hinge_at_rest
        cosine = turned @ wanted / np.linalg.norm(turned) / np.linalg.norm(wanted)
        assert cosine > 0.98, upper


def test_truth_has_the_bodys_own_lengths_in_every_pose(body, template):
    def lengths(joints_m):
        return [
            np.linalg.norm(joints_m[H36M_17.index(child)] - joints_m[H36M_17.index(parent)])
            for parent, child in H36M_BONES
            if child.endswith(("hip", "knee", "ankle", "elbow", "wrist"))
        ]

    first, *others = (lengths(posed(directions, body, template).joints_m) for directions in random_poses(6))
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)


def test_joints_lie_inside_the_surface(body, template):
    """Each limb joint is nearer to the skin than the limb is thick, and the skin is on both sides of it."""
    person = posed(STANDING, body, template)
    for name in ("left_knee", "right_ankle", "left_elbow", "right_wrist", "left_shoulder"):
        joint = person.joints_m[H36M_17.index(name)]
        around = person.vertices_m[np.linalg.norm(person.vertices_m - joint, axis=1) < 0.13] - joint
        assert np.linalg.norm(around, axis=1).min() < 0.09, name
        assert (around[:, 2] > 0.005).any(), name
        assert (around[:, 2] < -0.005).any(), name


def test_pelvis_is_midway_between_the_hips_and_the_head_on_top(body, template):
    joints_m = posed(STANDING, body, template).joints_m
    hips = joints_m[[H36M_17.index("right_hip"), H36M_17.index("left_hip")]]
    np.testing.assert_allclose(joints_m[H36M_17.index("pelvis")], hips.mean(axis=0), atol=1e-12)
    assert joints_m[:, 1].argmax() == H36M_17.index("head")
    assert joints_m[H36M_17.index("neck"), 2] > joints_m[H36M_17.index("thorax"), 2] + 0.04


def test_a_standing_foot_is_flat(body, template):
    person = posed(STANDING, body, template)
    soles = person.vertices_m[person.vertices_m[:, 1] < person.vertices_m[:, 1].min() + 0.03]
    assert np.ptp(soles[:, 2]) > 0.12
