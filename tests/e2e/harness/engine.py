# SPDX-License-Identifier: MIT
"""What the tests of the transfer engine share: a blob with faults at bytes,
tables whose pulls run side by side, and accounts of what was asked and sent."""

import functools
import itertools
import re
import threading

from . import images, spull
from .case import Case
from .servers import Gate, Reply

REF = "vanessa/greeting:latest"
NAME = "greeting_latest.sif"
MIB = 1 << 20
# Large enough for several connections, and a pace that makes them worth it.
SIZE = 9 * MIB
PACE = (1 << 16, 0.004)
# What a connection that ends may cost: the contract's word.
CUT = MIB
# What the kernel and the fault server hold for one connection.
ON_ITS_WAY = MIB // 4
AT_ONCE = 24

image = functools.lru_cache(maxsize=8)(images.sif)


class Blob:
    """The replies of a URL: the truth, but for faults.

    fault(byte, ...) is for the first answer that would bring this byte, and
    spent with it. Its reply is the ordinary one with what is given here;
    cut=True cuts just before the byte, gate=True falls silent there. after:
    what the blob is from then on.
    """

    def __init__(self, data, etag='"1"', **how):
        self.data = data
        self.how = dict(how, etag=etag)
        self.faults = []
        self.lock = threading.Lock()

    def fault(self, byte, after=None, **how):
        self.faults.append((byte, after or {}, how))
        return self

    def __call__(self, request):
        with self.lock:
            data, how = self.data, dict(self.how)
            for fault in self.faults:
                if covers(request, len(data), fault[0]):
                    self.faults.remove(fault)
                    how.update(self.placed(request, *fault))
                    self.change(**fault[1])
                    break
        return Reply(data, **how)

    @staticmethod
    def placed(request, byte, _, how):
        how = dict(how)
        if how.get("cut") is True:
            how["cut"] = byte - request.first
        if how.pop("gate", False):
            how["gate"] = Gate(byte - request.first)
        return how

    def change(self, data=None, **how):
        self.data = self.data if data is None else data
        self.how.update(how)


def covers(request, size, byte):
    """Is this byte among those that were asked for?"""
    asked = re.match(r"bytes=(\d+)-(\d*)", request.range or "")
    if asked is None:
        return True
    return int(asked.group(1)) <= byte <= int(asked.group(2) or size)


def asked_for(request):
    """How many bytes, of a range; 0 of all there is."""
    asked = re.match(r"bytes=(\d+)-(\d+)", request.range or "")
    return int(asked.group(2)) - int(asked.group(1)) + 1 if asked else 0


def sent(requests):
    """Bytes of the blob in all these answers."""
    return sum(request.sent for request in requests
               if request.status in (200, 206))


class Pull:
    """A pull that is to run, in a scene of its own."""

    def __init__(self, label, scene, data, args=(), connections=None,
                 ref=REF, **more):
        self.label = dict(label, connections=connections)
        self.scene = scene
        self.data = data
        self.connections = connections
        self.args = list(args) + [ref]
        if connections is not None:
            self.args = ["--connections", str(connections)] + self.args
        self.more = more
        self.process = None

    def start(self):
        self.process = self.scene.start(*self.args, **self.more)

    @property
    def asked(self):
        """What Range said in each request for the blob."""
        return [request.range for request in self.scene.blobs()]


class Engine(Case):
    def pull(self, label, blob, connections, *args, size="bytes", **more):
        """The blob is served as it says, and is what the manifest says."""
        scene = self.scene()
        data = scene.image(data=more.pop("data", getattr(blob, "data", None)),
                           reply=blob, size=size)
        return Pull(label, scene, data, args, connections, **more)

    def side_by_side(self, pulls, check):
        """check(pull, result) for each; they spend their time waiting."""
        pulls = iter(pulls)
        batch = list(itertools.islice(pulls, AT_ONCE))
        while batch:
            self.run_batch(batch, check)
            batch = list(itertools.islice(pulls, AT_ONCE))

    def run_batch(self, batch, check):
        try:
            for pull in batch:
                pull.start()
            for pull in batch:
                with self.subTest(**pull.label):
                    check(pull, spull.finish(pull.process))
        finally:
            for pull in batch:
                put_down(pull.process)

    def assertSent(self, pull, more=0):
        """No byte was sent twice, but for so many, and for what was on its
        way when a span was taken from a connection."""
        size = len(pull.data)
        requests = pull.scene.blobs()
        more += ON_ITS_WAY * len([request for request in requests
                                  if request.sent < asked_for(request)])
        self.assertGreaterEqual(sent(requests), size, requests)
        self.assertLessEqual(sent(requests), size + more, requests)

    def assertIfRange(self, pull, etag='"1"', after=1):
        """Every range but that of the first answer holds for one version."""
        for request in pull.scene.blobs()[after:]:
            if request.range is not None:
                self.assertEqual(request.header("If-Range"), etag, request)


def put_down(process):
    """Ends what a failed test left running."""
    if process is not None and process.poll() is None:
        process.kill()
        process.communicate()
