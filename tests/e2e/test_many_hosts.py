#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tasks on several hosts that share a directory: who is lost may only sleep."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import images, spull
from harness.case import main
from harness.clock import UNHURRIED, hurried
from harness.engine import CUT, MIB, NAME, REF, SIZE, put_down
from harness.hosts import SPACE, WHY_NO_SPACE, child_of
from harness.many import HELD, SILENCE, SMALL, TASKS, Many
from harness.servers import Gate, Reply
from harness.spull import LONG


@unittest.skipIf(WHY_NO_SPACE, WHY_NO_SPACE)
class OtherHosts(Many):
    """Another pid namespace is as far away as another host."""

    def test_one_download(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate, wrap=SPACE)
        waiters = [self.follow(scene), self.follow(scene, wrap=SPACE)]
        gate.open()
        self.assertEachPulled(scene, [leader] + waiters, data)
        self.assertOnce(scene, data)

    def test_what_was_left_in_good_order(self):
        """Nobody has to be dead for that."""
        scene, data, gate = self.gated(SIZE, 5 * MIB)
        leader = self.lead(scene, gate, "--connections", "1", wrap=SPACE)
        os.kill(child_of(leader.process), signal.SIGTERM)
        leader.finish()
        gate.open()
        self.assertPulled(scene, scene.run(REF), data)
        self.assertOnce(scene, data, CUT)

    def lost(self, wrap, rest=None):
        """A leader that stands still, with a journal. rest: what its
        connection brings when it goes on."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at)
        if rest is not None:
            scene.blob(Reply(data[:at] + rest, gate=gate, etag='"1"'),
                       Reply(data, etag='"1"'),
                       path="/blobs/vanessa/greeting/latest")
        leader = self.lead(scene, gate, "--connections", "1", wrap=wrap)
        self.wait_journal(scene, at)
        pid = child_of(leader.process) if wrap else leader.process.pid
        os.kill(pid, signal.SIGSTOP)
        return scene, data, gate, leader, pid

    def test_lost(self):
        """It is replaced after a silence, and when it wakes up goes on to
        write garbage into its file, which is not the one installed."""
        for wrap in ([], SPACE):
            with self.subTest(elsewhere=bool(wrap)):
                self.check_lost(wrap)

    def check_lost(self, wrap):
        rest = images.noise(SIZE - 5 * MIB)
        scene, data, gate, leader, pid = self.lost(wrap, rest)
        waiter = self.follow(scene, *UNHURRIED, "--connections", "1",
                             env=hurried(self.folder))
        self.assertExit(waiter.finish(), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertOnce(scene, data, HELD)
        before = os.stat(scene.path(NAME))
        gate.open()
        os.kill(pid, signal.SIGCONT)
        result = leader.finish()
        self.assertEqual(scene.blobs()[0].sent, SIZE)
        self.assertImage(scene.path(NAME), data)
        self.assertEqual(os.stat(scene.path(NAME)).st_ino, before.st_ino)
        self.assertIn(result.code, (0, 5, 7), result)
        self.assertFiles(scene, NAME)

    def check_woken_after(self, wrap):
        scene, data, gate, leader, pid = self.lost(wrap)
        waiter = self.follow(scene)
        self.assertExit(waiter.finish(SILENCE), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertOnce(scene, data, HELD)
        gate.open()
        os.kill(pid, signal.SIGCONT)
        result = leader.finish()
        self.assertImage(scene.path(NAME), data)
        self.assertIn(result.code, (0, 4, 7), result)
        self.assertFiles(scene, NAME)

    def check_woken_during(self, wrap):
        """It meets its successor at work, who has taken its file, and waits.
        """
        scene, data, gate, leader, pid = self.lost(wrap)
        second = Gate(MIB)
        scene.blob(Reply(data, gate=second, etag='"1"'),
                   Reply(data, etag='"1"'), path="/blobs/vanessa/greeting/"
                                                 "latest")
        waiter = self.follow(scene)
        self.assertTrue(second.reached.wait(SILENCE))
        gate.open()
        os.kill(pid, signal.SIGCONT)
        self.until("waiting", lambda: "is downloading it" in leader.said())
        second.open()
        self.assertExit(waiter.finish(), 0)
        result = leader.finish()
        self.assertImage(scene.path(NAME), data)
        self.assertIn(result.code, (0, 4, 7), result)
        self.assertFiles(scene, NAME)

    def check_patient(self, wrap):
        """No byte for longer than the silence: it lives all the same."""
        scene, data, gate = self.gated(at=100000)
        leader = self.lead(scene, gate, "--stall-timeout", "600", wrap=wrap)
        waiter = self.follow(scene)
        time.sleep(SILENCE - 30)
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)
        self.assertOnce(scene, data)

    def check_dead_elsewhere(self, _):
        scene, data, gate = self.gated()
        self.dead(scene, gate, wrap=SPACE)
        result = self.follow(scene).finish(SILENCE)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), data)

    @unittest.skipUnless(LONG, "waits for 90 s: SPULL_TESTS_LONG=1")
    def test_silence(self):
        """All at once, since most of it is waiting."""
        failures = []

        def run(check, wrap):
            try:
                check(wrap)
            except BaseException as why:  # told below, with its name
                failures.append((check.__name__, bool(wrap), why))

        threads = [threading.Thread(target=run, args=(check, wrap))
                   for check in (self.check_woken_after,
                                 self.check_woken_during, self.check_patient,
                                 self.check_dead_elsewhere)
                   for wrap in ([], SPACE)]
        with self.gates_that_last():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for what, elsewhere, why in failures:
            with self.subTest(what, elsewhere=elsewhere):
                raise why


SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server",
                "/usr/libexec/openssh/sftp-server")


@unittest.skipUnless(LONG, "takes its time: SPULL_TESTS_LONG=1")
class TwoMounts(Many):
    """One folder through two mounts of a file system that has no attributes,
    makes up its inode numbers, and caches on its own what it was told: what
    two nodes of a cluster may see."""

    def mounted(self, scene):
        """Both sides of the scene's working directory."""
        sides = [os.path.join(scene.folder, side) for side in "ab"]
        for side in sides:
            os.makedirs(side)
            done = subprocess.run(
                ["sshfs", "-o", "ssh_command=" + self.script(),
                 "none:" + scene.cwd, side], check=False,
                stderr=subprocess.PIPE, text=True)
            if done.returncode != 0:
                self.skipTest(done.stderr.strip())
            self.addCleanup(subprocess.run, ["umount", side], check=False)
        return sides

    def script(self):
        """What answers in place of a remote host."""
        server = [path for path in SFTP_SERVERS if os.path.exists(path)]
        if not server or shutil.which("sshfs") is None:
            self.skipTest("there is no sshfs, or no sftp-server")
        path = os.path.join(self.folder, "ssh")
        with open(path, "w") as file:
            file.write("#!/bin/sh\nexec %s\n" % server[0])
        os.chmod(path, 0o755)
        return path

    def start(self, scene):
        sides = self.mounted(scene)
        tasks = []
        for number in range(TASKS):
            tasks.append(scene.start("--connections", "1", REF,
                                     cwd=sides[number % 2]))
            self.addCleanup(put_down, tasks[-1])
        return tasks

    def assertAllPulled(self, scene, tasks, data):
        for task in tasks:
            result = spull.finish(task, SILENCE)
            self.assertExit(result, 0)
            self.assertEqual(result.lines, [NAME])
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)

    def test_many(self):
        for number in range(3):
            with self.subTest(number):
                scene, data, gate = self.gated(at=SMALL // 2)
                tasks = self.start(scene)
                gate.wait_reached()
                time.sleep(1)  # for the others to come
                gate.open()
                self.assertAllPulled(scene, tasks, data)
                # One, or where a cache hid the leader, another one.
                self.assertOnce(scene, data, len(data))

    def test_takeover(self):
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at)
        tasks = self.start(scene)
        gate.wait_reached()
        self.wait_journal(scene, at)
        pid = int(re.search(r"-(\d+)-[0-9a-f]+\.part$",
                            self.only(scene, ".part")).group(1))
        os.kill(pid, signal.SIGKILL)
        tasks = [task for task in tasks if task.pid != pid]
        self.assertEqual(len(tasks), TASKS - 1)
        self.assertAllPulled(scene, tasks, data)
        gate.open()
        # One on each side, where a cache hid the other's.
        self.assertOnce(scene, data, 2 * SIZE + HELD)


if __name__ == "__main__":
    main()
