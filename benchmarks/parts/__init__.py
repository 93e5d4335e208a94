"""What several benchmarks are made of, and the sections of `benchmarks.gpu` that have a file of their own."""
