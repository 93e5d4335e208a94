"""Published encoders."""
