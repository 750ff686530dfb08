"""Agents: which blocks, which losses, in which order, training what."""

from Agents.DQN import DQN as DQNAgent
from Agents.Random import Random as RandomAgent

__all__ = ['DQNAgent', 'RandomAgent']
