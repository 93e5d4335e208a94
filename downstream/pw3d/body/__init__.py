"""The SMPL body: its files, posed in numpy and as a layer."""
