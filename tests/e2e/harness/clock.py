# SPDX-License-Identifier: MIT
"""A clock that runs, so that a silence of minutes takes seconds; and the
options that keep the other limits out of its way."""

from .preload import preload


def hurried(folder, times=30):
    """The environment of one whose clock runs so many times as quickly; to be
    followed by options for what must not be over sooner."""
    return preload(folder, "fast_clock", "-DFAST=%d" % times)


UNHURRIED = ("--stall-timeout", "3600", "--connect-timeout", "3600")
