import pytest

from poseterior.skeleton import (
    BLAZEPOSE_33,
    COCO_17,
    CONDITION_13,
    FLOW_16,
    H36M_17,
    H36M_BONES,
    HALPE_26,
    MIDPOINT_JOINTS,
    MPII_16,
    MPII_BONES,
    bone_indices,
    indices_of,
    mirror_indices,
    mirrored,
)

ORDERS = {
    "h36m": (H36M_17, 17),
    "mpii": (MPII_16, 16),
    "condition": (CONDITION_13, 13),
    "flow": (FLOW_16, 16),
    "blazepose": (BLAZEPOSE_33, 33),
    "coco": (COCO_17, 17),
    "halpe": (HALPE_26, 26),
}


@pytest.mark.parametrize(("names", "count"), ORDERS.values(), ids=ORDERS)
def test_orders_have_their_number_of_different_joints(names, count):
    assert len(names) == len(set(names)) == count


def test_mpii_order_in_human36m_indices_is_the_papers():
    without_neck = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
    assert indices_of(MPII_16, H36M_17) == without_neck


@pytest.mark.parametrize(("bones", "names"), [(H36M_BONES, H36M_17), (MPII_BONES, MPII_16)])
def test_bones_are_a_tree_rooted_at_the_pelvis(bones, names):
    reached = {"pelvis"}
    for parent, child in bones:
        assert parent in reached
        assert child not in reached
        reached.add(child)
    assert reached == set(names)


@pytest.mark.parametrize(("names", "count"), ORDERS.values(), ids=ORDERS)
def test_mirroring_twice_is_the_identity_and_swaps_the_sides(names, count):
    once = mirror_indices(names)
    assert [once[index] for index in once] == list(range(count))
    assert all(("left" in names[index]) == ("right" in name) for name, index in zip(names, once, strict=True))


def test_mirrored_keeps_middle_joints():
    assert mirrored("pelvis") == "pelvis"
    assert mirrored("left_eye_inner") == "right_eye_inner"
    assert mirrored("mouth_right") == "mouth_left"


@pytest.mark.parametrize("joint", MIDPOINT_JOINTS, ids=lambda joint: joint.name)
def test_derived_joints_have_weights_that_add_up_to_one(joint):
    assert sum(weight for _, weight in joint.parts) == pytest.approx(1.0)
    assert joint.name in MPII_16
    assert all(part in COCO_17 for part, _ in joint.parts)


def test_indices_of_names_the_missing_joint():
    with pytest.raises(ValueError, match="spine"):
        indices_of(("left_hip", "spine"), COCO_17)


def test_bone_indices_point_at_the_named_joints():
    pairs = bone_indices(H36M_BONES, H36M_17)
    assert [(H36M_17[parent], H36M_17[child]) for parent, child in pairs] == list(H36M_BONES)
