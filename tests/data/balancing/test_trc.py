"""TRC marker files: names, rate, units, gaps; what is wrong is named with its line or field."""

import numpy as np
import pytest

from poseterior.data.balancing import read_trc
from poseterior.errors import InputError

HEADER = (
    "PathFileType\t4\t(X/Y/Z)\tDemo_0-2.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    "60\t60\t2\t2\tm\t60\t0\t2\n"
    "Frame#\tTime\tRHip\t\t\tNose\t\t\n"
    "\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n"
)
ROWS = "1\t0.0167\t-0.06\t0.9\t-1.4\t0.1\t0.2\t0.3\n2\t0.0333\t-0.05\t0.8\t-1.3\t0.4\t0.5\t0.6\n"


def written(tmp_path, text):
    path = tmp_path / "walk.trc"
    path.write_text(text)
    return path


def test_reads_markers(tmp_path):
    markers = read_trc(written(tmp_path, HEADER + ROWS))
    assert markers.names == ("RHip", "Nose")
    assert markers.frames_per_second == 60.0
    assert markers.positions_m.shape == (2, 2, 3)
    np.testing.assert_array_equal(markers.of("Nose"), [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    np.testing.assert_array_equal(markers.of("RHip"), [[-0.06, 0.9, -1.4], [-0.05, 0.8, -1.3]])


def test_millimetres_blank_line_and_windows_ends(tmp_path):
    text = HEADER.replace("\tm\t", "\tmm\t") + "\n" + ROWS
    markers = read_trc(written(tmp_path, text.replace("\n", "\r\n")))
    np.testing.assert_allclose(markers.of("Nose")[1], [0.0004, 0.0005, 0.0006], rtol=1e-12)


def test_missing_markers_are_nan(tmp_path):
    rows = ROWS.replace("0.1\t0.2\t0.3", "\t\t").replace("0.4\t0.5\t0.6", "0.4\t0.5\t0.6\t\t")
    markers = read_trc(written(tmp_path, HEADER + rows))
    assert np.isnan(markers.of("Nose")[0]).all()
    np.testing.assert_array_equal(markers.of("Nose")[1], [0.4, 0.5, 0.6])
    assert np.isfinite(markers.of("RHip")).all()


def test_unknown_marker(tmp_path):
    with pytest.raises(InputError, match="no marker 'LHip'; the markers are RHip, Nose"):
        read_trc(written(tmp_path, HEADER + ROWS)).of("LHip")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PathFileType", "Path", "is not a TRC file"),
        ("DataRate\tCameraRate", "Rate\tCameraRate", "DataRate is missing or not a positive number"),
        ("60\t60\t2\t2", "0\t60\t2\t2", "DataRate is missing or not a positive number"),
        ("60\t60\t2\t2", "60\t60\t3\t2", "NumFrames is 3, but there are 2 lines of numbers"),
        ("60\t60\t2\t2", "60\t60\tmany\t2", "NumFrames is missing or not a positive whole number"),
        ("60\t60\t2\t2", "60\t60\t2\t3", "NumMarkers is 3, but the fourth line names 2"),
        ("RHip\t\t\tNose", "Nose\t\t\tNose", "NumMarkers is 2, but the fourth line names 1"),
        ("\tm\t", "\tfeet\t", "Units is 'feet'; expected one of m, cm, mm"),
        ("0.5", "half", "line 7: expected a number per coordinate of 2 markers"),
        ("0.5", "nan", "line 7: expected a number per coordinate"),
        ("0.3\n", "0.3\t0.7\n", "line 6: expected a number per coordinate"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, said):
    assert old in HEADER + ROWS
    path = written(tmp_path, (HEADER + ROWS).replace(old, new, 1))
    with pytest.raises(InputError, match=rf"walk\.trc.*{said}") as caught:
        read_trc(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "PathFileType\t4\n", HEADER])
def test_cut_off(tmp_path, text):
    with pytest.raises(InputError, match=r"walk\.trc"):
        read_trc(written(tmp_path, text))
