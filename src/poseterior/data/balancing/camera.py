"""A calibrated camera: pinhole with OpenCV's radial and tangential lens distortion, placed in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from poseterior.errors import InputError

_UNDISTORTION_STEPS = 50
_CONVERGED = 1e-12


@dataclass(frozen=True)
class CalibratedCamera:
    """A camera of a calibration file; a `data.schema.Camera`."""

    name: str
    width_px: int
    height_px: int
    matrix: Float[np.ndarray, "3 3"]
    """float64, pixels from normalised coordinates (x/z, y/z, 1)."""
    distortion: Float[np.ndarray, " 4"]
    """float64, k1, k2, p1, p2 in OpenCV's order."""
    camera_from_world: Float[np.ndarray, "4 4"]
    """float64, rigid, metres: camera frame (x right, y down, z away) from world frame."""

    @property
    def world_from_camera(self) -> Float[np.ndarray, "4 4"]:
        """float64, the inverse of `camera_from_world`; its last column is where the camera stands."""
        inverse = np.eye(4)
        inverse[:3, :3] = self.camera_from_world[:3, :3].T
        inverse[:3, 3] = -inverse[:3, :3] @ self.camera_from_world[:3, 3]
        return inverse

    def to_camera(self, world_m: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
        """World frame (metres) to camera frame (metres)."""
        return world_m @ self.camera_from_world[:3, :3].T + self.camera_from_world[:3, 3]

    def project(self, points_m: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
        """Camera frame (metres) to pixels, x right, y down, the centre of the top-left pixel at (0, 0).

        Points must lie in front of the camera (z > 0).
        """
        distorted = self._distorted(points_m[..., :2] / points_m[..., 2:])
        return distorted @ self.matrix[:2, :2].T + self.matrix[:2, 2]

    def undistort(self, points_px: Float[np.ndarray, "*points 2"]) -> Float[np.ndarray, "*points 2"]:
        """Pixels to undistorted normalised coordinates (x/z, y/z): the inverse of `project` up to depth.

        Raises:
            InputError: the iteration does not converge, since the distortion cannot be inverted there.
        """
        distorted = (points_px - self.matrix[:2, 2]) @ np.linalg.inv(self.matrix[:2, :2]).T
        normalised = distorted
        with np.errstate(over="ignore", invalid="ignore"):  # where it diverges
            for _ in range(_UNDISTORTION_STEPS):
                step = distorted - self._distorted(normalised)
                normalised = normalised + step
                if (np.abs(step) <= _CONVERGED).all():
                    return normalised
        raise InputError(f"the lens distortion of the camera {self.name} cannot be inverted at these pixels")

    def letterboxed(self, width_px: int, height_px: int) -> CalibratedCamera:
        """The camera of the same pictures scaled to fit into another size, centred between black bars.

        The scaled picture has even sides, as video encoders want them.
        """
        own, new = np.array([self.width_px, self.height_px]), np.array([width_px, height_px])
        content = np.minimum(2 * np.round(own * (new / own).min() / 2), new)
        ratio, bar = content / own, (new - content) // 2
        scaled = np.diag([*ratio, 1.0])
        # the edges of pixels, not their centres, keep their place when a picture is scaled
        scaled[:2, 2] = bar + 0.5 * ratio - 0.5
        return replace(self, width_px=width_px, height_px=height_px, matrix=scaled @ self.matrix)

    def _distorted(self, normalised: Float[np.ndarray, "*points 2"]) -> Float[np.ndarray, "*points 2"]:
        k1, k2, p1, p2 = self.distortion
        x, y = normalised[..., 0], normalised[..., 1]
        r2 = x * x + y * y
        radial = 1 + k1 * r2 + k2 * r2 * r2
        return np.stack(
            [
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ],
            axis=-1,
        )


def rotation_from_vector(vector: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """Rotation matrix of an axis times its angle in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
