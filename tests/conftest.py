"""One torch thread for every test: tests run beside each other, and two spinning thread pools are slower than one."""

import gc

import pytest
import torch

from Support.Machine import usable_cores


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One worker for each core that a container may use; for a file or a test none, since it starts sooner without."""
    return 0 if all('.py' in argument for argument in config.args) else usable_cores()


def pytest_collection_finish():
    """No garbage collection in a test looks at what was imported before."""
    gc.collect()
    gc.freeze()
