"""What a comparison's folder was begun with; free of torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poseterior.compare.plan import Plan
from poseterior.errors import InputError
from poseterior.export.atomic import atomic_path

PLAN_FILE = "plan.json"


def check_same_plan(out: Path, plan: Plan, training_pairs_sha256: str) -> None:
    """Writes the plan's settings into a new folder, or checks that they are those of the folder.

    Raises:
        InputError: the folder was begun with other settings or training pairs, or its record is damaged.
        OutputError: it cannot be written.
    """
    settings = plan.settings() | {"training_pairs_sha256": training_pairs_sha256}
    settings = json.loads(json.dumps(settings))
    path = out / PLAN_FILE
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    begun = _read(path)
    for key in (*settings, *begun):
        if begun.get(key) != settings.get(key):
            raise InputError(
                f"the comparison in {out} was begun with {key} = {begun.get(key)}, not {settings.get(key)}; "
                "expected the same, or another folder"
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"cannot read {path}, which says how the comparison was begun; expected JSON")
    return content
