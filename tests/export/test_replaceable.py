"""Results replace results; a file of anybody else's is never lost."""

import numpy as np
import pytest
from _synthetic import synthetic_hypotheses
from PIL import Image

from poseterior.errors import OutputError
from poseterior.export.replaceable import check_replaceable
from poseterior.viz.figure import draw_posterior, save_figure


def test_own_results_and_free_places_may_be_written(tmp_path):
    hypotheses = synthetic_hypotheses(num=3)
    detection = hypotheses.detection
    paths = [tmp_path / f"pose.{kind}" for kind in ("npz", "json", "png")]
    for path in paths:
        check_replaceable(path)
    for path in paths[:2]:
        hypotheses.save(path)
    image = np.zeros((detection.image_height_px, detection.image_width_px, 3), np.uint8)
    save_figure(draw_posterior(hypotheses, image), paths[2])
    for path in paths:
        assert path.exists()
        check_replaceable(path)


def test_files_of_others_are_kept(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "photo.png")
    np.savez(tmp_path / "photo.npz", keypoints=np.zeros(3))
    (tmp_path / "photo.json").write_text('{"shapes": []}')
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "folder.npz").mkdir()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(OutputError, match=f"cannot write .*{path.name}: what is there is not a result"):
            check_replaceable(path)


def test_a_name_too_long_is_named(tmp_path):
    with pytest.raises(OutputError, match="File name too long"):
        check_replaceable(tmp_path / ("n" * 300 + ".npz"))
