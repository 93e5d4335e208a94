"""Sampling of poses from templates of stances and arms with clipped noise, and of motions between key poses.

It deliberately avoids the kinematic prior of the method: the critic's "real" skeletons must not come from the
distribution of the people whom the benchmarks show.
"""

from dataclasses import dataclass

import numpy as np

from synthetic.people.rotation import euler_to_matrix, slerp

# Templates: angles of a left limb about x, y, z in degrees; right limbs are mirrored.
# A stance is ((hip angles, knee flexion) of one leg, the same of the other); which leg is the left one is drawn.
STANCES = {
    "stand": (((0, 0, 4), 4), ((0, 0, 4), 4)),
    "step": (((-28, 0, 3), 12), ((18, 0, 3), 35)),
    "sit": (((-88, 12, 8), 85), ((-85, 12, 8), 88)),
    "crouch": (((-105, 20, 18), 125), ((-100, 20, 18), 120)),
    "lunge": (((-75, 5, 6), 85), ((15, 0, 5), 40)),
    "wide": (((-12, 10, 30), 12), ((-12, 10, 28), 14)),
    "kick": (((-80, 5, 5), 20), ((5, 0, 3), 8)),
    "kneel": (((-5, 0, 6), 95), ((-80, 5, 5), 90)),
    "cross": (((-85, -10, -5), 75), ((-80, 30, 10), 100)),
    "run": (((-60, 0, 3), 80), ((20, 0, 3), 70)),
}
STANCE_SHARES = {
    "stand": 0.26, "step": 0.18, "sit": 0.14, "crouch": 0.06, "lunge": 0.08,
    "wide": 0.08, "kick": 0.05, "kneel": 0.04, "cross": 0.05, "run": 0.06,
}  # fmt: skip
# Arms: (shoulder angles, elbow flexion).
ARMS = {
    "down": ((10, 0, -72), 12),
    "hip": ((35, 25, -52), 85),
    "forward": ((0, -75, -15), 15),
    "up": ((0, -25, 68), 15),
    "side": ((0, -10, -5), 10),
    "phone": ((15, -55, -45), 125),
    "fold": ((35, -50, -60), 105),
    "swing_forward": ((5, -45, -58), 35),
    "swing_back": ((10, 30, -62), 20),
    "wave": ((-40, -15, 15), 95),
    "carry": ((20, -35, -62), 90),
    "reach_down": ((0, -60, -50), 10),
}


@dataclass(frozen=True)
class _Joint:
    """Standard deviation and limits in degrees about x, y, z; joints that aren't ``free`` vary less about y and z."""

    deviation: float
    limits: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    mirror: int | None = None
    free: bool = False


_JOINTS = {
    1: _Joint(10, ((-115, 30), (-35, 35), (-12, 45)), 2),
    4: _Joint(12, ((0, 140), (-5, 5), (-4, 4)), 5),
    7: _Joint(7, ((-30, 25), (-15, 15), (-15, 15)), 8),
    10: _Joint(3, ((-10, 15), (0, 0), (0, 0)), 11),
    3: _Joint(4, ((-15, 35), (-20, 20), (-15, 15)), free=True),
    6: _Joint(4, ((-10, 25), (-20, 20), (-12, 12))),
    9: _Joint(4, ((-10, 20), (-15, 15), (-12, 12))),
    12: _Joint(6, ((-20, 30), (-30, 30), (-18, 18)), free=True),
    15: _Joint(6, ((-20, 20), (-30, 30), (-15, 15))),
    13: _Joint(4, ((-5, 5), (-12, 12), (-8, 20)), 14),
    16: _Joint(16, ((-70, 70), (-110, 35), (-88, 75)), 17, free=True),
    18: _Joint(18, ((-10, 60), (-145, 0), (-8, 8)), 19),
    20: _Joint(15, ((-50, 50), (-20, 20), (-45, 45)), 21, free=True),
    22: _Joint(6, ((-5, 5), (0, 0), (-25, 10)), 23),
}
_RIGHT = [joint.mirror for joint in _JOINTS.values() if joint.mirror is not None]
_MIRROR_YZ = np.array([1, -1, -1])
_LYING_SHARE = 0.03


def sample_stance(rng: np.random.Generator, stances: tuple[str, ...] = tuple(STANCES)) -> str:
    """Draw one of ``stances`` in proportion to its share."""
    shares = np.array([STANCE_SHARES[name] for name in stances])
    return str(rng.choice(stances, p=shares / shares.sum()))


def sample_pose(
    rng: np.random.Generator,
    *,
    stance: str,
    arms: tuple[str, str] | None = None,
    yaw: float | tuple[float, float] = (-180, 180),
    spread: float = 1.0,
    may_lie: bool = True,
) -> np.ndarray:
    """Draw a pose near a stance: local rotations (24, 3, 3), the root's yaw included.

    Args:
        arms: templates of the left and right arm; drawn when None.
        yaw: degrees about the vertical; drawn from a range.
        spread: factor of the joints' noise.
        may_lie: whether a few bodies lie on their back or belly.
    """
    angles = _template(rng, stance, arms)
    for joint, rule in _JOINTS.items():
        share = np.array([1.0, 1.0, 1.0] if rule.free else [1.0, 0.4, 0.4])
        low, high = np.array(rule.limits, dtype=float).T
        for index in (joint,) if rule.mirror is None else (joint, rule.mirror):
            noise = rng.normal(0, 1, 3) * rule.deviation * spread * share
            angles[index] = np.clip(angles[index] + noise, low, high)
    angles[_RIGHT] *= _MIRROR_YZ
    yaw = rng.uniform(*yaw) if isinstance(yaw, tuple) else yaw
    angles[0] = rng.normal(0, 6), yaw, rng.normal(0, 5)
    if may_lie and rng.random() < _LYING_SHARE:
        angles[0] = rng.choice([-90, 90]) + rng.normal(0, 10), yaw, rng.normal(0, 20)
    return euler_to_matrix(angles)


def _template(rng: np.random.Generator, stance: str, arms: tuple[str, str] | None) -> np.ndarray:
    """Angles (24, 3) of a stance with arms and a bent trunk, without joint noise; right limbs are not mirrored yet."""
    angles = np.zeros((24, 3))
    legs = STANCES[stance][:: rng.choice([-1, 1])]
    for side in (0, 1):
        angles[1 + side], angles[4 + side, 0] = legs[side]
        arm = arms[side] if arms else str(rng.choice(list(ARMS)))
        angles[16 + side] = ARMS[arm][0]
        angles[18 + side] = rng.uniform(0, 20), -ARMS[arm][1], 0
    trunk = rng.normal((4, 0, 0), (6, 6, 4))
    for joint, share in ((3, 1.0), (6, 0.6), (9, 0.4)):
        angles[joint] = trunk * share
    neck = rng.normal((5, 0, 0), (8, 12, 5))
    angles[12], angles[15] = neck, neck * 0.5
    return angles


@dataclass(frozen=True)
class Motion:
    """A short motion through key poses (k, 24, 3, 3) and places on the floor (k, 2) at equal intervals of time."""

    poses: np.ndarray
    places: np.ndarray

    def at(self, fraction: float) -> tuple[np.ndarray, np.ndarray]:
        """Pose (24, 3, 3) and place (2,) at ``fraction`` in [0, 1) of the motion, which slows down at key poses."""
        position = fraction * (len(self.poses) - 1)
        key = min(int(position), len(self.poses) - 2)
        part = position - key
        part = part * part * (3 - 2 * part)
        place = self.places[key] * (1 - part) + self.places[key + 1] * part
        return slerp(self.poses[key], self.poses[key + 1], part), place


def sample_motion(
    rng: np.random.Generator, *, stances: tuple[str, ...], arms: tuple[str, ...], key_poses: int, range_m: float
) -> Motion:
    """Draw a motion through ``key_poses`` poses that turns, and wanders about ``range_m`` m, never twice as far."""
    yaw, poses, places = rng.uniform(-180, 180), [], []
    for _ in range(key_poses):
        yaw += rng.normal(0, 35)
        pair = (str(rng.choice(arms)), str(rng.choice(arms)))
        stance = str(rng.choice(stances))
        poses.append(sample_pose(rng, stance=stance, arms=pair, yaw=yaw, spread=0.7, may_lie=False))
        place = rng.normal(0, range_m, 2)
        places.append(place * min(1.0, 2 * range_m / np.linalg.norm(place)))
    return Motion(np.stack(poses), np.stack(places))
