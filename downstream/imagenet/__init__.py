"""ImageNet: encoders are made from it, and nothing is judged on it; here is its check alone."""
