"""Memories of recurrent agents: against torch's LSTM, and across episodes."""

import torch

from Blocks import Architectures
from Blocks.Memories import LSTM, Forgetful, LSTMMemory
from Support.Classes import resolve


def test_lstm_against_torch_and_across_episodes():
    torch.manual_seed(0)
    memory, features = LSTMMemory((3,), 4), torch.randn(2, 6, 3)
    first = torch.zeros(2, 6, dtype=torch.bool)
    first[0, 4] = True
    states = memory(features, None, first)
    assert states.shape == (2, 6, 2, 4)
    torch.testing.assert_close(states[:1, 4:], memory(features[:1, 4:], None, first[:1, :2]))
    torch.testing.assert_close(states[1:, 4:], memory(features[1:, 4:], states[1:, 3], first[1:, 4:]))
    reference = torch.nn.LSTM(3, 4, batch_first=True)
    reference.load_state_dict({f'{name}_l0': weight for name, weight in memory.cell.state_dict().items()})
    torch.testing.assert_close(states[1:, :, 0], reference(features[1:])[0])


def test_lstm_flattens_maps_and_stays_in_fp32_under_autocast():
    memory, features = LSTMMemory((2, 3, 3), 4), torch.randn(2, 5, 2, 3, 3)
    first = torch.zeros(2, 5, dtype=torch.bool)
    states = memory(features, None, first)
    torch.testing.assert_close(states, memory(features.flatten(2), None, first), rtol=0, atol=0)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(memory(features, None, first), states)
    assert memory.output_shape == (4,)


def test_forgetful_returns_the_features():
    memory, features = Forgetful((3, 2)), torch.randn(2, 5, 3, 2)
    states = memory(features, None, torch.zeros(2, 5, dtype=torch.bool))
    assert states.shape == (2, 5, 1, 3, 2) and torch.equal(states[:, :, 0], features)
    assert memory.output_shape == (3, 2) and not list(memory.parameters())


def test_both_lstms_keep_their_names():
    """`agent.memory=LSTM` over the steps of an episode, `Eyes=LSTM` over the positions of a map."""
    assert resolve('Blocks.Memories.LSTM') is LSTM is LSTMMemory
    assert resolve('Blocks.Architectures.LSTM') is Architectures.LSTM is not LSTMMemory
    assert set(LSTMMemory((3,), 4).state_dict()) == {f'cell.{k}_{h}' for k in ('weight', 'bias') for h in ('ih', 'hh')}
