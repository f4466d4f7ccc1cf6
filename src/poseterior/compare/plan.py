"""What a comparison runs: methods, sizes, budget, seeds; free of torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from poseterior.errors import InputError

Kind = Literal["network", "flow"]
AnswerKind = Literal["model", "noise", "ordinal"]


@dataclass(frozen=True)
class Answer:
    """A way in which a trained method is measured: a row of the tables."""

    suffix: str = ""
    """Of its report's name, behind the method's."""
    title: str = ""
    """Behind the method's, or in its place (`kind` noise)."""
    kind: AnswerKind = "model"
    """noise: its single answer with noise around it (`models.noise_baseline`). ordinal: its samples' mean, weighted
    by ordinal depths of the truth (`models.ordinal_answer`), an oracle."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of its config that differ; the weights do not depend on them."""
    samples: int | None = None
    """In place of the plan's."""


MAIN_ANSWER = Answer()


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
    options: dict[str, Any] = field(default_factory=dict)
    """ "section.key" -> value, of a flow's training, that are not the preset's."""
    answers: tuple[Answer, ...] = (MAIN_ANSWER,)
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
    """Of each test set; None takes all."""
    curve_samples: int = 1000
    """Hypotheses of the curves over their number (figure 5), on ambiguous pictures, for the first seed."""
    curve_pictures: int = 300
    """0: no curves."""
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

    def settings(self) -> dict[str, Any]:
        """All that numbers depend on but the choice of methods and seeds, as JSON gives it back."""
        sizes = {entry.name: entry.sizes for entry in self.entries if entry.sizes}
        options = {entry.name: entry.options for entry in self.entries if entry.options}
        left_out = ("entries", "seeds")
        settings = {key: value for key, value in asdict(self).items() if key not in left_out}
        return {"ablations": bool(options), "sizes": sizes, "options": options, **settings}

    def check(self) -> None:
        """Raises InputError for values that cannot be meant."""
        counts = {"pictures": self.pictures, "samples": self.samples, "max_pictures": self.max_pictures or 1}
        for name, value in counts.items():
            if value < 1:
                raise InputError(f"{name} is {value}; expected 1 or more")
        possible = all(0 <= seed < 2**63 for seed in self.seeds)
        if not self.seeds or not possible or len(set(self.seeds)) < len(self.seeds):
            raise InputError("seeds: expected one or more, all different, 0 to 2^63 - 1")


_TITLES = {
    "martinez2017": "Martinez et al. 2017",
    "li2020": "Li & Lee 2020",
    "li2019-mdn": "Li & Lee 2019 (MDN)",
    "graphmdn": "Oikarinen et al. 2020 (GraphMDN)",
    "cvae": "Sharma et al. 2019 (CVAE)",
    "flow_matching": "flow matching",
    "spline_flow": "neural spline flow",
}
_FLOWS = {
    "wehrbein2021": "Wehrbein et al. 2021",
    "posterior": "posterior flow (likelihood)",
}
_ANSWERS = {
    "martinez2017": (Answer(samples=1),),
    "li2019-mdn": (MAIN_ANSWER, Answer("-means", "its 5 means", changes={"draws": "means"}, samples=5)),
    "cvae": (MAIN_ANSWER, Answer("-ordinal", "ordinal ranking by the truth (oracle)", kind="ordinal")),
    "wehrbein2021": (MAIN_ANSWER, Answer("-noise", "noise around its z0", kind="noise")),
}
"""Of the methods that have others than the main one."""
_TINY_SIZES: dict[str, dict[str, Any]] = {
    "martinez2017": {"hidden": 64},
    "li2020": {"hidden": 64, "noise": 16},
    "li2019-mdn": {"hidden": 64},
    "graphmdn": {"channels": 16, "blocks": 1},
    "cvae": {"hidden": 96, "latent": 16, "train_samples": 4},
    "flow_matching": {"hidden": 64, "blocks": 2, "encoder_hidden": 64, "steps": 4},
    "spline_flow": {"layers": 2, "hidden": 32, "encoder_hidden": 64},
}
_TINY_FLOW = {"blocks": 3, "hidden": 64, "encoder_hidden": 64}
_DEAR = ("cvae", "li2020", "wehrbein2021")
"""Trained for one seed where time is short."""


def tiny_plan() -> Plan:
    """Minutes on two CPU cores: to see that everything works; its numbers mean nothing."""
    entries = _entries(_TINY_SIZES, _TINY_FLOW)
    return Plan(
        entries,
        pictures=6_400,
        samples=20,
        max_pictures=32,
        curve_samples=50,
        curve_pictures=8,
        batch_size=32,
    )


def open_plan() -> Plan:
    """Published sizes on the open data: 10,000 generator iterations of the flow's 64 pictures.

    That is a part of the paper's budget (74,710), for two CPU cores; `--pictures 4781440` asks for all of it.
    """
    return Plan(_entries({}, {}, _DEAR), pictures=640_000, max_pictures=2_500)


def h36m_plan() -> Plan:
    """Published sizes at the paper's own budget, 155 epochs of 482 batches of 64 pictures."""
    return Plan(_entries({}, {}), pictures=155 * 482 * 64)


def _entries(
    sizes: dict[str, dict[str, Any]], flow_sizes: dict[str, Any], once: tuple[str, ...] = ()
) -> tuple[Entry, ...]:
    titles: dict[Kind, dict[str, str]] = {"network": _TITLES, "flow": _FLOWS}
    return tuple(
        Entry(
            name,
            title,
            kind,
            name,
            flow_sizes if kind == "flow" else sizes.get(name, {}),
            answers=_ANSWERS.get(name, (MAIN_ANSWER,)),
            num_seeds=1 if name in once else 2,
        )
        for kind, of_kind in titles.items()
        for name, title in of_kind.items()
    )


PLANS = {"tiny": tiny_plan, "open": open_plan, "h36m": h36m_plan}
