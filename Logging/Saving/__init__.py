"""Agents and runs on disk: checkpoint files and folders, states of runs to resume, parts of saved agents."""
