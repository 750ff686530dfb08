"""Agents: each chooses blocks, losses, and the parts that they train, in phases."""

from Agents.A2C import A2C as A2CAgent
from Agents.BC import BC as BCAgent
from Agents.DQN import DQN as DQNAgent
from Agents.DQN import DQN as RainbowAgent  # under the paper's name, with all of its parts
from Agents.DrQV2 import DrQV2 as DrQV2Agent
from Agents.IQL import IQL as IQLAgent
from Agents.PPO import PPO as PPOAgent
from Agents.Random import Random as RandomAgent
from Agents.SAC import SAC as SACAgent
from Agents.SPR import SPR as SPRAgent
from Agents.TD3 import TD3 as TD3Agent
from Agents.TD3BC import TD3BC as TD3BCAgent

__all__ = [
    'A2CAgent',
    'BCAgent',
    'DQNAgent',
    'DrQV2Agent',
    'IQLAgent',
    'PPOAgent',
    'RainbowAgent',
    'RandomAgent',
    'SACAgent',
    'SPRAgent',
    'TD3Agent',
    'TD3BCAgent',
]
