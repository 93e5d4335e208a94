"""The renderer: camera, rasteriser, shading, surroundings."""
