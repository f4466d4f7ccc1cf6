"""Parts of the body's surface that clothes cover or leave bare."""

from __future__ import annotations

from enum import IntEnum


class Region(IntEnum):
    """One region per face of the body mesh; limbs are halved, so that sleeves and trousers may end in between."""

    FACE = 0
    HAIR = 1
    EYES = 2
    NECK = 3
    CHEST = 4
    """From the collar down to the lowest rib, with the shoulders."""
    BELLY = 5
    """From the lowest rib to the waist."""
    HIPS = 6
    UPPER_ARM = 7
    """Half of the upper arm that is next to the shoulder."""
    LOWER_UPPER_ARM = 8
    UPPER_FOREARM = 9
    LOWER_FOREARM = 10
    HAND = 11
    UPPER_THIGH = 12
    LOWER_THIGH = 13
    UPPER_SHIN = 14
    LOWER_SHIN = 15
    FOOT = 16
