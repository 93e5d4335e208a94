"""The data sets that encoders are made from, a folder each: ``data_set.py`` describes it, ``files.py`` names its files.

What code reads is in ``files.py``, so that an edit of a description, which no job imports, re-runs nothing.
"""
