"""From the authors' checkpoint to a bundle: same function, and a card that says where it comes from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from poseterior.data.hrnet_profile import HRNET_H36M
from poseterior.errors import ModelError, OutputError
from poseterior.flow.config import FlowConfig
from poseterior.flow.model_card import read_card
from poseterior.flow.runtime import FlowRuntime
from poseterior.models.official import official_state_dict
from poseterior.models.official_import import import_official
from poseterior.models.wehrbein import WehrbeinFlow

SMALL = FlowConfig(hidden=24, encoder_hidden=20, encoder_size=12, clamp="official")


def saved_flow(path: Path, seed: int = 0) -> WehrbeinFlow:
    torch.manual_seed(seed)
    flow = WehrbeinFlow(SMALL).eval()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.save({"net": official_state_dict(flow)}, path)
    return flow


def test_the_bundle_computes_what_the_checkpoint_does(tmp_path: Path) -> None:
    flow = saved_flow(tmp_path / "model.pt")
    import_official(tmp_path / "model.pt", tmp_path / "model")
    rng = np.random.default_rng(0)
    latent, y = rng.standard_normal((3, 4, 16)), rng.standard_normal((3, 32))
    condition = rng.standard_normal((3, 78))
    found = FlowRuntime.load(tmp_path / "model").vectors(latent, y, condition)
    vector = np.concatenate([latent, np.repeat(y[:, None], 4, axis=1)], axis=-1)
    with torch.no_grad():
        expected = flow.double().inverse(torch.from_numpy(vector), torch.from_numpy(condition))[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_card_says_what_it_is_for_and_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    saved_flow(path)
    written = import_official(path, tmp_path / "model")
    card = read_card(tmp_path / "model")
    assert card == written
    assert (card.family, card.condition_variant, card.stand_in) == ("bijective", "official", False)
    assert card.config == SMALL
    assert card.detector_profile == HRNET_H36M.name == "hrnet-h36m"
    assert card.sigma_confident_cells == HRNET_H36M.sigma_confident_cells == 2.0
    assert card.licence.startswith("MIT")
    assert "twehrbein" in card.description
    assert card.metrics["source"] == {
        "file": "model.pt",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_a_model_is_replaced_and_anything_else_kept(tmp_path: Path) -> None:
    saved_flow(tmp_path / "first.pt", 0)
    saved_flow(tmp_path / "second.pt", 1)
    first = import_official(tmp_path / "first.pt", tmp_path / "model")
    second = import_official(tmp_path / "second.pt", tmp_path / "model")
    assert read_card(tmp_path / "model").weights_sha256 == second.weights_sha256 != first.weights_sha256
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="other exists and is not a model folder"):
        import_official(tmp_path / "first.pt", tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_what_is_no_checkpoint_leaves_no_model(tmp_path: Path) -> None:
    (tmp_path / "broken.pt").write_bytes(b"PK\x03\x04 and no more")
    for name in ("broken.pt", "absent.pt", "."):
        with pytest.raises(ModelError, match=name):
            import_official(tmp_path / name, tmp_path / "model")
    assert not (tmp_path / "model").exists()
