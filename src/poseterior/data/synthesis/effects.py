"""What cameras and files do to a picture: exposure, blur, noise, compression. Nothing moves."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from scipy import ndimage

from poseterior.data.synthesis.colour import srgb_from_linear


def apply_effects(
    rng: np.random.Generator,
    picture: Float32[np.ndarray, "height width 3"],
    *,
    joints_px: Float[np.ndarray, "17 2"],
    head_radius_px: float,
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture as a camera and a file would give it.

    Args:
        rng: draws the faults.
        picture: linear RGB, 1 is white.
        joints_px: Human3.6M-17; the head is between joints 9 and 10.
        head_radius_px: its size.

    Returns:
        sRGB.
    """
    scene = _exposed(rng, picture)
    scene = _blurred(rng, scene)
    if rng.random() < 0.05:
        scene = _face_hidden(rng, scene, (joints_px[9] + joints_px[10]) / 2, head_radius_px)
    scene = _noisy(rng, scene)
    encoded = _encoded(rng, scene)
    if rng.random() < 0.04:
        encoded = np.repeat(encoded.mean(axis=2, keepdims=True), 3, axis=2)
    pixels = np.rint(255.0 * np.clip(encoded, 0.0, 1.0)).astype(np.uint8)
    if rng.random() < 0.08:
        pixels = _small_and_back(rng, pixels)
    if rng.random() < 0.75:
        pixels = _through_jpeg(pixels, int(rng.integers(25, 96)))
    return pixels


def _exposed(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    gain = np.exp(rng.normal(0.0, 0.25)) * np.exp(rng.normal(0.0, 0.05, 3))
    scene = scene * gain.astype(np.float32)
    if rng.random() < 0.2:
        height, width = scene.shape[:2]
        row, column = np.ogrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
        scene = scene * (1.0 - rng.uniform(0.1, 0.5) * (row**2 + column**2) / 2)[..., None].astype(np.float32)
    return scene


def _blurred(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    if rng.random() < 0.15:
        scene = _motion_blurred(scene, rng.uniform(2.0, 12.0), rng.uniform(0.0, np.pi))
    if rng.random() < 0.25:
        sigma = abs(rng.normal(0.0, 0.7))
        scene = ndimage.gaussian_filter(scene, (sigma, sigma, 0.0), truncate=3.0)
    return scene


def _motion_blurred(scene: np.ndarray, length_px: float, angle: float) -> np.ndarray:
    """The mean of the picture along a line centred on each pixel."""
    steps = int(np.ceil(length_px)) + 1
    along = np.linspace(-length_px / 2, length_px / 2, steps)
    radius = int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.float32)
    for distance in along:
        x, y = radius + distance * np.cos(angle), radius + distance * np.sin(angle)
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = x - column, y - row
        kernel[row, column] += (1 - right) * (1 - down)
        kernel[row, column + 1] += right * (1 - down)
        kernel[row + 1, column] += (1 - right) * down
        kernel[row + 1, column + 1] += right * down
    blurred = np.zeros_like(scene)
    padded = np.pad(scene, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    height, width = scene.shape[:2]
    for row, column in np.argwhere(kernel > 1e-6):
        blurred += (kernel[row, column] / steps) * padded[row : row + height, column : column + width]
    return blurred


def _face_hidden(
    rng: np.random.Generator, scene: np.ndarray, centre: np.ndarray, radius_px: float
) -> np.ndarray:
    """Faces are often blurred or pixelated in published footage."""
    height, width = scene.shape[:2]
    reach = max(3.0, 1.3 * radius_px)
    top, left = (
        int(np.clip(value - reach, 0, limit))
        for value, limit in zip(centre[::-1], (height, width), strict=True)
    )
    bottom, right = (
        int(np.clip(value + reach, 0, limit))
        for value, limit in zip(centre[::-1], (height, width), strict=True)
    )
    if bottom - top < 2 or right - left < 2:
        return scene
    scene = scene.copy()
    face = scene[top:bottom, left:right]
    if rng.random() < 0.5:
        scene[top:bottom, left:right] = ndimage.gaussian_filter(face, (reach / 3, reach / 3, 0.0))
    else:
        block = max(2, int(reach / 3))
        rows, columns = np.arange(bottom - top) // block * block, np.arange(right - left) // block * block
        scene[top:bottom, left:right] = face[rows][:, columns]
    return scene


def _noisy(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """Noise, slightly stronger where it is bright; and the sensor saturates."""
    scene = np.clip(scene, 0.0, 1.0)
    level = max(0.0, rng.normal(0.006, 0.012))
    noise = rng.standard_normal(scene.shape, dtype=np.float32)
    return scene + noise * np.sqrt(
        np.float32(level**2) + np.float32(level * 0.15) * scene * np.float32(level)
    )


def _encoded(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """sRGB's curve, with somewhat more or less contrast."""
    encoded = srgb_from_linear(scene)
    contrast = np.float32(np.exp(rng.normal(0.0, 0.12)))
    return (encoded - np.float32(0.45)) * contrast + np.float32(0.45)


def _small_and_back(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """As if the person had been filmed with few pixels; the picture's frame stays where it is."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.35, 0.8)
    small = (max(8, round(width * share)), max(8, round(height * share)))
    image = Image.fromarray(pixels).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))
