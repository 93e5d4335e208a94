"""Human3.6M 2D pose: SimplePose, judged by the joint detection rate."""
