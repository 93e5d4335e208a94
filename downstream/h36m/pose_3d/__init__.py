"""Human3.6M 3D pose: RLE, judged by MPJPE."""
