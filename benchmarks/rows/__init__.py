"""The rows: each file has ROWS, `benchmarks.contest.Row` by name."""
