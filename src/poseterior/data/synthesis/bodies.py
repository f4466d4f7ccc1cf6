"""Bodies of adults (or children) of every build: phenotypes, and the surface and rig that they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64

from poseterior.data.synthesis.compiled import compiled
from poseterior.data.synthesis.template import PHENOTYPES, BodyTemplate

ADULT_YEARS = (18.0, 80.0)
CHILD_YEARS = (4.0, 17.0)

_VARIATIONS = {
    "race": 3,
    "gender": 2,
    "age": 5,
    "muscle": 3,
    "weight": 3,
    "height": 2,
    "proportions": 2,
    "cupsize": 3,
    "firmness": 3,
}
"""How many extremes each phenotype is mixed from, in the order of the template's `shape_mask`."""


@dataclass(frozen=True)
class Body:
    """One person at rest: y up, facing +z, metres."""

    phenotype: Float64[np.ndarray, "11"]
    """In the order of `PHENOTYPES`, each in [0, 1]."""
    vertices_m: Float32[np.ndarray, "vertices 3"]
    heads_m: Float64[np.ndarray, "bones 3"]

    @property
    def height_m(self) -> float:
        """From sole to crown, standing."""
        return float(np.ptp(self.vertices_m[:, 1]))


def sample_phenotype(
    rng: np.random.Generator, template: BodyTemplate, *, child_share: float = 0.0
) -> Float64[np.ndarray, "11"]:
    """A phenotype: years of age uniform, the rest by anny's calibrated distributions for that age and sex.

    Sex is uniform in [0, 1] for half of the people and near an end for the others; shares of ancestry are
    uniform on the simplex. anny's distributions reproduce the heights of WHO's growth data.
    """
    years = rng.uniform(*(CHILD_YEARS if rng.random() < child_share else ADULT_YEARS))
    age = float(np.interp(years, template.years, template.age_of_years))
    gender = rng.random() if rng.random() < 0.5 else rng.beta(0.2, 0.2)
    parts = template.shape_beta[int(gender > 0.5)]
    height, weight, muscle, proportions = (
        rng.beta(*(np.interp(age, template.shape_beta_ages, knots) for knots in part)) for part in parts
    )
    ancestry = rng.dirichlet([1.0, 1.0, 1.0])
    cupsize, firmness = rng.random(2)
    values = (gender, age, muscle, weight, height, proportions, cupsize, firmness, *ancestry)
    return np.array(values, dtype=np.float64)


def make_body(phenotype: Float64[np.ndarray, "11"], template: BodyTemplate) -> Body:
    """The body of a phenotype."""
    weights = shape_weights(phenotype, template)
    used = np.flatnonzero(weights)
    vertices_m = _blend(template.vertices_m, template.vertex_shapes_m, used, weights[used].astype(np.float32))
    heads_m = template.heads_m + np.tensordot(weights[used], template.head_shapes_m[used], axes=1)
    return Body(phenotype, vertices_m, heads_m)


def shape_weights(
    phenotype: Float64[np.ndarray, "11"], template: BodyTemplate
) -> Float64[np.ndarray, " shapes"]:
    """Coefficients of the template's shapes: products of the phenotypes' linear interpolations (anny)."""
    value: dict[str, float] = dict(zip(PHENOTYPES, phenotype, strict=True))
    ancestry = np.array([value["african"], value["asian"], value["caucasian"]])
    shares = [ancestry / ancestry.sum()]
    for name, count in list(_VARIATIONS.items())[1:]:
        # anny's newborns lie before its age 0
        lowest = -1.0 / 3.0 if name == "age" else 0.0
        shares.append(_interpolation(value[name], np.linspace(lowest, 1.0, count)))
    mask = template.shape_mask
    return np.prod(np.where(mask > 0, np.concatenate(shares) * mask + (1.0 - mask), 1.0), axis=1)


def _interpolation(value: float, anchors: Float[np.ndarray, " anchors"]) -> Float[np.ndarray, " anchors"]:
    return np.array([np.interp(value, anchors, row) for row in np.eye(len(anchors))])


@compiled
@no_type_check
def _blend(base, shapes, used, weights):
    blended = base.copy()
    flat = blended.reshape(-1)
    for index in range(used.size):
        shape = shapes[used[index]].reshape(-1)
        weight = weights[index]
        for entry in range(flat.size):
            flat[entry] += weight * shape[entry]
    return blended
