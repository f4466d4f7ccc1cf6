"""Checks the public API's shapes and dtypes in every test; gives real pictures and networks."""

import functools
import signal

import pytest
from jaxtyping import install_import_hook

install_import_hook("poseterior", "beartype.beartype")


def pytest_configure():
    """Jobs in the background inherit that Ctrl-C is ignored, and tests that interrupt processes could only fail."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def asset():
    """name -> path of a pinned asset; skips, with the reason, where it cannot be had."""
    from poseterior import assets
    from poseterior.errors import AssetError

    def path_of(name):
        try:
            return assets.asset_path(name)
        except AssetError as error:
            pytest.skip(f"this test needs a pinned asset: {error}")

    return path_of


@pytest.fixture(scope="session")
def demo_frame(asset):
    """index -> frame of the sample video."""
    from poseterior.sources.video import read_frame

    @functools.cache
    def frame(index):
        return read_frame(asset("demo.mp4"), index)

    return lambda index: frame(index).copy()


@pytest.fixture(scope="session")
def photo(asset):
    """name -> photo among the assets."""
    from poseterior.sources.image import read_image

    return lambda name: read_image(asset(name))


@pytest.fixture(scope="session")
def detector(asset):
    """BlazePose full with its person finder."""
    from poseterior.detect.blazepose import create_blazepose

    asset("pose_landmark_full.tflite"), asset("pose_detection.tflite")
    return create_blazepose()


@pytest.fixture(scope="session")
def lifter(detector):
    """The default model behind the real detector."""
    from poseterior.flow.runtime import FlowRuntime
    from poseterior.lifter import Lifter
    from poseterior.weights import DEFAULT_MODEL, model_folder

    return Lifter(FlowRuntime.load(model_folder(DEFAULT_MODEL)), detector, DEFAULT_MODEL)
