#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many tasks that want one image in one directory: one of them downloads, the
others wait for it, and whoever dies or sleeps is replaced."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import images, servers, spull
from harness.case import main
from harness.clock import UNHURRIED, hurried
from harness.engine import (CUT, LONG, MIB, NAME, PACE, REF, SIZE, image,
                            put_down, sent)
from harness.hosts import SPACE, WHY_NO_SPACE, child_of
from harness.many import HELD, SILENCE, SMALL, Many, Task
from harness.preload import preload
from harness.servers import Gate, Reply
from harness.trace import READS, WHY_NO_TRACE, calls_in, traced
from harness.users import CAN_CHANGE, NOBODY, as_nobody, as_user

TASKS = 64


class OneDownload(Many):
    def locks(self):
        """What they may be like, and for how many tasks that is tried."""
        folder = self.class_folder()
        yield "as they are", TASKS, {}
        yield "lies", TASKS, preload(folder, "locks")
        for error, tasks in (("ENOSYS", TASKS), ("ENOLCK", 16),
                             ("ENOTSUP", 16)):
            yield error, tasks, preload(folder, "locks",
                                        "-DLOCKS_FAIL=" + error)

    def test_one_image(self):
        for what, tasks, env in self.locks():
            for connections in (1, 4):
                with self.subTest(locks=what, connections=connections):
                    self.check_one_image(tasks, env, connections)

    def check_one_image(self, tasks, env, connections):
        scene = self.scene()
        how = {"drip": PACE} if connections > 1 else {}
        data = scene.image(data=image(SIZE), size="bytes",
                           reply=Reply(image(SIZE), etag='"1"', **how))
        for result in self.together(scene, tasks, "--connections",
                                    str(connections), env=env):
            self.assertExit(result, 0)
            self.assertEqual(result.lines, [NAME], result)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)
        self.assertOnce(scene, data, CUT if connections > 1 else 0)

    def test_force(self):
        """The old image is replaced once, and nobody reads it all the time."""
        scene = self.scene()
        data = scene.image(data=image(MIB))
        scene.put(NAME, image(MIB, seed=1))
        for result in self.together(scene, 16, "--force"):
            self.assertPulled(scene, result, data)
        self.assertOnce(scene, data)

    def test_two_tags(self):
        """One blob under two names: two files, and no more downloads."""
        scene = self.scene()
        data = scene.image(data=image(MIB))
        scene.image("vanessa/greeting:v1", data)
        names = [NAME, "greeting_v1.sif"]
        for result in self.together(scene, 16,
                                    refs=[REF, "vanessa/greeting:v1"]):
            self.assertExit(result, 0)
        for name in names:
            self.assertImage(scene.path(name), data)
        self.assertFiles(scene, *names)
        self.assertLessEqual(sent(scene.blobs()), 2 * len(data))

    def test_crossed(self):
        """Two tasks with the same two images, in different order."""
        scene, gate = self.scene(), Gate(1000)
        refs = ["vanessa/greeting:a", "vanessa/greeting:b"]
        for number, ref in enumerate(refs):
            data = images.sif(seed=number)
            scene.image(ref, data, [Reply(data, gate=gate), Reply(data)])
        tasks = [Task(self, scene, *refs), Task(self, scene, *refs[::-1])]
        self.until("both downloads", lambda: len(scene.blobs()) == 2)
        gate.open()
        for task in tasks:
            self.assertExit(task.finish(), 0)
        self.assertFiles(scene, "greeting_a.sif", "greeting_b.sif")
        self.assertEqual(len(scene.blobs()), 2)

    def test_failures_are_everybodys(self):
        """Nobody waits for who has failed, and all say the same."""
        data = images.sif()
        for what, code, reply in (("404", 3, servers.not_found()),
                                  ("403", 6, servers.xml_denied()),
                                  ("wrong", 5, Reply(images.sif(seed=1)))):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data, reply=reply)
                for result in self.together(scene, 8):
                    self.assertFails(result, code)
                self.assertFiles(scene)


@unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
class Reading(Many):
    """What a waiter reads of the image."""

    def traced(self, scene, *args, env=None):
        log = os.path.join(self.folder, "trace-%d" % next(self.numbers))
        return self.follow(scene, *args, wrap=traced(log, *READS, "mmap"),
                           env=spull.without_leaks(env)), log

    def read_bytes(self, scene, log):
        calls = calls_in(log)
        self.assertEqual([call for call in calls if call.name == "mmap" and
                          scene.path(NAME) in call.args], [])
        return sum(call.result for call in calls
                   if call.path == scene.path(NAME))

    def test_waiters(self):
        for what, env in (("with attributes", {}),
                          ("without", preload(self.folder, "xattrs"))):
            with self.subTest(what):
                scene, data, gate = self.gated()
                leader = self.lead(scene, gate)
                waiters = [self.traced(scene, env=env) for _ in range(3)]
                gate.open()
                self.assertEachPulled(scene, [leader] + [
                    waiter for waiter, _ in waiters], data)
                for _, log in waiters:
                    # Its first bytes, at each look that finds it.
                    self.assertLessEqual(self.read_bytes(scene, log), 4096)

    def test_what_is_to_be_replaced(self):
        """It is read once, to see whether it differs; not at every look."""
        scene, data, gate = self.gated()
        scene.put(NAME, image(SMALL, seed=1))
        leader = self.lead(scene, gate, "--force")
        waiter, log = self.traced(scene, "--force")
        time.sleep(2)  # some looks; the more, the worse
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)
        self.assertLessEqual(self.read_bytes(scene, log), SMALL + 4096)


class Takeover(Many):
    def test_killed(self):
        """What the journal has is not fetched again."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at, size="bytes")
        leader = self.lead(scene, gate, "--connections", "1")
        waiters = [self.follow(scene, "--connections", "1")
                   for _ in range(16)]
        self.wait_journal(scene, at)
        leader.kill()
        self.assertEachPulled(scene, waiters, data)
        self.assertOnce(scene, data, HELD)
        gate.open()

    def test_killed_with_several_connections(self):
        """Then some of the last second before the journal may be lost."""
        scene, killed = self.scene(), threading.Event()
        data = image(SIZE)

        def reply(_):
            slow = {} if killed.is_set() else {"drip": (1 << 13, 0.02)}
            return Reply(data, etag='"1"', **slow)

        scene.image(data=data, reply=reply, size="bytes")
        leader = Task(self, scene, "--connections", "4", REF)
        self.wait_journal(scene, 2 * MIB)
        waiters = [self.follow(scene, "--connections", "4") for _ in range(8)]
        killed.set()
        leader.kill()
        self.assertEachPulled(scene, waiters, data)
        self.assertGreater(len(scene.blobs()), 2)
        self.assertOnce(scene, data, 3 * MIB)

    def test_killed_before_its_first_journal(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        waiters = [self.follow(scene) for _ in range(8)]
        leader.kill()
        gate.open()
        self.assertEachPulled(scene, waiters, data)

    def test_interrupted(self):
        """It says goodbye: all that it has is taken up."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                scene, data, gate = self.gated(SIZE, 5 * MIB)
                leader = self.lead(scene, gate, "--connections", "1")
                waiters = [self.follow(scene) for _ in range(4)]
                leader.kill(number)
                self.assertExit(leader.finish(), -number)
                gate.open()
                self.assertEachPulled(scene, waiters, data)
                self.assertOnce(scene, data, CUT)

    def test_waiters_may_go(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                       signal.SIGKILL):
            waiter = self.follow(scene)
            waiter.kill(number)
            self.assertExit(waiter.finish(), -number)
        gate.open()
        self.assertPulled(scene, leader.finish(), data)
        self.assertOnce(scene, data)

    def test_who_writes_on(self):
        """The file of one that was deposed is not the one that is installed:
        whoever still has it open writes into the void."""
        at = 5 * MIB
        scene, data, gate = self.gated(SIZE, at)
        leader = self.lead(scene, gate, "--connections", "1")
        self.wait_journal(scene, at)
        with open(self.only(scene, ".part"), "r+b", buffering=0) as part:
            leader.kill()
            leader.finish()
            gate.open()
            self.assertExit(scene.run(REF), 0)
            part.write(b"garbage" * 1000)
            self.assertImage(scene.path(NAME), data)
            self.assertNotEqual(os.fstat(part.fileno()).st_ino,
                                os.stat(scene.path(NAME)).st_ino)

    def test_dead_leader_met_later(self):
        scene, data, gate = self.gated()
        self.dead(scene, gate)
        self.assertPulled(scene, scene.run(REF), data)

    def test_no_wait_for_the_dead(self):
        scene, data, gate = self.gated()
        self.dead(scene, gate)
        self.assertPulled(scene, scene.run("--wait", "0", REF), data)

    def test_who_does_not_get_on_still_lives(self):
        """Its journal shows a beat, though no byte comes."""
        scene, data, gate = self.gated(at=100000)
        with self.gates_that_last():
            leader = self.lead(scene, gate, "--stall-timeout", "600")
            self.wait_journal(scene, 100000)
            first = self.journal(scene)
            self.until("a beat",
                       lambda: self.journal(scene) not in ("", first))
        gate.open()
        self.assertPulled(scene, leader.finish(), data)

    def test_part_that_was_removed(self):
        """Somebody tidies up under a download: it does not wait for itself."""
        scene, data, gate = self.gated(at=SMALL - 1)
        leader = self.lead(scene, gate)
        os.unlink(self.only(scene, ".part"))
        gate.open()
        result = leader.finish(spull.TIMEOUT // 2)
        self.assertIn(result.code, (0, 7), result)
        if result.code == 0:
            self.assertPulled(scene, result, data)

    def test_inode_of_one_that_failed(self):
        """Its number may be another file's by now, which nobody verified."""
        scene, _, gate = self.gated()
        leader = self.lead(scene, gate)
        waiter = self.follow(scene)
        number = os.stat(self.only(scene, ".part")).st_ino
        waiter.kill(signal.SIGSTOP)
        leader.kill(signal.SIGINT)
        leader.finish()
        self.assertFiles(scene)
        other = image(SMALL, seed=1)
        for attempt in range(100):  # until it has the number, if it can
            path = scene.put("other-%d" % attempt, other)
            if os.stat(path).st_ino == number:
                break
        os.rename(path, scene.path(NAME))
        gate.open()
        waiter.kill(signal.SIGCONT)
        self.assertExit(waiter.finish(), 8)
        self.assertEqual(scene.read(NAME), other)


class Patience(Many):
    def test_none(self):
        for args, env in ((["--wait", "0"], {}), ([], {"SPULL_WAIT": "0"})):
            with self.subTest(args):
                scene, data, gate = self.gated()
                leader = self.lead(scene, gate)
                self.assertFails(scene.run(*args, REF, env=env), 4,
                                 "another process", str(leader.process.pid))
                gate.open()
                self.assertPulled(scene, leader.finish(), data)
                self.assertOnce(scene, data)

    def test_some(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        waiter = self.follow(scene, "--wait", "2")
        result = waiter.finish()
        self.assertExit(result, 4)
        self.assertSays(result, "another process")
        gate.open()
        self.assertPulled(scene, leader.finish(), data)

    def test_log(self):
        """Without a terminal, a waiter says so every 30 s and no more often."""
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        log = os.path.join(self.folder, "log")
        start, times = time.monotonic(), 8
        with open(log, "wb") as file:
            waiter = scene.start(*UNHURRIED, REF, stderr=file,
                                 env=hurried(self.folder, times))
        self.addCleanup(put_down, waiter)

        def lines():
            with open(log) as file:
                return [line for line in file if "is downloading it" in line]

        self.until("a second line", lambda: len(lines()) >= 2)
        self.assertGreaterEqual(time.monotonic() - start, 2 * 30 / times)
        self.assertRegex(lines()[0], r"^spull: .*-%d is downloading it"
                         % leader.process.pid)
        gate.open()
        self.assertPulled(scene, leader.finish(), data)
        self.assertExit(spull.finish(waiter), 0)
        self.assertOnce(scene, data)

    def test_enough(self):
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        waiter = self.follow(scene, "--wait", "3600")
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)


@unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
class Strangers(Many):
    def test_dead_leader_that_cannot_be_removed(self):
        """In a sticky directory only its owner could: no reason to try for
        ever."""
        scene, data, gate = self.gated()
        os.chmod(scene.cwd, 0o1777)
        self.dead(scene, gate)
        result = scene.run(REF, wrap=as_nobody(), timeout=spull.TIMEOUT // 2)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), data)

    def test_many_after_one_that_cannot_be_removed(self):
        """Past its link, too, one leads and the others wait; of each user
        whose task was killed there, one stands in the way."""
        scene, second = self.scene(), Gate(SMALL // 2)
        data, first, third = image(SMALL), Gate(30000), Gate(30000)
        scene.image(data=data, reply=[
            Reply(data, gate=gate) for gate in (first, third, second)] +
            [Reply(data)])
        os.chmod(scene.cwd, 0o1777)
        for gate, wrap in ((first, []), (third, as_user(NOBODY - 1))):
            leader = Task(self, scene, REF, wrap=wrap)
            gate.wait_reached()
            leader.kill()
            leader.finish()
            gate.open()
        leader = Task(self, scene, REF, wrap=as_nobody())
        second.wait_reached()
        waiters = [self.follow(scene, wrap=as_nobody()) for _ in range(4)]
        self.assertFails(scene.run("--wait", "0", REF, wrap=as_nobody()), 4,
                         str(leader.process.pid))
        second.open()
        for task in [leader] + waiters:
            self.assertExit(task.finish(), 0)
        self.assertImage(scene.path(NAME), data)
        self.assertEqual(len(scene.blobs()), 3)
        self.assertEqual(len([name for name in os.listdir(scene.cwd)
                              if name.endswith(".lead")]), 2)

    def test_another_users_download(self):
        """What a stranger claims to have verified is read before it is
        believed."""
        scene, data, gate = self.gated()
        os.chmod(scene.cwd, 0o777)
        leader = self.lead(scene, gate, wrap=as_nobody())
        waiter = self.follow(scene)
        gate.open()
        self.assertEachPulled(scene, [leader, waiter], data)
        self.assertOnce(scene, data)


class Garbage(Many):
    """Whatever lies where the leader's name should be."""

    def label(self):
        """How the link for the image of a scene is called."""
        scene, data, gate = self.gated()
        leader = self.lead(scene, gate)
        name = os.path.basename(self.only(scene, ".lead"))
        gate.open()
        self.assertPulled(scene, leader.finish(), data)
        return name

    def folder_with_files(self, path):
        os.mkdir(path)
        with open(os.path.join(path, "precious"), "w") as file:
            file.write("precious")

    def rows(self, precious):
        part = ".spull-%s-host-1-0.part" % ("0" * 32)
        yield "file", lambda path: open(path, "w").close()
        yield "folder", os.mkdir
        yield "folder with files", self.folder_with_files
        yield "pipe", os.mkfifo
        for what, target in (
                ("nonsense", "nonsense"), ("passwd", "/etc/passwd"),
                ("a file", precious), ("itself", "."), ("bars", "|||"),
                ("no owner", part + "|"), ("half an owner", part + "| 1 2"),
                ("numbers", part + "|- -1 99999999999999999999 x"),
                ("path", "../../../.spull-x|- 0 0 0"),
                ("escapes", "\033[2J\n|\r- 1 1 1"), ("long", "x" * 4000),
                ("stranger", part + "|00000000-0000-0000-0000-000000000000 "
                                    "4026531836 1 1")):
            yield what, lambda path, target=target: os.symlink(target, path)

    def scenes(self):
        label = self.label()
        for number, (what, make) in enumerate(self.rows(self.precious)):
            scene = self.scene()
            scene.image(data=image(SMALL))
            make(scene.path(label))
            yield what, label, scene, number

    def setUp(self):
        super().setUp()
        self.precious = os.path.join(self.folder, "precious")
        with open(self.precious, "w") as file:
            file.write("precious")

    def assertUnharmed(self, scene, label, what):
        with open(self.precious) as file:
            self.assertEqual(file.read(), "precious")
        if what == "folder with files":
            found = [name for name in spull.files(scene.cwd)
                     if name.endswith("/precious")]
            self.assertEqual(len(found), 1)

    def test_without_patience(self):
        for what, label, scene, _ in self.scenes():
            with self.subTest(what):
                self.assertFails(scene.run("--wait", "0", REF), 4,
                                 "another process")
                self.assertUnharmed(scene, label, what)
                self.assertEqual(scene.blobs(), [])

    def test_nobody_and_the_dead(self):
        """Who can be seen to be gone is not waited for."""
        label = self.label()
        part = ".spull-%s-host-1-0.part" % ("0" * 32)
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        space = os.stat("/proc/self/ns/pid").st_ino
        for what, owner in (("nobody", "- 0 0 0"),
                            ("a pid that is ours", "%s %d %d 1" % (
                                boot, space, os.getpid()))):
            with self.subTest(what):
                scene = self.scene()
                data = scene.image(data=image(SMALL))
                os.symlink("%s|%s" % (part, owner), scene.path(label))
                self.assertPulled(scene, scene.run(REF), data)

    def test_image_as_a_part(self):
        """A link that names the image itself makes nobody believe that it
        was verified."""
        label, scene, other = self.label(), self.scene(), image(SMALL, seed=1)
        scene.image(data=image(SMALL))
        os.symlink(NAME + "|- 1 1 1", scene.path(label))
        waiter = self.follow(scene)
        scene.put("other", other)
        os.rename(scene.path("other"), scene.path(NAME))
        self.assertExit(waiter.finish(), 8)
        self.assertEqual(scene.read(NAME), other)

    @unittest.skipUnless(LONG, "waits for 90 s: SPULL_TESTS_LONG=1")
    def test_with_patience(self):
        data = image(SMALL)
        rows = list(self.scenes())
        processes = [scene.start(REF) for _, _, scene, _ in rows]
        for (what, label, scene, _), process in zip(rows, processes):
            with self.subTest(what):
                result = spull.finish(process, SILENCE)
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), data)
                self.assertUnharmed(scene, label, what)
                if not what.startswith("folder"):
                    self.assertFiles(scene, NAME)


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
