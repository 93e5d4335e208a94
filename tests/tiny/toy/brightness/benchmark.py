"""The toy benchmark's entry."""

from downstream.brightness.data_set import DATA_SET
from downstream.brightness.recipe import Brightness

from downstream.benchmark import Entry

BENCHMARK = Entry(
    name="brightness",
    package="downstream.brightness",
    task="BrightnessTask",
    recipe=Brightness,
    data=DATA_SET,
    predictions=("predictions.json",),
)
