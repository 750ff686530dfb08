"""The networks of timm, an optional package: `Eyes=timm:vit_small_patch16_224` is `Timm.vit_small_patch16_224` here."""

from functools import partial

from Blocks.Architectures.Backbone import Backbone
from Support.Errors import UserError, one_line


def __getattr__(name):
    if name not in __dir__():
        raise AttributeError(name)
    return partial(Backbone, make=partial(make, name))


def __dir__():
    return library().list_models()


def library():
    try:
        import timm
    except ImportError as error:
        raise UserError(f'timm is not installed ({one_line(error)}): pip install timm') from error
    return timm


def make(name, channels, classes, pretrained, **options):
    """The network, and the pixels a side that it was made for. pretrained: true, or the tag of the weights."""
    timm = library()
    full = name if pretrained in (True, False) else f'{name}.{pretrained}'
    try:
        net = timm.create_model(full, bool(pretrained), in_chans=channels, num_classes=classes or 0, **options)
    except Exception as error:  # of the libraries below, where there is no network
        if not pretrained:
            raise
        raise UserError(
            f'No weights of timm:{full} ({one_line(error)[:150]}): run it once with a network, or give their file by '
            'pretrained_cfg_overlay.file=<path>'
        ) from error
    return net, net.pretrained_cfg.get('input_size', (3, 224, 224))[1]
