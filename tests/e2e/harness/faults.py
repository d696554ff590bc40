# SPDX-License-Identifier: MIT
"""Tables of faults, each met with one connection and with four; and the lies
that several of them tell."""

import email.utils
import time

from .engine import PACE, SIZE, Blob, Engine, image
from .servers import Reply

DATA = image(SIZE)
OTHER = image(SIZE, seed=1)
SMALL = image(300000)
LAST = SIZE - 1
# One connection takes what it can get; four have to be worth it.
HOW = {1: {}, 4: {"drip": PACE}}
# What Content-Range may say of a range: where it starts, ends, and of how much
# it is one.
LIES = [
    ("another start", lambda first, last, size:
     "bytes %d-%d/%d" % (first + 1, last, size)),
    ("an earlier start", lambda first, last, size:
     "bytes %d-%d/%d" % (first - 1, last, size)),
    ("from 0", lambda first, last, size: "bytes 0-%d/%d" % (last, size)),
    ("another end", lambda first, last, size:
     "bytes %d-%d/%d" % (first, last - 1, size)),
    ("moved", lambda first, last, size:
     "bytes %d-%d/%d" % (first + 1, last + 1, size + 1)),
    ("another total", lambda first, last, size:
     "bytes %d-%d/%d" % (first, last, size + 1)),
    ("a total of 0", lambda first, last, size:
     "bytes %d-%d/0" % (first, last)),
    ("no total", lambda first, last, size:
     "bytes %d-%d/*" % (first, last)),
    ("backwards", lambda first, last, size:
     "bytes %d-%d/%d" % (last, first, size)),
    ("another unit", lambda first, last, size:
     "pages %d-%d/%d" % (first, last, size)),
    ("2^64", lambda first, last, size:
     "bytes %d-18446744073709551616/%d" % (first, size)),
    ("2^64 - 1", lambda first, last, size:
     "bytes %d-18446744073709551615/%d" % (first, size)),
    ("nonsense", lambda first, last, size: "bytes"),
    ("nothing", lambda first, last, size: None),
]


def busy(status, value):
    """Come again; a number is so many seconds from now, as a date."""
    if isinstance(value, int):
        value = email.utils.formatdate(time.time() + value, usegmt=True)
    return Reply(status=status, headers=[("Retry-After", value)])


class Table(Engine):
    def pulls(self, rows, *args, connections=(1, 4), **more):
        """A pull for each row and number of connections. A row is a label
        and a function of a fresh Blob, which gives it its faults."""
        for label, give in rows:
            for number in connections:
                blob = Blob(DATA, **HOW[number])
                give(blob)
                yield self.pull({"what": label}, blob, number, *args, **more)
