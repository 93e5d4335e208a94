"""Human3.6M: 2D pose (JDR) and 3D pose (RLE)."""
