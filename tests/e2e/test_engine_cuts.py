#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A relay that cuts the connection, at many bytes of an image, once for each.

Always the right file, and never more bytes than the file and 1 MiB a cut.
SPULL_TESTS_LONG=1: at every byte of the small one, and 200 times in the large
one.
"""

import itertools
import random
import shutil

from harness.case import main
from harness.engine import (CUT, MIB, SIZE, Engine, Pull, image, sent)
from harness.relay import Relay
from harness.servers import FaultServer, Reply
from harness.spull import LONG

SMALL = image(1 << 16)
EDGES = [0, 1, 4095, 4096, len(SMALL) - 1]
PACE = (1 << 15, 0.002)
CHUNK = 256  # pulls for one server, which remembers each


def offsets():
    """Of the small image: all of them, or a sample."""
    if LONG:
        return range(len(SMALL))
    dice = random.Random(64)
    return EDGES + sorted(dice.sample(range(4097, len(SMALL) - 1),
                                      64 - len(EDGES)))


def chunks(rows):
    rows = iter(rows)
    chunk = list(itertools.islice(rows, CHUNK))
    while chunk:
        yield chunk
        chunk = list(itertools.islice(rows, CHUNK))


class Cut(Engine):
    def through(self, server, data, label, connections, size="bytes", **how):
        """A pull whose blob comes through a relay."""
        relay = Relay(server.port, **how).start()
        self.addCleanup(relay.stop)
        scene = self.scene(server)
        scene.blob(Reply(data, etag='"1"'), path="/blobs/x")
        scene.image(data=data, size=size,
                    urls=[relay.url(scene.prefix + "/blobs/x")])
        pull = Pull(label, scene, data, ["--retries", "5"], connections)
        pull.relay = relay
        return pull

    def assertCheap(self, pull, cuts):
        """The contract, by both accounts; and all cuts took place."""
        relay = pull.relay
        self.assertEqual((relay.cuts, relay.head_cuts, relay.done),
                         ([], [], cuts))
        self.assertGreaterEqual(relay.passed, len(pull.data))
        self.assertLessEqual(relay.passed, len(pull.data) + cuts * CUT)
        self.assertLessEqual(sent(pull.scene.blobs()),
                             len(pull.data) + cuts * CUT)


class Small(Cut):
    def rows(self):
        for number in (1, 4):
            for index, byte in enumerate(offsets()):
                yield number, byte, index % 2 == 1

    def check(self, pull, result):
        self.assertPulled(pull.scene, result, pull.data)
        self.assertCheap(pull, 1)
        self.assertEqual(pull.relay.most_open, 1)
        # Before a FIN, all has arrived.
        lost = pull.label["byte"] if pull.label["reset"] else 0
        self.assertLessEqual(pull.relay.passed, len(pull.data) + lost)
        pull.relay.stop()
        shutil.rmtree(pull.scene.folder)

    def test_every_byte(self):
        for chunk in chunks(self.rows()):
            with FaultServer() as server:
                self.side_by_side(
                    (self.through(server, SMALL, {"byte": byte,
                                                  "reset": reset}, number,
                                  cuts=[byte], reset=reset,
                                  size=("bytes", "kib")[byte % 2])
                     for number, byte, reset in chunk), self.check)

    def test_in_the_head(self):
        """An answer that ends before it has begun; twice, then a third one
        that is whole."""
        def check(pull, result):
            self.assertPulled(pull.scene, result, pull.data)
            self.assertCheap(pull, 2)
            self.assertEqual(len(pull.asked), 3)

        self.side_by_side(
            (self.through(self.server, SMALL, {"at": at, "reset": reset},
                          number, head_cuts=[at, at], reset=reset)
             for number in (1, 4) for reset in (False, True)
             for at in (0, 1, 16, 17, 60)), check)

    def test_document(self):
        """The manifest's connection is cut: before its head, in it, in its
        body."""
        def pulls():
            for how in ({"head_cuts": [0]}, {"head_cuts": [30]},
                        {"cuts": [0]}, {"cuts": [100]}):
                for reset in (False, True):
                    relay = Relay(self.server.port, reset=reset, **how).start()
                    self.addCleanup(relay.stop)
                    scene = self.scene()
                    data = scene.image(data=SMALL)
                    scene.env["SPULL_REGISTRY"] = relay.url(scene.prefix)
                    yield Pull(dict(how, reset=reset), scene, data,
                               ["--retries", "1"])

        self.side_by_side(pulls(), lambda pull, result: self.assertPulled(
            pull.scene, result, SMALL))


class Large(Cut):
    SIZES = [(64 * MIB, 200, seed) for seed in range(4)] if LONG else \
        [(SIZE, 30, 0), (2 * SIZE, 30, 1)]

    def test_many_cuts_in_one_pull(self):
        def pulls():
            for size, count, seed in self.SIZES:
                cuts = random.Random(seed).sample(range(size), count)
                for number in (1, 4):
                    for reset in (False, True):
                        yield self.through(
                            self.server, image(size),
                            {"size": size, "cuts": count, "seed": seed,
                             "reset": reset}, number, cuts=cuts, reset=reset,
                            drip=PACE if number > 1 else None)

        def check(pull, result):
            self.assertPulled(pull.scene, result, pull.data)
            self.assertCheap(pull, pull.label["cuts"])
            self.assertLessEqual(pull.relay.most_open, pull.connections)
            if pull.connections == 1 and not pull.label["reset"]:
                self.assertEqual(pull.relay.passed, len(pull.data))
            if pull.connections > 1:
                self.assertGreater(pull.relay.most_open, 1)

        self.side_by_side(pulls(), check)


if __name__ == "__main__":
    main()
