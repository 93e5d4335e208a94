"""RSC-Net: the encoder with its resolution scalars, the heads that regress a body, and the contrastive queue."""
