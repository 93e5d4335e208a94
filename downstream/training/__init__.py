"""What the trainings of all benchmarks share: recipe, batches, optimiser, frozen encoders, subsets."""
