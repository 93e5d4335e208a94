"""The files of a folder of packed regions (region_shard.py), and in which formats these are."""

PIXELS, INDEX, DESCRIPTION = "pixels.bin", "index.csv", "shard.json"
SHARD = (PIXELS, INDEX, DESCRIPTION)
FORMATS = ("jpeg", "raw")
"""How pixels are packed: raw ones take ten times the disk, and no time to decode."""
