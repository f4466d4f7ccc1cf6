from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from _flows import flow_card

from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.flow.export import Flow, export_flow
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow

SMALL = {"hidden": 40, "encoder_hidden": 20, "encoder_size": 10}


def random_flow(family: str, std: float | None = 0.08, **changes) -> Flow:
    """A small flow with random weights; `std` None keeps the initial ones."""
    torch.manual_seed(0)
    sizes = {**SMALL, **changes}
    flow = (
        WehrbeinFlow(FlowConfig(**sizes))
        if family == "bijective"
        else PosteriorFlow(posterior_config(**sizes))
    )
    for parameter in flow.parameters() if std else ():
        torch.nn.init.normal_(parameter, std=std or 0.0)
    if isinstance(flow, PosteriorFlow):
        flow.scale.copy_(torch.linspace(0.05, 0.4, 45))
    return flow.eval()


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., tuple[Flow, Path]]:
    """family, changed config -> (torch flow, its bundle)."""

    def make(family: str, **changes: Any) -> tuple[Flow, Path]:
        flow = random_flow(family, **changes)
        card = flow_card(flow, detector_profile="blazepose_full", metrics={"nll": 1.5})
        export_flow(flow, tmp_path / family, card)
        return flow, tmp_path / family

    return make
