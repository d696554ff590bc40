#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Killed, interrupted, or refused something by the system, at any call that a
pull makes on files: what is left is the old state or the new one, and the next
run completes."""

import errno
import fcntl
import itertools
import os
import pty
import re
import signal
import termios

from harness import spull
from harness.case import main
from harness.engine import (CUT, MIB, NAME, PACE, REF, SIZE, image, put_down,
                            sent)
from harness.injection import CALLS, Strace
from harness.many import HELD, Task
from harness.mounts import Mounted
from harness.preload import preload
from harness.servers import Gate, Reply
from harness.trace import injected
from harness.walk import DATA, ERRORS, OLD, Stage, Walk

SIGNALS = ("INT", "TERM", "HUP")


class Known(Walk):
    def test_every_call(self):
        """The walks know of every call that a pull makes on files."""
        self.leave()
        for stage in self.stages():
            with self.subTest(stage.label):
                scene = self.staged(stage)
                self.assertExit(self.traced(scene, [], *stage.args), 0)
                calls = re.findall(r"(?m)^\d+\s+(\w+)\((.*)", self.log(scene))
                made = {call for call, rest in calls if scene.cwd in rest}
                # What older C libraries call, and asks only.
                self.assertLessEqual(made, {"execve", "lstat", "stat", *CALLS})
                self.assertIn("renameat2" if stage.old is None
                              else "renameat", made)

    def test_crowded(self):
        """There it is as crowded as it is meant to be."""
        self.leave()
        for stage in self.stages():
            if stage.room:
                scene = self.staged(stage)
                self.assertExit(self.traced(scene, []), 0)
                self.assertIn("FALLOC_FL_PUNCH_HOLE, 0, ", self.log(scene))
                self.assertFiles(scene, NAME)


class Killed(Walk):
    def check(self, stage, what, how):
        scene = self.staged(stage)
        result = self.inject(scene, what % how, *stage.args)
        self.assertKilled(scene, result)
        self.assertOldOrNew(scene, stage)
        self.assertCompletes(scene, stage)
        self.assertTidied(scene)

    def test_walk(self):
        self.walk(["signal=KILL"], self.check)


class Refused(Walk):
    def check(self, stage, what, how):
        scene = self.staged(stage)
        result = self.inject(scene, what % how, *stage.args)
        self.assertIn(result.code, (0, 7), result)
        if result.code == 7:
            self.assertFails(result, 7, scene.cwd)
        else:
            self.assertImage(scene.path(NAME), DATA)
        self.assertOldOrNew(scene, stage)
        result = scene.run(*stage.args, REF)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)

    def test_walk(self):
        self.walk(["error=" + error for error in ERRORS], self.check)

    def test_what_has_to_work(self):
        """Bytes, mode, flush and name: without these there is no image."""
        for call in ("pwrite64", "fchmod", "fsync", "renameat2"):
            for error in ("EIO", "ENOSPC", "EDQUOT"):
                with self.subTest(call, error=error):
                    scene = self.staged(Stage("fresh"))
                    result = self.inject(scene, "%s:error=%s:when=1" % (
                        call, error))
                    self.assertFails(result, 7, scene.cwd, os.strerror(
                        getattr(errno, error)))
                    self.assertUnnamed(scene)
                    if error != "EIO" and call in ("pwrite64", "fsync"):
                        self.assertSays(result, "1 MiB needed")

    def test_what_is_a_hint(self):
        """Nothing is lost where these fail, always."""
        for call in ("fallocate", "sync_file_range", "fsetxattr",
                     "fgetxattr", "copy_file_range", "symlinkat",
                     "getdents64"):
            for error in ("EIO", "EPERM", "EOPNOTSUPP"):
                with self.subTest(call, error=error):
                    scene = self.scene()
                    scene.image(data=image(MIB))
                    self.assertExit(self.inject(
                        scene, "%s:error=%s" % (call, error)), 0)
                    self.assertImage(scene.path(NAME), image(MIB))

    def test_bytes_are_kept(self):
        """What can't be named today can be tomorrow, without a download."""
        for call, error in itertools.product(
                ("fchmod", "fsync", "renameat2"), ("EIO", "EACCES", "EROFS")):
            with self.subTest(call, error=error):
                scene = self.staged(Stage("fresh"))
                result = self.inject(scene, "%s:error=%s:when=1" % (call,
                                                                    error))
                self.assertFails(result, 7, scene.cwd)
                self.assertExit(scene.run(REF), 0)
                self.assertImage(scene.path(NAME), DATA)
                self.assertOnce(scene, DATA)

    def test_file_systems_without_the_newest_calls(self):
        """Each way to give a name, down to the plainest."""
        for without in (["renameat2"], ["renameat2", "linkat"]):
            for error in ("EINVAL", "ENOSYS", "EOPNOTSUPP"):
                with self.subTest(without, error=error):
                    self.check_naming(without, error)

    def check_naming(self, without, error):
        scene = self.staged(Stage("fresh"))
        options = ["-e", "trace=" + ",".join(without)]
        for call in without:
            shown = "EPERM" if call == "linkat" else error
            options.append("--inject=%s:error=%s" % (call, shown))
        self.assertExit(self.traced(scene, options), 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertFiles(scene, NAME)
        scene.put(NAME, OLD)
        result = self.traced(scene, options)
        self.assertFails(result, 8)
        self.assertEqual(scene.read(NAME), OLD)


class Interrupted(Walk):
    def check(self, stage, what, how):
        scene = self.staged(stage)
        result = self.inject(scene, what % how, *stage.args)
        number = getattr(signal, how.replace("signal=", "SIG"))
        if result.code == 0:  # it came too late to cut anything short
            self.assertImage(scene.path(NAME), DATA)
        else:
            self.assertExit(result, -number)
        self.assertOldOrNew(scene, stage)
        self.assertCompletes(scene, stage)

    def test_walk(self):
        self.walk(["signal=" + name for name in SIGNALS], self.check)

    def test_between_download_and_name(self):
        """All bytes are there: the next run asks for none."""
        for call, name in itertools.product(
                ("unlinkat", "fchmod", "fsync", "renameat2"), SIGNALS):
            with self.subTest(call, signal=name):
                scene = self.staged(Stage("fresh"))
                self.inject(scene, "%s:signal=%s:when=1" % (call, name))
                self.assertOldOrNew(scene, Stage("fresh"))
                self.assertExit(scene.run(REF), 0)
                self.assertImage(scene.path(NAME), DATA)
                self.assertOnce(scene, DATA)

    def test_dropped_session(self):
        """SIGHUP leaves what had come, with any number of connections."""
        for connections in (1, 4):
            with self.subTest(connections):
                scene, gate = self.scene(), Gate(5 * MIB)
                data = image(SIZE)
                slow = {"drip": PACE} if connections > 1 else {"gate": gate}
                scene.image(data=data, size="bytes", reply=lambda _: Reply(
                    data, etag='"1"', **slow))
                task = self.pulling(scene, connections)
                task.kill(signal.SIGHUP)
                self.assertExit(task.finish(), -signal.SIGHUP)
                self.assertUnnamed(scene)
                slow.clear()
                gate.open()
                self.assertPulled(scene, scene.run(REF), data)
                self.assertOnce(scene, data, connections * CUT)

    def test_terminal_that_is_gone(self):
        """The ssh session has dropped: a signal, and nothing to write to."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at)
        ours, theirs = pty.openpty()
        process = scene.start(
            "--connections", "1", REF, env={"TERM": "dumb"}, stdout=theirs,
            stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0))
        self.addCleanup(put_down, process)
        os.close(theirs)
        self.wait_journal(scene, at)
        os.close(ours)
        self.assertExit(spull.finish(process), -signal.SIGHUP)
        self.assertUnnamed(scene)
        gate.open()
        self.assertPulled(scene, scene.run(REF), data)
        self.assertOnce(scene, data, CUT)

    def pulling(self, scene, connections):
        """A pull that has brought half of its bytes."""
        task = Task(self, scene, "--connections", str(connections), REF)
        self.until("progress", lambda: sent(scene.blobs()) >= 5 * MIB)
        return task


class KilledLater(Strace):
    """Points that take a journal, which is written once a second."""

    def test_while_flushing(self):
        """That may take a minute on a busy file system."""
        at = 8 * MIB
        for call in ("fsync", "fchmod", "renameat2"):
            with self.subTest(call):
                scene, data, gate = self.gated(SIZE, at, size="bytes")
                leader = self.lead(
                    scene, gate, "--connections", "1",
                    wrap=injected("%s:signal=KILL:when=1" % call))
                self.wait_journal(scene, at)
                gate.open()
                self.assertExit(leader.finish(), -signal.SIGKILL)
                self.assertUnnamed(scene)
                self.assertPulled(scene, scene.run(REF), data)
                self.assertOnce(scene, data, MIB + HELD)

    def test_after_the_name(self):
        """The image is up to date then, and nothing lies beside it."""
        scene = self.scene()
        data = scene.image(data=DATA)
        result = self.inject(scene, "fsync:signal=KILL:when=2")
        self.assertExit(result, -signal.SIGKILL)
        self.assertImage(scene.path(NAME), data)
        self.assertPulled(scene, scene.run(REF), data)
        self.assertEqual(len(scene.blobs()), 1)

    def test_twice(self):
        """The second one dies before it has a journal: what it took over from
        the first is not lost with it."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at, size="bytes")
        leader = self.lead(scene, gate, "--connections", "1")
        self.wait_journal(scene, at)
        leader.kill()
        leader.finish()
        gate.open()
        asked = Gate(0)
        scene.blob(Reply(data, etag='"1"', gate=asked),
                   Reply(data, etag='"1"'),
                   path="/blobs/vanessa/greeting/latest")
        second = self.lead(scene, asked, "--connections", "1")
        second.kill()
        second.finish()
        asked.open()
        self.assertPulled(scene, scene.run("--connections", "1", REF), data)
        for request in scene.blobs()[1:]:
            self.assertGreaterEqual(request.first, at - HELD, request)


class ShortWrites(Mounted):
    def test_pull(self):
        env = preload(self.folder, "short_writes")
        for size, connections in ((300000, 1), (SIZE, 4)):
            with self.subTest(size):
                scene = self.scene()
                data = scene.image(data=image(size), size="bytes")
                result = scene.run("--connections", str(connections), REF,
                                   env=env)
                self.assertPulled(scene, result, data)

    def test_resumed(self):
        env = preload(self.folder, "short_writes")
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at)
        leader = self.lead(scene, gate, "--connections", "1", env=env)
        self.wait_journal(scene, at)
        leader.kill()
        leader.finish()
        gate.open()
        self.assertPulled(scene, scene.run(REF, env=env), data)
        self.assertOnce(scene, data, CUT)


if __name__ == "__main__":
    main()
