"""A small Human3.6M in the exact forms of the official CDF files and of the authors' published detections."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from cdflib.cdfwrite import CDF

ACTIONS = """
Directions Discussion Eating Greeting Phoning Photo Posing Purchases Sitting SittingDown Smoking Waiting WalkDog
WalkTogether Walking
""".split()  # noqa: SIM905
SUBJECTS = {"test": ["S9", "S11"], "train": ["S1", "S5", "S6", "S7", "S8"]}
CAMERAS = ["54138969", "55011271", "58860488", "60457274"]
PICKLES = {"test": "testset_h36m_without_3d.pickle", "train": "trainset_h36m_without_3d.pickle"}

NUMBERS_IN_NAMES = {
    "S1": {"Eating": {None, 2}, "Sitting": {1, 2}, "SittingDown": {None, 2}},
    "S5": {
        "Directions": {1, 2},
        "Discussion": {2, 3},
        "Greeting": {1, 2},
        "Photo": {None, 2},
        "Waiting": {1, 2},
    },
    "S6": {"Eating": {1, 2}, "Posing": {None, 2}, "Sitting": {1, 2}, "Waiting": {None, 3}},
    "S7": {"Phoning": {None, 2}, "Waiting": {1, 2}, "Walking": {1, 2}},
    "S8": {"WalkTogether": {1, 2}},
    "S9": {"Discussion": {1, 2}},
    "S11": {"Discussion": {1, 2}, "Greeting": {None, 2}, "Phoning": {2, 3}, "Smoking": {None, 2}},
}
"""The irregular numbers of the official files, as the comments of the authors' script list them; others: none, 1."""

OFFICIAL_ACTION = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}


def official_stem(subject, action, subaction):
    """Sub-action 0 is the file without a number, else that of the higher number; sub-action 1 is the other one."""
    numbers = NUMBERS_IN_NAMES[subject].get(action, {None, 1})
    ordered = sorted(numbers, key=lambda number: -100 if number is None else -number)
    number = ordered[int(subaction)]
    # both spellings of an action occur
    name = OFFICIAL_ACTION.get(action, action) if subject != "S9" else action
    return name if number is None else f"{name} {number}"


def write_cdf(path: Path, poses_mm, variable="Pose"):
    """(frames, 32, 3) as the one record of a variable, as the official files have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    poses = poses_mm.reshape(1, len(poses_mm), -1).astype(np.float32)
    writer = CDF(path, delete=True)
    spec = {
        "Variable": variable,
        "Data_Type": 44,
        "Num_Elements": 1,
        "Rec_Vary": True,
        "Dim_Sizes": list(poses.shape[1:]),
    }
    writer.write_var(spec, var_data=poses)
    writer.close()


def video_seed(subject, action, subaction, camera):
    return [int(subject[1:]), ACTIONS.index(action), int(subaction), int(camera)]


def poses_of(name, frames):
    """(frames, 32, 3) millimetres, a person about 4 m away; float32 as in the files."""
    poses = np.random.default_rng(video_seed(*name)).normal(0, 300, (frames, 32, 3)) + np.array(
        [100, -50, 4000]
    )
    return poses.astype(np.float32)


def entry_of(name, count):
    """One video of the authors' pickle: `count` pictures, numbered 4, 8, ..."""
    rng = np.random.default_rng([1, *video_seed(*name)])
    subject, action, subaction, camera = name
    folder = f"{action}{'' if subaction == '0' else ' 1'}.{camera}"
    means = rng.uniform(10, 50, (count, 16, 2))
    fits = np.stack(
        [
            rng.uniform(0.2, 1.3, (count, 16)),
            means[..., 0],
            means[..., 1],
            rng.uniform(1.5, 4.9, (count, 16)),
            rng.uniform(-7, 7, (count, 16)),
            rng.uniform(1.5, 4.9, (count, 16)),
            rng.uniform(0, 0.1, (count, 16)),
        ],
        axis=-1,
    )
    joints = 4 * means + rng.normal(0, 1, means.shape)
    return {
        "imgpath": [f"/{subject}/{folder}/{4 * (row + 1)}.jpg" for row in range(count)],
        "2d_hrnet": np.concatenate([joints[..., 0], joints[..., 1]], axis=1).astype(np.float32),
        "gaussfit": fits.reshape(count, 112),
    }


class Tree:
    """A folder as a researcher has it; `counts` says how many pictures each video has (others: none)."""

    def __init__(self, folder: Path, split: str, counts: dict):
        self.folder, self.split = folder, split
        self.dataset = {
            subject: {
                action: {
                    subaction: {
                        camera: entry_of(
                            (subject, action, subaction, camera),
                            counts.get((subject, action, subaction, camera), 0),
                        )
                        for camera in CAMERAS
                    }
                    for subaction in "01"
                }
                for action in ACTIONS
            }
            for subject in SUBJECTS[split]
        }
        self.poses = {name: poses_of(name, 4 * count + 2) for name, count in counts.items()}
        for name, poses in self.poses.items():
            write_cdf(self.cdf_path(name), poses)
        self.save()

    def cdf_path(self, name):
        subject, action, subaction, camera = name
        place = self.folder / subject / "MyPoseFeatures" / "D3_Positions_mono"
        return place / f"{official_stem(subject, action, subaction)}.{camera}.cdf"

    def entry(self, name):
        subject, action, subaction, camera = name
        return self.dataset[subject][action][subaction][camera]

    def save(self):
        with (self.folder / PICKLES[self.split]).open("wb") as file:
            pickle.dump(self.dataset, file, protocol=4)


def all_names(split):
    missing = {("S11", "Directions", "0", "54138969"), ("S5", "Waiting", "1", "55011271")}
    names = [
        (subject, action, subaction, camera)
        for action in ACTIONS
        for subject in SUBJECTS[split]
        for subaction in "01"
        for camera in CAMERAS
    ]
    return [name for name in names if name not in missing]


@pytest.fixture(scope="module")
def test_tree(tmp_path_factory):
    """Both test subjects, every video, 3 to 9 pictures each; the missing video has pictures but no CDF."""
    folder = tmp_path_factory.mktemp("h36m")
    counts = {name: 3 + (7 * row) % 7 + row % 5 for row, name in enumerate(all_names("test"))}
    tree = Tree(folder, "test", counts)
    tree.dataset["S11"]["Directions"]["0"]["54138969"] = entry_of(("S11", "Directions", "0", "54138969"), 5)
    tree.save()
    return tree


@pytest.fixture
def small_tree(tmp_path):
    """One video with 20 pictures, to be damaged."""
    return Tree(tmp_path, "test", {("S9", "Walking", "1", "54138969"): 20})


@pytest.fixture
def make_tree(tmp_path):
    return lambda split, counts: Tree(tmp_path, split, counts)


@pytest.fixture(scope="session")
def names_of():
    return all_names


@pytest.fixture(scope="session")
def cdf_writer():
    return write_cdf
