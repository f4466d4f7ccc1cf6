from pathlib import Path

import pytest
import torch
from _flows import flow_card
from _toy_evaluation import PROFILE

from poseterior.flow.config import FlowConfig, posterior_config
from poseterior.flow.export import export_flow
from poseterior.models.posterior_flow import PosteriorFlow
from poseterior.models.wehrbein import WehrbeinFlow


@pytest.fixture
def bundle(tmp_path: Path):
    """family -> (torch flow, folder) of a tiny flow for the toy detector."""

    def make(family="posterior"):
        torch.manual_seed(0)
        sizes = {"blocks": 2, "hidden": 12, "encoder_hidden": 8, "encoder_size": 6}
        flow = (
            PosteriorFlow(posterior_config(**sizes))
            if family == "posterior"
            else WehrbeinFlow(FlowConfig(**sizes))
        )
        for parameter in flow.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        if isinstance(flow, PosteriorFlow):
            flow.scale.copy_(torch.linspace(0.05, 0.4, 45))
        card = flow_card(
            flow,
            name=f"tiny-{family}",
            detector_profile=PROFILE.name,
            sigma_confident_cells=PROFILE.sigma_confident_cells,
        )
        export_flow(flow.eval(), tmp_path / family, card)
        return flow, tmp_path / family

    return make
