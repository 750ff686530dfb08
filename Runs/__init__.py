"""Runs: their parts, built from a config, and their roles: train, collect, evaluate, find a rate, reproduce."""
