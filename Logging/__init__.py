"""Logs, checkpoints, evaluation and plots of runs."""
