import numpy as np
import pytest
from matplotlib.patches import Ellipse

from poseterior.errors import InputError
from poseterior.evaluate.figures.condition import JointOfPicture, draw_condition
from poseterior.skeleton import MPII_16

COVARIANCE = np.array([[0.09, 0.02], [0.02, 0.04]])
RNG = np.random.default_rng(0)
POSE = RNG.uniform(-0.6, 0.6, (16, 2))


def picture(joint="left_wrist"):
    return JointOfPicture(joint, POSE, COVARIANCE, np.array([0.1, -0.2]))


def points(scale=1.0, count=4000):
    drawn = np.random.default_rng(1).standard_normal((count, 2))
    drawn = (drawn - drawn.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn.T))).T
    return POSE[MPII_16.index("left_wrist")] + scale * drawn @ np.linalg.cholesky(COVARIANCE).T


@pytest.fixture(scope="module")
def figure():
    models = {"full": [points(), points()], "without": [points(0.5), points(0.25)]}
    return draw_condition([picture(), picture()], models)


def test_every_panel_says_its_ratio(figure):
    said = [axes.texts[0].get_text() for axes in figure.axes]
    assert said == ["ratio 1.00", "ratio 1.00", "ratio 0.50", "ratio 0.25"]


def test_ellipses_are_one_and_two_sigma_of_both(figure):
    variances = np.linalg.eigvalsh(COVARIANCE)
    for axes, scale in zip(figure.axes, (1.0, 1.0, 0.5, 0.25), strict=True):
        ellipses = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
        assert len(ellipses) == 4
        widths = [[ellipse.width, ellipse.height] for ellipse in ellipses]
        expected = [
            2 * sigmas * factor * np.sqrt(variances[::-1]) for factor in (1.0, scale) for sigmas in (1, 2)
        ]
        np.testing.assert_allclose(widths, expected, rtol=1e-6)
        for ellipse in ellipses:
            np.testing.assert_allclose(ellipse.center, POSE[MPII_16.index("left_wrist")], atol=1e-9)


def test_all_panels_share_axes_with_units_that_hold_ellipses_and_poses(figure):
    limits = {(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}
    assert len(limits) == 1
    (low_x, high_x), (low_y, high_y) = limits.pop()
    reach = 2 * np.sqrt(np.diagonal(COVARIANCE))
    middle = POSE[MPII_16.index("left_wrist")]
    assert low_x < min(POSE[:, 0].min(), middle[0] - reach[0])
    assert high_x > max(POSE[:, 0].max(), middle[0] + reach[0])
    assert low_y < min(POSE[:, 1].min(), middle[1] - reach[1])
    assert high_y > max(POSE[:, 1].max(), middle[1] + reach[1])
    assert figure.axes[0].get_ylabel() == "full\n\ny, up (m)"
    assert figure.axes[2].get_xlabel() == "x (m)"
    assert figure.axes[0].get_title() == "left wrist"


def test_answers_must_be_those_of_the_pictures():
    with pytest.raises(InputError, match="model full has 1 answers; expected one for each of 2 pictures"):
        draw_condition([picture(), picture()], {"full": [points()]})
    with pytest.raises(InputError, match="0 models"):
        draw_condition([picture()], {})
