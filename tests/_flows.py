"""Cards of flows for tests."""

from poseterior.flow.model_card import ModelCard


def flow_card(flow, **changes):
    """A card for the flow, which the changes complete or correct."""
    texts = {"description": "random weights", "data": "none", "licence": "Apache-2.0", "command": "pytest"}
    facts = {
        "name": "test",
        "family": flow.family,
        "config": flow.config,
        "detector_profile": "toy",
        "sigma_confident_cells": 1.3,
        "condition_variant": "paper",
        "stand_in": True,
        "seed": 0,
    }
    return ModelCard(**{**texts, **facts, **changes})
