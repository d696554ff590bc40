# SPDX-License-Identifier: MIT
"""Pulls that end with a part of the blob, and what their journals say."""

import glob
import os
import re
import threading

from . import spull
from .engine import MIB, REF, SIZE, Engine, image, put_down, sent
from .servers import Gate, Reply

DATA = image(SIZE)
OTHER = image(SIZE, seed=1)
LAST = SIZE - 1
HALT = 5 * MIB
SHARE = 2 * MIB
# What a connection may hold that is not in the file yet; and of that, what was
# read at last and not looked at.
STAGED = MIB // 4


class Halting:
    """A blob that falls silent: of several connections, each brings at most
    its SHARE, and all of them together HALT, or less if they don't become
    more. resume() makes it an ordinary one."""

    def __init__(self, data=DATA):
        self.data = data
        self.left = HALT
        self.halted = True
        self.lock = threading.Lock()
        self.gates = []

    def __call__(self, request):
        with self.lock:
            if not self.halted:
                return Reply(self.data, etag='"1"')
            gate = Gate(min(self.left, self.most(request)))
            self.left -= gate.at
            self.gates.append(gate)
        return Reply(self.data, etag='"1"', gate=gate)

    @property
    def given(self):
        """Bytes before the gates that were reached. Some never are: a silent
        connection is given up when others have nothing to do."""
        with self.lock:
            return sum(gate.at for gate in self.gates
                       if gate.reached.is_set())

    def most(self, request):
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.range or "")
        if asked is None:
            return HALT
        end = min(int(asked.group(2)) + 1, len(self.data))
        return min(SHARE, end - int(asked.group(1)))

    def resume(self, data=None):
        with self.lock:
            self.halted = False
            self.data = self.data if data is None else data

    def open(self):
        self.resume()
        for gate in self.gates:
            gate.open()


def journals(folder):
    return sorted(glob.glob(os.path.join(glob.escape(folder),
                                         ".spull-*.spans")))


def spans(journal):
    """The (from, to) that a journal holds; none where it is not whole."""
    try:
        with open(journal, "rb") as file:
            text = file.read()
    except OSError:
        return []
    if not text.endswith(b"end\n"):
        return []
    return [(int(first), int(end)) for first, end in
            re.findall(rb"(?m)^span (\d+) (\d+)$", text)]


def total(journal):
    return sum(end - first for first, end in spans(journal))


def gaps(done, size=SIZE):
    """What is missing between these spans."""
    edges = [(0, 0)] + sorted(done) + [(size, size)]
    return [(before, after) for (_, before), (after, _)
            in zip(edges, edges[1:]) if before < after]


class Run:
    """One that comes to HALT, and waits there."""

    def __init__(self, case, connections=1, data=DATA, scene=None, ref=REF):
        self.connections = connections
        self.scene = scene or case.scene()
        self.blob = Halting(data)
        self.scene.image(ref, data=data, reply=self.blob, size="bytes")
        self.process = self.scene.start("--connections", connections, ref)
        case.addCleanup(put_down, self.process)

    @property
    def journal(self):
        mine = [name for name in journals(self.scene.cwd)
                if "-%d-" % self.process.pid in name]
        return mine[0] if mine else None

    def has_halted(self):
        """All has come and been written down, but for what is staged. How
        many connections there are is the pace's decision, and the machine's;
        of several, two are enough."""
        least = max(self.blob.given, min(self.connections, 2) * SHARE) - \
            len(self.blob.gates) * STAGED
        return self.journal is not None and total(self.journal) >= least > 0

    def kill(self):
        self.process.kill()
        spull.finish(self.process)
        self.blob.resume()


class Resume(Engine):
    def is_all_read(self):
        """Nothing is on its way in a connection with the server."""
        with open("/proc/net/tcp") as file:
            rows = [line.split() for line in file][1:]
        port = ":%04X" % self.server.port
        return all(set(row[4]) <= {"0", ":"} for row in rows
                   if row[3] == "01" and port in row[1] + row[2])

    def halted(self, *runs):
        for run in runs:
            self.until("a journal", run.has_halted)
        return runs

    def killed(self, *runs):
        """What each has left finished, after its name in the directory."""
        for run in self.halted(*runs):
            run.kill()
            run.done = spans(run.journal)
        return runs

    def again(self, scene, *args, connections=1):
        """Another run, and the requests for the blob that it made."""
        before = len(scene.blobs())
        result = scene.run("--connections", connections, *(args or (REF,)))
        return result, scene.blobs()[before:]

    def assertRest(self, requests, done, size=SIZE):
        """No finished byte was asked for, and no other one twice."""
        for request in requests:
            first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)",
                                                request.range).groups())
            for begin, end in done:
                self.assertFalse(first < end and begin <= last, request)
        missing = sum(end - first for first, end in gaps(done, size))
        self.assertEqual(sent(requests), missing)


def size_of(done):
    return sum(end - first for first, end in done)
