import numpy as np
import torch

from poseterior.train.objective.critic import PoseCritic


def test_the_network_of_method_section_4() -> None:
    torch.manual_seed(0)
    critic = PoseCritic().double()
    x = torch.randn(4, 48, dtype=torch.float64)
    state = {name: value.numpy() for name, value in critic.state_dict().items()}

    def layer(name, values):
        return values @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def leaky(values):
        return np.where(values > 0, values, 0.01 * values)

    pose_first = leaky(layer("pose_in", x.numpy()))
    pose = leaky(layer("pose_residual", leaky(layer("pose_middle", pose_first))) + pose_first)
    chain_first = leaky(layer("chain_in", critic.chain(x).numpy()))
    chain = layer("chain_residual", leaky(layer("chain_middle", chain_first))) + chain_first
    joined = leaky(layer("joined", np.concatenate([layer("pose_out", pose), chain], axis=1)))
    expected = layer("score", joined)[:, 0]
    np.testing.assert_allclose(critic(x).detach().numpy(), expected, rtol=1e-11)


def test_number_of_weights() -> None:
    sizes = [(48, 100), *[(100, 100)] * 3, (256, 1000), *[(1000, 1000)] * 2, (1100, 100), (100, 1)]
    expected = sum(inputs * outputs + outputs for inputs, outputs in sizes)
    assert sum(parameter.numel() for parameter in PoseCritic().parameters()) == expected
