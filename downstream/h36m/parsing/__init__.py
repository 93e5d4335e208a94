"""Human3.6M parsing: whole frames, 25 parts of the body, judged by mIoU (HCMoCo's main RGB benchmark)."""
