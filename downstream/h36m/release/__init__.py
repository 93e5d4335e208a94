"""The official release of Human3.6M: videos and pose files, and the files that are made from them."""
