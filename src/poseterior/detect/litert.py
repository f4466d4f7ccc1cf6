"""A TensorFlow Lite model run by LiteRT on the CPU."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from poseterior.errors import ModelError


class TfliteModel:
    """A model with one float input; outputs by name. Not safe for use from several threads at once."""

    def __init__(self, path: str | Path, num_threads: int = 2):
        """Load the model and allocate its tensors.

        Args:
            path: the .tflite file.
            num_threads: threads of the CPU kernels (XNNPACK).

        Raises:
            ModelError: the file is not a model that LiteRT can run.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            with _without_info_lines():
                self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else "it is damaged"
            raise ModelError(f"{path} is not a TensorFlow Lite model that can be run: {reason}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = {detail["name"]: detail["index"] for detail in self._interpreter.get_output_details()}

    def __call__(self, values: Float32[np.ndarray, "..."]) -> dict[str, Float32[np.ndarray, "..."]]:
        """Run the model on `values`, of the input's shape; copies of all outputs by name."""
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}


@contextmanager
def _without_info_lines() -> Iterator[None]:
    """Drop the INFO lines that the C++ runtime writes on stderr; everything else there is passed on."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # the process has no stderr
        yield
        return
    with tempfile.TemporaryFile() as capture:
        os.dup2(capture.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            capture.seek(0)
            for line in capture:
                if not line.startswith(b"INFO:"):
                    os.write(2, line)
