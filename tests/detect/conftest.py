"""The real networks and pictures; tests that need them skip, with the reason, where they cannot be had."""

import functools

import pytest

from poseterior import assets
from poseterior.errors import AssetError
from poseterior.sources.image import read_image
from poseterior.sources.video import read_frame


@pytest.fixture(scope="session")
def asset():
    """name -> path of a pinned asset, or a skip."""

    def path_of(name):
        try:
            return assets.asset_path(name)
        except AssetError as error:
            pytest.skip(f"this test needs a pinned asset: {error}")

    return path_of


@pytest.fixture(scope="session")
def demo_frame(asset):
    """index -> frame of the sample video."""

    @functools.cache
    def frame(index):
        return read_frame(asset("demo.mp4"), index)

    return lambda index: frame(index).copy()


@pytest.fixture(scope="session")
def photo(asset):
    """name -> photo among the assets."""
    return lambda name: read_image(asset(name))


@pytest.fixture(scope="session")
def detector(asset):
    """BlazePose full with its person finder."""
    from poseterior.detect.blazepose import create_blazepose

    asset("pose_landmark_full.tflite"), asset("pose_detection.tflite")
    return create_blazepose()
