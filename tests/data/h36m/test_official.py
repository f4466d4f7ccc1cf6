"""Human3.6M from CDF files and the authors' pickles: the same pictures, poses and detections as by their scripts."""

import numpy as np
import pytest

from poseterior.data.h36m import load_h36m, load_h36m_ambiguous
from poseterior.errors import InputError

KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
WALKING = ("S9", "Walking", "1", "54138969")


def strung_together(tree, names, stride):
    """As the authors evaluate: per action, the rows of all videos in one list, of which every stride-th is taken."""
    taken = []
    for action in dict.fromkeys(name[1] for name in names):
        rows = [
            (name, row)
            for name in names
            if name[1] == action
            for row in range(len(tree.entry(name)["imgpath"]))
        ]
        taken += rows[::stride]
    return taken


@pytest.mark.parametrize("every", [4, 64])
def test_takes_the_pictures_of_the_authors(test_tree, names_of, every):
    data = load_h36m(test_tree.folder, every=every)
    expected = strung_together(test_tree, names_of("test"), every // 4)
    assert len(data) == len(expected)
    assert data.image_path == tuple(test_tree.entry(name)["imgpath"][row] for name, row in expected)
    assert list(zip(data.subject, data.action, data.camera, strict=True)) == [
        (n[0], n[1], n[3]) for n, _ in expected
    ]
    # the 1st, 2nd, ... detected picture is frame 3, 7, ...
    assert data.frame.tolist() == [3 + 4 * row for _, row in expected]
    poses_mm = np.stack([test_tree.poses[name][3::4][row][KEPT] for name, row in expected])
    np.testing.assert_allclose(data.joints_m, poses_mm / 1000, rtol=1e-6)
    assert data.has_joint.all()
    fits = np.stack([test_tree.entry(name)["gaussfit"][row].reshape(16, 7) for name, row in expected])
    np.testing.assert_array_equal(data.gaussians.amplitude, fits[..., 0])
    np.testing.assert_array_equal(data.gaussians.mean_cell, fits[..., 1:3])
    flat = np.stack([test_tree.entry(name)["2d_hrnet"][row] for name, row in expected])
    np.testing.assert_array_equal(data.joints_2d, np.stack([flat[:, :16], flat[:, 16:]], axis=-1))
    # four cameras see one motion
    assert set(data.sequence) == {f"{name[0]} {name[1]} {name[2]}" for name, _ in expected}
    assert (data.profile.name, data.profile.sigma_confident_cells) == ("hrnet-h36m", 2.0)


def test_every_action_of_the_fixture_begins_inside_a_video(test_tree):
    # otherwise the test above could not tell a count that runs on from one that begins anew
    frames = load_h36m(test_tree.folder, every=64).frame
    assert len(set(frames.tolist())) > 4


def test_every_frame_is_in_exactly_one_of_the_strides(test_tree):
    data = load_h36m(test_tree.folder, every=4)
    assert len(set(data.image_path)) == len(data)
    assert "/S11/Directions.54138969/4.jpg" not in data.image_path
    assert load_h36m(test_tree.folder, every=4).checksum == data.checksum
    assert len(data.checksum) == 64


def test_finds_every_irregular_name_of_the_training_subjects(make_tree, names_of):
    irregular = {
        "Eating",
        "Sitting",
        "Directions",
        "Discussion",
        "Photo",
        "Waiting",
        "Posing",
        "Phoning",
        "WalkTogether",
    }
    names = [name for name in names_of("train") if name[1] in irregular and name[3] == "60457274"]
    tree = make_tree("train", dict.fromkeys(names, 2))
    data = load_h36m(tree.folder, split="train", every=4)
    poses_mm = np.concatenate([tree.poses[name][3:8:4][:, KEPT] for name in names])
    np.testing.assert_allclose(data.joints_m, poses_mm / 1000, rtol=1e-6)


def test_leaves_out_the_video_that_the_authors_leave_out(make_tree):
    kept, left_out = ("S5", "Waiting", "0", "55011271"), ("S5", "Waiting", "1", "55011271")
    tree = make_tree("train", {kept: 2, left_out: 3})
    assert load_h36m(tree.folder, split="train", every=4).sequence == ("S5 Waiting 0",) * 2


def test_metres_per_cell_is_that_of_the_projection(small_tree):
    entry, poses = small_tree.entry(WALKING), small_tree.poses[WALKING][3::4][:20][:, KEPT].astype(np.float64)
    mpii = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
    cells = 90.0 * poses[:, mpii, :2] / poses[:, mpii, 2:] + 30
    entry["gaussfit"].reshape(20, 16, 7)[..., 1:3] = cells
    small_tree.save()
    data = load_h36m(small_tree.folder, every=4)
    np.testing.assert_allclose(data.metres_per_cell, poses[:, 0, 2] / 1000 / 90.0, rtol=1e-5)


def test_frames_are_those_that_the_names_say(small_tree):
    entry = small_tree.entry(WALKING)
    for field in entry:
        entry[field] = entry[field][5:]
    small_tree.save()
    data = load_h36m(small_tree.folder, every=4)
    assert data.frame.tolist() == list(range(23, 80, 4))
    np.testing.assert_allclose(data.joints_m, small_tree.poses[WALKING][23:80:4][:, KEPT] / 1000, rtol=1e-6)


def ambiguous_tree(tree):
    fits = tree.entry(WALKING)["gaussfit"].reshape(20, 16, 7)
    fits[2, 5, 3], fits[7, 0, 5], fits[7, 9, 5], fits[11, 15, 3] = 5.01, 600.0, 7.0, 5.2
    # a negative sigma is wide for nobody, nor is one of exactly 2.5 times 2
    fits[4, 3, 3], fits[5, 3, 5] = -8.0, 5.0
    tree.save()
    return [2, 7, 11]


def test_the_ambiguous_subset_follows_the_sigma_rule(small_tree):
    rows = ambiguous_tree(small_tree)
    data = load_h36m_ambiguous(small_tree.folder)
    assert data.frame.tolist() == [3 + 4 * row for row in rows]
    everything = load_h36m(small_tree.folder, every=4)
    assert np.flatnonzero(everything.ambiguous()).tolist() == rows
    assert data.ambiguous().all()


def test_the_ambiguous_subset_follows_a_frame_list(small_tree, tmp_path):
    path = tmp_path / "list.txt"
    names = small_tree.entry(WALKING)["imgpath"]
    # without a line end, as the authors' file ends
    path.write_text("\n".join([names[9], "", names[3]]))
    data = load_h36m_ambiguous(small_tree.folder, frame_list=path)
    assert data.image_path == (names[3], names[9])
    assert any("list.txt" in note for note in data.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/S9/Walking 1.54138969/4.jpg\n/S9/Walking 1.54138969/5.jpg\n", r"line 2: /S9/Walk.*/5\.jpg is not among"),
        ("/S9/Walking 1.54138969/4.jpg\n/S9/Walking 1.54138969/4.jpg\n", r"line 2: .* was on line 1 already"),
        ("\n", "is empty"),
        (None, "cannot be read"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_with_a_frame_list(small_tree, tmp_path, text, said):
    path = tmp_path / "list.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"frame list .*list\.txt.*{said}"):
        load_h36m_ambiguous(small_tree.folder, frame_list=path)


def test_says_that_nothing_is_ambiguous(small_tree):
    with pytest.raises(InputError, match="holds no picture for the set h36ma"):
        load_h36m_ambiguous(small_tree.folder)


def changed(**fields):
    def change(tree, write_cdf):
        entry = tree.entry(WALKING)
        for name, function in fields.items():
            entry[name.replace("hrnet", "2d_hrnet")] = function(entry[name.replace("hrnet", "2d_hrnet")])
        tree.save()

    return change


def without(name):
    def change(tree, write_cdf):
        del tree.entry(WALKING)[name]
        tree.save()

    return change


def with_cdf(function, variable="Pose"):
    return lambda tree, write_cdf: write_cdf(tree.cdf_path(WALKING), function(tree.poses[WALKING]), variable)


def with_nan(column):
    def change(values):
        values[4, column] = np.nan
        return values

    return change


def blank_frame_9(poses):
    return np.where(np.arange(len(poses))[:, None, None] == 9, np.nan, poses)


def no_camera(tree, write_cdf):
    del tree.dataset["S11"]["Photo"]["1"]["60457274"]
    tree.save()


PICKLE, CDF = r"testset_h36m_without_3d\.pickle", r"Walking 1\.54138969\.cdf"
VIDEO = rf"{PICKLE}, video S9/Walking/1/54138969"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda tree, _: (tree.folder / "testset_h36m_without_3d.pickle").unlink(), f"{PICKLE} cannot be read"),
        (no_camera, f"{PICKLE} has no entry S11/Photo/1/60457274"),
        (without("gaussfit"), f"{VIDEO}: gaussfit is missing"),
        (changed(gaussfit=lambda values: values[:, :96]), rf"{VIDEO}: gaussfit has shape \(20, 96\)"),
        (changed(hrnet=lambda values: values[:-1]), rf"{VIDEO}: 2d_hrnet has shape \(19, 32\)"),
        (changed(hrnet=lambda values: values.astype(int)), f"{VIDEO}: 2d_hrnet .* type int64"),
        (changed(gaussfit=with_nan(10)), rf"{PICKLE}: gaussfit of /S9/Walking 1\.54138969/20\.jpg holds NaN"),
        (changed(hrnet=with_nan(3)), rf"{PICKLE}: 2d_hrnet of /S9/Walking 1\.54138969/20\.jpg holds NaN"),
        (changed(imgpath=lambda names: ["x.jpg", *names[1:]]), f"{VIDEO}: imgpath 'x.jpg' has no frame number"),
        (changed(imgpath=lambda names: names[::-1]), f"{VIDEO}: imgpath is not in the order"),
        (lambda tree, _: tree.cdf_path(WALKING).unlink(), f"{CDF} does not exist"),
        (lambda tree, _: tree.cdf_path(WALKING).write_bytes(b"no CDF"), f"{CDF} is not a CDF with a variable Pose"),
        (with_cdf(lambda poses: poses, "Positions"), f"{CDF} is not a CDF with a variable Pose"),
        (with_cdf(lambda poses: poses[:, :17]), rf"{CDF}: variable Pose has shape .*51.*expected \(1, frames, 96\)"),
        (with_cdf(blank_frame_9), f"{CDF}: variable Pose holds NaN or infinite values in frame 9"),
        (with_cdf(lambda poses: poses[:79]), f"{CDF} has 79 frames; .* frame 79 .*, which has no truth"),
    ],
)  # fmt: skip
def test_says_which_file_and_field_is_wrong(small_tree, cdf_writer, damage, said):
    assert len(load_h36m(small_tree.folder, every=4)) == 20
    damage(small_tree, cdf_writer)
    with pytest.raises(InputError, match=said):
        load_h36m(small_tree.folder, every=4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"every": 10}, "every is 10; expected a multiple of 4"),
        ({"every": 0}, "every is 0; expected a multiple of 4"),
        ({"split": "val"}, "split is 'val'; expected one of train, test"),
    ],
)
def test_says_which_argument_is_wrong(small_tree, arguments, said):
    with pytest.raises(InputError, match=said):
        load_h36m(small_tree.folder, **arguments)
