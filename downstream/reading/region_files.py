"""The files of a folder of packed regions (region_shard.py)."""

PIXELS, INDEX, DESCRIPTION = "pixels.bin", "index.csv", "shard.json"
SHARD = (PIXELS, INDEX, DESCRIPTION)
