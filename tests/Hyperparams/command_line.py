"""A command line in the tests' own process."""

from Hyperparams.Launch import launch


def run(capsys, *words):
    """Exit status, stdout lines, stderr lines and composed configs of a command line."""
    configs = []
    status = launch(configs.append, list(words))
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines(), configs
