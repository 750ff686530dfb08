"""Agents and runs on disk: checkpoint files and folders, resuming, parts of saved agents."""
