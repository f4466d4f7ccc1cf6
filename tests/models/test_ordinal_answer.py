import numpy as np
import pytest

from poseterior.errors import ModelError
from poseterior.models.interface import Draws, LiftingInputs, LiftingModel
from poseterior.models.ordinal_answer import OrdinalAnswer


class TwoWays:
    """Half of the samples lean towards the camera, half away; `single` is between them."""

    name, detector_profile, condition_variant = "two ways", "toy", "paper"
    num_parameters, gives_log_prob = 3, False
    identity = {"method": "two-ways"}  # noqa: RUF012

    def __init__(self):
        towards = np.zeros((3, 16))
        towards[2] = np.linspace(-0.7, 0.7, 16)
        self.ways = np.stack([towards, -towards]).reshape(2, 48).astype(np.float32)

    def single(self, inputs):
        return np.zeros((len(inputs.picture), 48), np.float32)

    def sample(self, inputs, num_samples, seed):
        return Draws(np.repeat(np.resize(self.ways, (1, num_samples, 48)), len(inputs.picture), axis=0), None)

    def log_prob(self, inputs, vectors):
        raise ModelError("none")


def inputs(*pictures):
    count = len(pictures)
    return LiftingInputs(
        np.zeros((count, 32), np.float32), np.zeros((count, 78), np.float32), np.array(pictures)
    )


def test_the_answer_leans_as_the_truth_of_its_own_picture():
    model = TwoWays()
    truth = np.stack([model.ways[0], model.ways[1], model.ways[0]]).astype(np.float64)
    ordinal = OrdinalAnswer(model, truth, num_samples=6, seed=0)
    assert isinstance(ordinal, LiftingModel)
    answers = ordinal.single(inputs(2, 1))
    # 240 relations agree for one way and none for the other
    np.testing.assert_allclose(answers, truth[[2, 1]], atol=1e-6)
    assert answers.dtype == np.float32
    assert ordinal.identity["single_answer"].startswith("oracle")


def test_everything_else_is_the_models():
    model = TwoWays()
    ordinal = OrdinalAnswer(model, np.zeros((1, 48)), num_samples=4, seed=0)
    np.testing.assert_array_equal(
        ordinal.sample(inputs(0), 4, 1).vectors, model.sample(inputs(0), 4, 1).vectors
    )
    assert (ordinal.num_parameters, ordinal.gives_log_prob) == (3, False)
    with pytest.raises(ModelError):
        ordinal.log_prob(inputs(0), np.zeros((1, 1, 48)))
