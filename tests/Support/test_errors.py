"""The nearest name."""

from Support.Errors import nearest


def test_nearest():
    assert nearest('atari/pongg', ['atari/pong', 'atari/pooyan']) == 'atari/pong'
    assert nearest('vit', ['CNN', 'ViT']) == 'ViT'
    assert nearest('AdamWW', ['adamw', 'AdamW']) == 'AdamW'  # letter case decides between equals
    assert nearest('xyz', ['CNN']) is None and nearest('x', []) is None
