"""What a run does: its parts built from a config, and the roles that use them."""
