"""The objects that stand in scenes and that the classes of the generated ImageNet show."""

from collections.abc import Callable

import numpy as np

from synthetic.props import furniture, outdoors
from synthetic.props.solids import Solid
from synthetic.props.stock import Stock

OBJECTS: dict[str, Callable[[Stock], list[Solid]]] = {
    maker.__name__: maker
    for maker in (
        furniture.round_ball, furniture.crate, furniture.chair, furniture.potted_plant, furniture.table,
        outdoors.tree, outdoors.car, furniture.vase, furniture.floor_lamp, outdoors.house, furniture.stool,
        furniture.sofa, outdoors.bush, furniture.barrel, outdoors.traffic_cone, furniture.bottle, furniture.bowl,
        outdoors.tyre, outdoors.bench, furniture.ladder, furniture.bookcase, outdoors.stone, outdoors.pillar,
    )
}  # fmt: skip
INDOOR_OBJECTS = (
    "crate", "chair", "table", "sofa", "stool", "potted_plant", "floor_lamp", "bookcase", "round_ball", "vase",
    "ladder",
)  # fmt: skip
OUTDOOR_OBJECTS = (
    "tree", "bush", "bench", "car", "traffic_cone", "crate", "barrel", "stone", "pillar", "round_ball", "tyre",
)  # fmt: skip


def build(name: str, materials: Stock, place: tuple[float, float], yaw: float, scale: float = 1.0) -> list[Solid]:
    """The solids of an object at ``place`` (x, z), turned by ``yaw`` degrees."""
    where = np.array([place[0], 0.0, place[1]])
    return [solid.placed(where, yaw, scale) for solid in OBJECTS[name](materials)]
