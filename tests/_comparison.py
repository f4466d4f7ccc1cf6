"""Results of a comparison as `compare.results` writes them, made up."""

from dataclasses import replace

from poseterior.compare.plan import tiny_plan

NAMES = ("mpjpe_mm", "pmpjpe_mm")


def values(number, seeds=1):
    """Every value a page asks for; the seeds differ by 10."""
    numbers = {"seeds": [number + 10.0 * seed for seed in range(seeds)], "interval": None}
    names = [
        f"{metric}.{answer}" for metric in NAMES for answer in ("z0", "oracle_best", "oracle_best_of_first_5")
    ]
    return dict.fromkeys([*names, "ece"], numbers)


def row(name, number, seeds=1, subsets=("all", "ambiguous"), **more):
    return {
        "name": name,
        "title": f"the {name}",
        "is_main": True,
        "parameters": 4_286_512,
        "samples": 200,
        "seeds": list(range(seeds)),
        "training": [{"hours": 0.5 + seed, "steps": 10} for seed in range(seeds)],
        "subsets": {subset: values(number, seeds) for subset in subsets},
    } | more


def results(*rows, ambiguous=7):
    plan = replace(tiny_plan(), pictures=640_000)
    return {
        "command": "poseterior compare --data set --out out",
        "date": "2026-11-23T00:00:00+00:00",
        "seeds": [0, 1],
        "plan": plan.settings(),
        "dataset": {
            "name": "a set",
            "num_pictures": 10_000,
            "num_evaluated": 2_500,
            "num_sequences_evaluated": 77,
        },
        "subset_pictures": {"all": 2_500, "ambiguous": ambiguous},
        "rows": list(rows),
    }
