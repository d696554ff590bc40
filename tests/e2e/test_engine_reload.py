#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx gets a new configuration while it sends an image, several times."""

import json
import os
import re

from harness import registry, spull
from harness.case import main
from harness.engine import MIB, REF, Engine, image, put_down
from harness.nginx import Nginx

SIZE = 12 * MIB
RELOADS = 5
# Of all connections together, in MiB/s, so that there is time for all this.
RATE = 4


class Reload(Engine):
    def setUp(self):
        super().setUp()
        self.made = registry.Registry(os.path.join(self.folder, "registry"))
        self.data = image(SIZE)
        self.made.add(REF, self.data, size="bytes")

    def nginx(self, connections, main_part=""):
        server = Nginx(self.made.folder, os.path.join(
            self.folder, "nginx-%d" % next(self.numbers)),
            extra="limit_rate %dm;" % (RATE // connections), main=main_part)
        self.addCleanup(server.stop)
        return server

    def pull(self, server, number):
        """What it said of it."""
        scene = self.scene()
        # Appending, or what is read here would move where it writes.
        with open(os.path.join(scene.folder, "err"), "a+b") as log:
            process = scene.start("-v", "--progress-fd", "2", "--connections",
                                  number, "--retries", "2", "-r", server.base,
                                  REF, stderr=log)
            self.addCleanup(put_down, process)
            reloads = 0
            for count in range(1, RELOADS + 1):
                self.until("so much", lambda: process.poll() is not None or
                           self.told(log)["bytes"] >=
                           count * SIZE // (RELOADS + 1))
                if process.poll() is not None:
                    break
                server.reload()
                reloads = count
            result = spull.finish(process)
            log.seek(0)
            result.err = log.read().decode()
        self.assertGreater(reloads, 2)
        self.assertPulled(scene, result, self.data)
        self.assertNotIn("beginning again", result.err)
        return result.err

    @staticmethod
    def told(log):
        """The last whole line of progress."""
        log.seek(0)
        lines = [line for line in log.read().split(b"\n")[:-1]
                 if line.startswith(b"{")]
        return json.loads(lines[-1]) if lines else {"bytes": 0}

    def test_workers_that_end_what_they_have_begun(self):
        """Who is in the middle of an answer does not notice; for the next one,
        a connection may be new."""
        for number in (1, 4):
            with self.subTest(connections=number):
                said = self.pull(self.nginx(number), number)
                if number == 1:
                    self.assertNotIn("; again", said)

    def test_workers_that_hang_up(self):
        """What has come is built upon, span by span."""
        for number in (1, 4):
            with self.subTest(connections=number):
                said = self.pull(
                    self.nginx(number, "worker_shutdown_timeout 10ms;"),
                    number)
                self.assertRegex(said, "; again|; going on with")
                starts = [int(at) for at in re.findall(
                    r"206, bytes (\d+)-", said)]
                self.assertGreater(len(set(starts)), 2, starts)
                if number == 1:
                    self.assertEqual(starts, sorted(starts))


if __name__ == "__main__":
    main()
