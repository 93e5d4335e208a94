"""Pre-training of image encoders on people: data, methods and the training engine."""
