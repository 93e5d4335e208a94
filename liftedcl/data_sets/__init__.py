"""The data sets that encoders are made from, a folder each: ``data_set.py`` describes it, ``files.py`` names its files.

Jobs import only ``files.py``, so editing a description re-runs nothing.
"""
