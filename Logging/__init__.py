"""What a run leaves behind for people: log lines and CSVs (Logger), videos and image grids (Video), figures (Plot)."""
