"""The state of a training run as one safetensors file, written atomically and read without pickle (torch)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from poseterior.errors import ModelError
from poseterior.export.atomic import atomic_path

FORMAT = "poseterior-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on as if it had not stopped."""

    step: int
    """Steps done."""
    tensors: dict[str, dict[str, Tensor]]
    """Group ("model", "average", "optimiser", ...) -> name -> tensor."""
    facts: dict[str, Any]
    """What is not a tensor, as JSON knows it: the run's settings, to tell runs apart."""


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the checkpoint; an older one at `path` is replaced at once or, on failure, kept.

    Raises:
        OutputError: the file cannot be written.
    """
    flat = {
        f"{group}/{name}": tensor.detach().cpu().contiguous()
        for group, tensors in checkpoint.tensors.items()
        for name, tensor in tensors.items()
    }
    facts = json.dumps({"step": checkpoint.step, "facts": checkpoint.facts}, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(flat, metadata={"format": FORMAT, "run": facts}))


def load_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint at `path`.

    Raises:
        ModelError: missing, damaged, or not a checkpoint of this format.
    """
    if not path.is_file():
        raise ModelError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ModelError(f"{path} is not a checkpoint of the format {FORMAT}")
            run = json.loads(metadata["run"])
            tensors: dict[str, dict[str, Tensor]] = {}
            for key in file.keys():  # noqa: SIM118 - the file is no mapping
                group, _, name = key.partition("/")
                tensors.setdefault(group, {})[name] = file.get_tensor(key)
            return Checkpoint(int(run["step"]), tensors, dict(run["facts"]))
    except (SafetensorError, KeyError, TypeError, ValueError, OSError):
        raise ModelError(f"the checkpoint {path} is damaged; delete it to start anew") from None
