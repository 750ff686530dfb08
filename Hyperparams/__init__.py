"""The configuration: YAML files, and how a command line becomes one config (Compose.py)."""
