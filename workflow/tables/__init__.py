"""Tables from stored scores, as data, text and pages."""
