"""What is measured: each file has ROWS, of `benchmarks.contest.Row` by name."""
