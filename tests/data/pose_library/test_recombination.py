import numpy as np
from _people import moving
from scipy.spatial.transform import Rotation

from poseterior.data.pose_library.body_frames import LEG_BONES, UPPER_BONES, pelvis_frame
from poseterior.data.pose_library.recombination import recombined


def test_legs_stay_and_the_upper_body_keeps_its_place_on_the_pelvis():
    legs, upper = moving(2)
    tilted = upper @ Rotation.from_euler("XZ", [50, 20], degrees=True).as_matrix().T
    pose = recombined(legs, tilted)
    np.testing.assert_array_equal(pose[LEG_BONES], legs[LEG_BONES])
    np.testing.assert_allclose(pelvis_frame(pose), pelvis_frame(legs), atol=1e-12)
    on_pelvis = pose[UPPER_BONES] @ pelvis_frame(pose)
    np.testing.assert_allclose(on_pelvis, upper[UPPER_BONES] @ pelvis_frame(upper), atol=1e-12)
    np.testing.assert_allclose(recombined(legs, legs), legs, atol=1e-12)
