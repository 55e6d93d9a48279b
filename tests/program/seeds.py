"""Random tests that can be repeated: TODOD_TEST_SEED is the seed to use."""

import contextlib
import os
import random

TORTURE = os.environ.get("TODOD_TORTURE") is not None


def effort(usual, torture):
    """How much of something: the whole of it for `make torture`."""
    return torture if TORTURE else usual


@contextlib.contextmanager
def seeded():
    """A random.Random; what fails meanwhile names its seed."""
    seed = int(os.environ.get("TODOD_TEST_SEED") or
               random.SystemRandom().randrange(2 ** 32))
    print(f"TODOD_TEST_SEED={seed}")
    try:
        yield random.Random(seed)
    except Exception as error:
        raise AssertionError(f"TODOD_TEST_SEED={seed}: {error}") from error
