import math

import pytest
from _networks import METHODS

from poseterior.errors import InputError
from poseterior.train.methods.recipe import Recipe
from poseterior.train.methods.registry import published_recipe


def test_a_published_training_in_steps():
    # Martinez et al.: 1,559,752 pairs of Human3.6M, 64 a step, 200 epochs
    assert published_recipe("martinez2017").steps(1_559_752) == math.ceil(200 * 1_559_752 / 64)
    assert Recipe(epochs=0.5).steps(10) == 1


@pytest.mark.parametrize(
    ("recipe", "step", "factor"),
    [
        (Recipe(), 0, 1.0),
        (Recipe(), 100_000, 0.96),
        (Recipe(), 50_000, math.sqrt(0.96)),
        # 1000 pairs by 50 are 20 steps an epoch
        (Recipe(batch_size=50, decay=0.94, decay_every=1.0, decay_unit="epochs"), 40, 0.94**2),
        (Recipe(shape="cosine"), 0, 1.0),
        (Recipe(shape="cosine"), 100_000, 0.5),
        (Recipe(shape="cosine"), 200_000, 0.0),
    ],
)
def test_rates(recipe, step, factor):
    assert recipe.rate_factor(step, 200_000, 1000) == pytest.approx(factor, abs=1e-12)


def test_every_recipe_ends_below_where_it_begins():
    for method in METHODS:
        recipe = published_recipe(method)
        steps = recipe.steps(1_559_752)
        assert 0 <= recipe.rate_factor(steps, steps, 1_559_752) < 1


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="there is no method magic; expected one of martinez2017"):
        published_recipe("magic")
