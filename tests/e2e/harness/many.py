# SPDX-License-Identifier: MIT
"""Several processes that want one image in one directory: who leads, who waits,
and what lies there meanwhile."""

import contextlib
import os
import re
import signal
import threading

from . import servers, spull
from .engine import REF, Engine, image, put_down, sent
from .servers import Gate, Reply, page

# What a leader's silence has to last is 90 s.
SILENCE = 150
SMALL = 300000
# Of one job, that start in the same second. Under a sanitizer each needs several
# times as much of the machine.
TASKS = 64 // spull.SLOWNESS
# The attribute in which spull notes that it has verified a file.
PROOF = "user.spull.proof"
# What a connection may hold back before it writes.
HELD = 1 << 16


class Task:
    """A pull that tells how it gets on, while it does."""

    def __init__(self, case, scene, *args, **more):
        self.case = case
        self.log = os.path.join(case.folder, "task-%d" % next(case.numbers))
        with open(self.log, "wb") as file:
            self.process = scene.start("--progress-fd", "2", *args,
                                       stderr=file, **more)
        case.addCleanup(put_down, self.process)

    def said(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def wait_waiting(self):
        """It knows who downloads."""
        self.case.until("waiting", lambda: "is downloading it" in self.said())

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def finish(self, timeout=spull.TIMEOUT):
        result = spull.finish(self.process, timeout)
        result.err = self.said()
        return result


class Many(Engine):
    def together(self, scene, count, *args, env=None, refs=(REF,)):
        """Several processes, none of which is ahead of the others."""
        line = threading.Barrier(count)

        def hold(_):
            with contextlib.suppress(threading.BrokenBarrierError):
                line.wait(spull.TIMEOUT)

        pages = {}
        for ref in refs:
            path = "/%s/manifests/%s/" % tuple(ref.split(":"))
            pages[path] = self.server.routes[scene.prefix + path][0].body
            scene.on(path, page(pages[path], before=hold))
        processes = [scene.start(*args, refs[number % len(refs)], env=env)
                     for number in range(count)]
        for process in processes:
            self.addCleanup(put_down, process)
        results = [spull.finish(process, 2 * spull.TIMEOUT)
                   for process in processes]
        for path, text in pages.items():
            scene.on(path, page(text))
        return results

    def assertOnce(self, scene, data, more=0):
        """The server sent the blob once, whatever it was asked for."""
        requests = scene.blobs()
        self.assertGreaterEqual(sent(requests), len(data), requests)
        self.assertLessEqual(sent(requests), len(data) + more, requests)

    def assertEachPulled(self, scene, tasks, data):
        """Who leads may tidy up a moment after the others are done."""
        results = [task.finish() for task in tasks]
        for result in results:
            self.assertPulled(scene, result, data)

    def only(self, scene, end):
        """The one hidden file whose name ends so; None: it is not there."""
        found = [name for name in os.listdir(scene.cwd)
                 if name.startswith(".spull-") and name.endswith(end)]
        self.assertLessEqual(len(found), 1, found)
        return scene.path(found[0]) if found else None

    def journal(self, scene):
        """What the journal of the one leader says."""
        try:
            with open(self.only(scene, ".spans") or os.devnull) as file:
                return file.read()
        except FileNotFoundError:  # replaced while we looked
            return ""

    def journalled(self, scene):
        """The bytes that it counts."""
        spans = re.findall(r"(?m)^span (\d+) (\d+)$", self.journal(scene))
        return sum(int(end) - int(start) for start, end in spans)

    def wait_journal(self, scene, least):
        """Until it says that so many bytes are there, or nearly."""
        self.until("a journal",
                   lambda: self.journalled(scene) >= least - HELD)

    def gated(self, length=SMALL, at=30000, **more):
        """A scene, its image, and the gate where the first answer stops."""
        scene, gate = self.scene(), Gate(at)
        data = image(length)
        scene.image(data=data, reply=[Reply(data, gate=gate, etag='"1"'),
                                      Reply(data, etag='"1"')], **more)
        return scene, data, gate

    @contextlib.contextmanager
    def gates_that_last(self):
        """Longer than a gate stays shut by itself."""
        before, servers.PATIENCE = servers.PATIENCE, 2 * SILENCE
        yield
        servers.PATIENCE = before

    def lead(self, scene, gate, *args, **more):
        task = Task(self, scene, *args, REF, **more)
        gate.wait_reached()
        self.until("a lead", lambda: self.only(scene, ".lead"))
        return task

    def follow(self, scene, *args, **more):
        task = Task(self, scene, *args, REF, **more)
        task.wait_waiting()
        return task

    def dead(self, scene, gate, **more):
        """A leader that was killed, and never buried."""
        leader = self.lead(scene, gate, **more)
        leader.kill()
        self.assertExit(leader.finish(), -signal.SIGKILL)
        gate.open()
        self.assertIsNotNone(self.only(scene, ".lead"))
