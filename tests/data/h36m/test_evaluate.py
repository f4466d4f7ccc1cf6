"""From the authors' files to the paper's table by the documented commands: import, then evaluate, as processes."""

import json

import numpy as np
import pytest
import torch
from _process import poseterior

from poseterior.flow.config import FlowConfig
from poseterior.models.interface import picture_noise
from poseterior.models.official import official_state_dict
from poseterior.models.wehrbein import WehrbeinFlow, join_latent

SMALL = FlowConfig(hidden=24, encoder_hidden=20, encoder_size=12, clamp="official")
SAMPLES = 6


@pytest.fixture(scope="module")
def flow():
    torch.manual_seed(0)
    flow = WehrbeinFlow(SMALL).eval()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return flow


@pytest.fixture(scope="module")
def imported(flow, tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    torch.save({"net": official_state_dict(flow)}, folder / "model.pt")
    result = poseterior("models", "import", "official", folder / "model.pt", "--out", folder / "imported")
    assert result.returncode == 0, result.stderr
    return folder / "imported"


def _report(model, data, path):
    result = poseterior(
        *("evaluate", "--model", model, "--data", data, "--samples", SAMPLES),
        *("--json", path, "--markdown", path.with_suffix(".md"), "--threads", "1"),
    )
    assert result.returncode == 0, result.stderr
    return json.loads(path.read_text())


def _best_by_hand(flow, data):
    """Oracle best MPJPE, mm: root-centred on the hips' middle, 17 joints, from the authors' tensors."""
    inputs = data.inputs("official")
    z = torch.from_numpy(picture_noise(inputs.picture, SAMPLES, 16, 0)).double()
    y, condition = (torch.from_numpy(values).double() for values in (inputs.y, inputs.condition))
    with torch.no_grad():
        flat = flow.double().inverse(join_latent(z, y), condition)[0].numpy()
    joints = np.moveaxis(flat.reshape(len(flat), SAMPLES, 3, 16), 2, 3) * [1, -1, -1]
    poses = np.concatenate([(joints[:, :, :1] + joints[:, :, 3:4]) / 2, joints], axis=2)
    poses = poses - poses[:, :, :1]
    truth = data.joints_m - data.joints_m[:, :1]
    return 1000 * np.linalg.norm(poses - truth[:, None], axis=-1).mean(axis=-1).min(axis=1)


def test_the_paper_s_table_from_the_authors_files(flow, imported, test_tree, tmp_path):
    from poseterior.data.h36m import load_h36m

    report = _report(imported, f"h36m:{test_tree.folder}", tmp_path / "report.json")
    data = load_h36m(test_tree.folder)
    assert report["dataset"]["num_evaluated"] == len(data) > 60
    assert report["model"]["condition_variant"] == "official"
    assert set(report["actions"]) == set(data.action) and len(report["actions"]) == 15
    best = _best_by_hand(flow, data)
    found = report["subsets"]["all"]["poses"]["mpjpe_mm"]["oracle_best"]["mean"]
    assert found == pytest.approx(best.mean(), abs=1e-3)
    of_actions = [best[np.array(data.action) == action].mean() for action in sorted(set(data.action))]
    assert report["mean_of_actions"]["mpjpe_mm"]["oracle_best"] == pytest.approx(
        np.mean(of_actions), abs=1e-3
    )
    table = (tmp_path / "report.md").read_text()
    assert "WalkTogether" in table or "Walk" in table


def test_a_model_for_another_detector_is_refused(test_tree):
    result = poseterior("evaluate", "--model", "posterior", "--data", f"h36m:{test_tree.folder}")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert (
        "posterior was trained for the detector profile blazepose-full, not for hrnet-h36m" in result.stderr
    )
