"""The SMPL body: its files, and how it is posed, in numpy and as a layer."""
