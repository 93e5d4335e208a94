"""The squares around people that become the network's inputs."""

from downstream.pw3d.reader import ShapeSamples
from downstream.samples.people import People
from downstream.samples.plain_crops import PlainCrops


def plain_crops(samples: ShapeSamples, size: int, batch_size: int) -> PlainCrops:
    """The square of each sample that becomes the network's input, ``size`` px wide."""
    squares = People(samples.folder, samples.names, None, samples.centres, 200 * samples.scales)
    return PlainCrops(squares, (size, size), batch_size, smooth=True)  # as SPIN's crops
