"""A toy benchmark with a data set of its own: how bright is an image? One folder, as docs/extending.md says."""
