"""What the values of the shape benchmark can be: bodies of people in metres, joints in radians, places in px."""

import math

from downstream.reading.plausible import Plausible, units

ROTATION = Plausible(
    0, 4 * math.pi, "radians", ((math.pi / 180, "it seems to be in degrees, where radians are expected"),)
)
"""Of one joint. Half a turn says it all, and fitted bodies may wind once or twice."""
SHAPE = Plausible(-30, 30, "standard deviations of people's shapes")
PLACE = Plausible(-20_000, 40_000, "px")
SQUARE = Plausible(2, 40_000, "px")
JOINTS_EXTENT = Plausible(0.05, 10, "m", units("m"))
"""The longest side of the box of a person's 3D joints."""
BODY_HEIGHT = Plausible(0.5, 3, "m", units("m"))
OFFSET = Plausible(0, 5, "m", units("m"))
"""What one shape parameter or one entry of a rotation matrix moves a vertex by."""
WEIGHTS = Plausible(0.8, 1.2, "")
"""A joint is a weighted mean of vertices."""
