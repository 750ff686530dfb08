"""Agents: which blocks, which losses, in which order, training what."""

from Agents.A2C import A2C as A2CAgent
from Agents.DQN import DQN as DQNAgent
from Agents.DQN import DQN as RainbowAgent  # under the paper's name, with all of its parts
from Agents.DrQV2 import DrQV2 as DrQV2Agent
from Agents.PPO import PPO as PPOAgent
from Agents.Random import Random as RandomAgent
from Agents.SAC import SAC as SACAgent
from Agents.SPR import SPR as SPRAgent
from Agents.TD3 import TD3 as TD3Agent

__all__ = [
    'A2CAgent',
    'DQNAgent',
    'DrQV2Agent',
    'PPOAgent',
    'RainbowAgent',
    'RandomAgent',
    'SACAgent',
    'SPRAgent',
    'TD3Agent',
]
