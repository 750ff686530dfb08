"""Data that agents learn from: replays, image data sets, and suites of environments."""
