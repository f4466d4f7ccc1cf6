"""Speed and accuracy of the flow's runtime, against the same network run layer by layer as the authors do.

The reference is FrEIA 0.2 in torch, fp32, with the condition repeated for every hypothesis and the whole
batch at once; beside it, for information, the same in chunks of 512 and our own torch module. Sizes are the
paper's: 8 blocks, hidden 1024, 16-dimensional latent. All in one run, in turns, on two threads; what runs in
torch is followed by a pause, so that its spinning threads do not slow down what comes next.

    python benchmarks/flow.py [--threads 2] [--rounds 15]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from _common import interleave, write_result
from FrEIA.framework import ConditionNode, GraphINN, InputNode, Node, OutputNode
from FrEIA.modules import GLOWCouplingBlock, PermuteRandom
from torch import Tensor, nn

from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.flow.export import Flow, export_flow
from poseterior.flow.model_card import ModelCard
from poseterior.flow.runtime import FlowRuntime
from poseterior.models.official import official_state_dict
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow

TARGET_RATIO = {1000: 1.8, 10_000: 2.5}


class LayerByLayer:
    """The authors' network on FrEIA, with the weights of `flow`."""

    def __init__(self, flow: WehrbeinFlow) -> None:
        state = official_state_dict(flow)
        self.encoder = nn.Sequential(nn.Linear(78, 256), nn.ReLU(), nn.Linear(256, 56))
        self.encoder.load_state_dict(
            {
                key.removeprefix("cond_net."): value
                for key, value in state.items()
                if key.startswith("cond_net.")
            }
        )
        self.net = _freia_net(flow.config)
        self._load(state)

    def _load(self, state: dict[str, Tensor]) -> None:
        for index, module in enumerate(self.net.module_list):
            if isinstance(module, GLOWCouplingBlock):
                for theirs, old_name in (("subnet1", "s1"), ("subnet2", "s2")):
                    prefix = f"inn.module_list.{index + 1}.{old_name}."
                    getattr(module, theirs).load_state_dict(
                        {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
                    )

    @torch.no_grad()
    def inverse(self, latent: Tensor, y: Tensor, condition: Tensor) -> Tensor:
        """One picture: latent (hypotheses, 16), y (32), condition (78) -> (hypotheses, 48)."""
        rows = len(latent)
        vector = torch.cat([latent, y.expand(rows, -1)], dim=1)
        return self.net(vector, c=self.encoder(condition.expand(rows, -1)), rev=True)[0]


def _freia_net(config: FlowConfig) -> GraphINN:
    def subnet(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, config.hidden), nn.ReLU(), nn.Linear(config.hidden, outputs))

    coupling = {
        "subnet_constructor": subnet,
        "clamp": config.clamp_alpha,
        "clamp_activation": lambda u: 2 / torch.pi * torch.atan(u / config.clamp_alpha),
    }
    condition = ConditionNode(config.encoder_size)
    nodes: list[Node] = [InputNode(48)]
    for block in range(config.blocks):
        nodes.append(Node(nodes[-1], GLOWCouplingBlock, coupling, conditions=condition))
        nodes.append(Node(nodes[-1], PermuteRandom, {"seed": block}))
    return GraphINN([*nodes, OutputNode(nodes[-1]), condition], verbose=False)


def _runtime(flow: Flow, folder: Path, threads: int) -> tuple[FlowRuntime, float]:
    """The exported flow, and the milliseconds that opening it took."""
    texts = dict.fromkeys(("description", "data", "licence", "command"), "benchmark")
    card = ModelCard(flow.family, flow.family, flow.config, "none", 1.0, "paper", True, **texts, seed=0)
    export_flow(flow, folder, card)
    start = time.perf_counter()
    runtime = FlowRuntime.load(folder, num_threads=threads)
    return runtime, 1e3 * (time.perf_counter() - start)


def _pause() -> None:
    time.sleep(0.02)


def _rms(values: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sqrt(np.mean((values.astype(np.float64) - exact) ** 2)))


def _accuracy(
    reference: LayerByLayer, flow: WehrbeinFlow, runtime: FlowRuntime, seeds: int
) -> dict[str, list[float]]:
    """Root mean square distance to float64, in metres, per seed of inputs."""
    errors: dict[str, list[float]] = {"layer_by_layer_fp32": [], "runtime_fp32": []}
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        latent, y, condition = (torch.randn(n, generator=generator) for n in ((1000, 16), (1, 32), (1, 78)))
        vector = torch.cat([latent, y.expand(1000, -1)], dim=1)[None]
        with torch.no_grad():
            exact = flow.double().inverse(vector.double(), condition.double())[0][0].numpy()
        flow.float()
        theirs = reference.inverse(latent, y, condition).numpy()
        ours = runtime.vectors(latent[None].numpy(), y.numpy(), condition.numpy())[0]
        errors["layer_by_layer_fp32"].append(_rms(theirs, exact))
        errors["runtime_fp32"].append(_rms(ours, exact))
    return errors


def _speed(
    reference: LayerByLayer,
    flow: WehrbeinFlow,
    bijective: FlowRuntime,
    posterior: FlowRuntime,
    hypotheses: int,
    rounds: int,
) -> dict[str, float]:
    """Median milliseconds for `hypotheses` of one picture."""
    generator = torch.Generator().manual_seed(0)
    latent, u, y, condition = (
        torch.randn(n, generator=generator) for n in ((hypotheses, 16), (hypotheses, 45), (1, 32), (1, 78))
    )
    vector = torch.cat([latent, y.expand(hypotheses, -1)], dim=1)[None]
    z_np, u_np, y_np, c_np = latent[None].numpy(), u[None].numpy(), y.numpy(), condition.numpy()

    def torch_module() -> None:
        with torch.no_grad():
            flow.inverse(vector, condition)

    seconds = interleave(
        {
            "layer_by_layer": lambda: reference.inverse(latent, y, condition),
            "pause_1": _pause,
            "layer_by_layer_chunks_512": lambda: [
                reference.inverse(chunk, y, condition) for chunk in latent.split(512)
            ],
            "pause_2": _pause,
            "torch_module": torch_module,
            "pause_3": _pause,
            "runtime": lambda: bijective.vectors(z_np, y_np, c_np),
            "runtime_posterior_with_log_prob": lambda: posterior.inverse(u_np, y_np, c_np),
        },
        rounds,
    )
    return {name: 1e3 * value for name, value in seconds.items() if not name.startswith("pause")}


def _report(milliseconds: dict[int, dict[str, float]], errors: dict[str, list[float]]) -> None:
    for hypotheses, row in milliseconds.items():
        ratio = row["layer_by_layer"] / row["runtime"]
        target = f" (target {TARGET_RATIO[hypotheses]})" if hypotheses in TARGET_RATIO else ""
        times = ", ".join(f"{name} {value:.2f}" for name, value in row.items())
        print(f"{hypotheses:>6} hypotheses, ms: {times}; ratio {ratio:.2f}{target}")
    for name, values in errors.items():
        print(f"rms distance to float64, {name}: {', '.join(f'{value:.3e}' for value in values)} m")


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    flow, posterior_flow = WehrbeinFlow(FlowConfig()).eval(), PosteriorFlow(posterior_config()).eval()
    reference = LayerByLayer(flow)
    with tempfile.TemporaryDirectory() as scratch:
        bijective, _ = _runtime(flow, Path(scratch) / "bijective", arguments.threads)
        posterior, open_ms = _runtime(posterior_flow, Path(scratch) / "posterior", arguments.threads)
        milliseconds = {
            n: _speed(
                reference, flow, bijective, posterior, n, max(7, arguments.rounds * 1000 // max(n, 1000))
            )
            for n in (1, 200, 1000, 10_000)
        }
        latent = np.random.default_rng(0).standard_normal((1, 1000, 16))
        y, condition = np.zeros((1, 32)), np.zeros((1, 78))
        manifold = interleave({"manifold": lambda: bijective.inverse(latent, y, condition)}, 3)["manifold"]
        errors = _accuracy(reference, flow, bijective, seeds=5)
    _report(milliseconds, errors)
    print(
        f"opening a model: {open_ms:.1f} ms; manifold log-density of 1000 hypotheses: {1e3 * manifold:.0f} ms"
    )
    payload = {
        "threads": arguments.threads,
        "reference": "FrEIA 0.2 in torch fp32, condition repeated per hypothesis, full batch",
        "milliseconds": milliseconds,
        "ratio": {n: row["layer_by_layer"] / row["runtime"] for n, row in milliseconds.items()},
        "target_ratio": TARGET_RATIO,
        "rms_to_float64_m": errors,
        "open_ms": open_ms,
        "manifold_log_prob_1000_ms": 1e3 * manifold,
        "torch": torch.__version__,
    }
    print(write_result("flow", payload, arguments.out))


if __name__ == "__main__":
    main()
