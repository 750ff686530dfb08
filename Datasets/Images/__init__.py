"""Labeled images: their sources, decoding, subsets, caches, transforms and batches."""
