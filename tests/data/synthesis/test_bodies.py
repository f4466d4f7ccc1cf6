import numpy as np
import pytest

from poseterior.data.synthesis.bodies import make_body, sample_phenotype, shape_weights
from poseterior.data.synthesis.regions import Region
from poseterior.data.synthesis.template import PHENOTYPES


def test_shape_weights_are_those_of_anny(template):
    import torch
    from anny.models.phenotype import make_phenotype_anchors, phenotype_blendshape_weights

    rng = np.random.default_rng(0)
    phenotypes = np.stack([sample_phenotype(rng, template, child_share=0.5) for _ in range(20)])
    expected = phenotype_blendshape_weights(
        torch.tensor(phenotypes),
        list(PHENOTYPES),
        make_phenotype_anchors(torch.float64),
        torch.tensor(template.shape_mask),
        extrapolate=False,
    ).numpy()
    ours = np.stack([shape_weights(phenotype, template) for phenotype in phenotypes])
    assert (expected > 0.01).any(axis=1).all()
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_body_is_the_template_plus_its_weighted_shapes(template):
    phenotype = sample_phenotype(np.random.default_rng(1), template)
    weights = shape_weights(phenotype, template)
    body = make_body(phenotype, template)
    expected = template.vertices_m + np.tensordot(weights, template.vertex_shapes_m.astype(float), axes=1)
    np.testing.assert_allclose(body.vertices_m, expected, atol=2e-6)
    assert body.vertices_m.dtype == np.float32


def test_adults_are_as_tall_as_adults_are(template):
    rng = np.random.default_rng(2)
    heights = np.array([make_body(sample_phenotype(rng, template), template).height_m for _ in range(300)])
    assert 1.62 < np.median(heights) < 1.78
    assert 0.07 < heights.std() < 0.13
    assert (heights > 1.3).all()
    assert (heights < 2.15).all()


def test_children_are_smaller(template):
    rng = np.random.default_rng(3)
    heights = [
        make_body(sample_phenotype(rng, template, child_share=1.0), template).height_m for _ in range(60)
    ]
    assert 0.9 < np.median(heights) < 1.6


def test_rest_body_stands_upright_and_faces_z(template):
    body = make_body(sample_phenotype(np.random.default_rng(4), template), template)
    head, root, nose = (
        body.heads_m[template.bone_index["head"]],
        body.heads_m[template.bone_index["root"]],
        template.nose_weights @ body.vertices_m[template.nose_vertices],
    )
    left = body.heads_m[template.bone_index["wrist.L"]] - body.heads_m[template.bone_index["wrist.R"]]
    assert head[1] - root[1] > 0.4
    assert nose[2] - head[2] > 0.05
    assert left[0] > 0.5


@pytest.mark.parametrize("region", list(Region))
def test_every_region_has_faces(template, region):
    assert (template.face_region == region).sum() > 100


def test_hair_is_above_and_behind_the_face(template):
    centre = template.vertices_m[template.faces].mean(axis=1)
    hair, face = (
        centre[template.face_region == region].mean(axis=0) for region in (Region.HAIR, Region.FACE)
    )
    assert hair[1] > face[1] + 0.03
    assert hair[2] < face[2]
