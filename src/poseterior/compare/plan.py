"""What a comparison runs: methods, sizes, budget, seeds; free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from poseterior.errors import InputError
from poseterior.train.presets import Preset

Kind = Literal["network", "flow"]


@dataclass(frozen=True)
class Entry:
    """A method that is trained once per seed."""

    name: str
    """Of its folder and its row."""
    title: str
    """In tables."""
    kind: Kind
    method: str
    """network: by `models.network_methods`; flow: the preset of `poseterior train`."""
    sizes: dict[str, Any] = field(default_factory=dict)
    """Fields of its config that are not the published ones."""
    answers: dict[str, dict[str, Any]] = field(default_factory=lambda: {"": {}})
    """Suffix of a report's name -> fields of the config that it is measured with; the weights are the same."""
    num_seeds: int = 2
    """Trainings: so many of the plan's seeds, from the first."""


@dataclass(frozen=True)
class Plan:
    """A comparison; every method sees the same pictures, equally often, in the same variations."""

    entries: tuple[Entry, ...]
    pictures: int
    """Budget: training pairs that each method is shown, repetitions counted, whatever its batches."""
    samples: int = 200
    """Hypotheses per test picture."""
    max_pictures: int | None = None
    """Of the test split; None takes all."""
    seeds: tuple[int, ...] = (0, 1)
    mirrored: bool = False
    rotated_degrees: float = 0.0
    batch_size: int | None = None
    """In place of the published ones."""

    def trainings(self, entries: tuple[Entry, ...]) -> list[tuple[int, Entry]]:
        """Seed and entry of each, seed by seed."""
        return [
            (seed, entry)
            for number, seed in enumerate(self.seeds)
            for entry in entries
            if number < entry.num_seeds
        ]

    def chosen(self, names: tuple[str, ...]) -> tuple[Entry, ...]:
        """The entries of those names, in the plan's order; "all" takes all of them.

        Raises:
            InputError: there is no entry of a name.
        """
        known = [entry.name for entry in self.entries]
        for name in names:
            if name != "all" and name not in known:
                raise InputError(f"methods: there is no {name}; expected all, or some of {', '.join(known)}")
        return tuple(entry for entry in self.entries if "all" in names or entry.name in names)


_MDN_ANSWERS = {"": {}, "-means": {"draws": "means"}}
_TITLES = {
    "martinez2017": "Martinez et al. 2017",
    "li2020": "Li & Lee 2020",
    "li2019-mdn": "Li & Lee 2019 (MDN)",
    "graphmdn": "Oikarinen et al. 2020 (GraphMDN)",
    "cvae": "Sharma et al. 2019 (CVAE)",
    "flow_matching": "flow matching",
    "spline_flow": "neural spline flow",
}
_FLOWS: dict[Preset, str] = {
    "wehrbein2021": "Wehrbein et al. 2021",
    "posterior": "posterior flow (likelihood)",
}
_TINY_SIZES: dict[str, dict[str, Any]] = {
    "martinez2017": {"hidden": 64},
    "li2020": {"hidden": 64, "noise": 16},
    "li2019-mdn": {"hidden": 64},
    "graphmdn": {"channels": 16, "blocks": 1},
    "cvae": {"hidden": 96, "latent": 16, "train_samples": 4},
    "flow_matching": {"hidden": 64, "blocks": 2, "encoder_hidden": 64, "steps": 4},
    "spline_flow": {"layers": 2, "hidden": 32, "encoder_hidden": 64},
}
_OPEN_SEEDS = {"cvae": 1, "li2020": 1, "wehrbein2021": 1}
"""The dear ones."""
_TINY_FLOW = {"blocks": 3, "hidden": 64, "encoder_hidden": 64}


def tiny_plan() -> Plan:
    """Minutes on two CPU cores: to see that everything works; its numbers mean nothing."""
    return Plan(_entries(_TINY_SIZES, _TINY_FLOW), pictures=6_400, samples=20, max_pictures=32, batch_size=32)


def open_plan() -> Plan:
    """Published sizes on the open data: 10,000 generator iterations of the flow's 64 pictures.

    That is a part of the paper's budget (74,710), for two CPU cores; `--pictures 4781440` asks for all of it.
    """
    return Plan(_entries({}, {}, _OPEN_SEEDS), pictures=640_000, max_pictures=2_500)


def _entries(
    sizes: dict[str, dict[str, Any]], flow_sizes: dict[str, Any], num_seeds: dict[str, int] | None = None
) -> tuple[Entry, ...]:
    seeds = {} if num_seeds is None else num_seeds
    networks = [
        Entry(
            method,
            title,
            "network",
            method,
            sizes.get(method, {}),
            _MDN_ANSWERS if method == "li2019-mdn" else {"": {}},
            seeds.get(method, 2),
        )
        for method, title in _TITLES.items()
    ]
    flows = [
        Entry(preset, title, "flow", preset, flow_sizes, num_seeds=seeds.get(preset, 2))
        for preset, title in _FLOWS.items()
    ]
    return (*networks, *flows)


PLANS = {"tiny": tiny_plan, "open": open_plan}
