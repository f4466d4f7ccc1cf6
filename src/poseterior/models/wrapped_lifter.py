"""What a lifter around another one takes over from it; free of torch."""

from __future__ import annotations

from poseterior.models.interface import LiftingModel


class WrappedLifter:
    """A `LiftingModel`'s facts, but for its name, identity and answers."""

    def __init__(self, model: LiftingModel) -> None:
        self._model = model

    @property
    def detector_profile(self) -> str:
        """The model's."""
        return self._model.detector_profile

    @property
    def condition_variant(self) -> str:
        """The model's."""
        return self._model.condition_variant

    @property
    def num_parameters(self) -> int:
        """The model's."""
        return self._model.num_parameters
