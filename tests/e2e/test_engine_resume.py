#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What one run leaves when it is killed or stopped, and how the next one takes
it up."""

import os
import random
import signal
import subprocess

from harness import images, spull
from harness.case import main
from harness.engine import MIB, NAME, PACE, REF, SIZE, Blob, put_down, sent
from harness.resume import (DATA, HALT, LAST, OTHER, Halting, Resume, Run,
                            size_of, spans)
from harness.servers import Gate, Reply
from harness.spull import LONG

READ = 1 << 14


class Killed(Resume):
    def test_kill(self):
        runs = [(Run(self, first), second)
                for first in (1, 4) for second in (1, 4)]
        self.killed(*[run for run, _ in runs])
        for run, second in runs:
            with self.subTest(connections=(run.connections, second)):
                result, requests = self.again(run.scene, connections=second)
                self.assertPulled(run.scene, result, DATA)
                self.assertRest(requests, run.done)
                if run.connections == second == 1:
                    self.assertEqual(
                        [request.range for request in requests],
                        ["bytes=%d-%d" % (run.done[0][1], LAST)])

    def test_under_another_name(self):
        """What is left belongs to the digest, not to a name or a tag."""
        rows = [(("-o", "other.sif", REF), "other.sif"),
                (("vanessa/greeting:twin",), "greeting_twin.sif"),
                ((REF + "@sha256:" + images.sha256(DATA),), NAME)]
        runs = self.killed(*[Run(self) for _ in rows])
        for run, (args, name) in zip(runs, rows):
            with self.subTest(args):
                run.scene.image("vanessa/greeting:twin", data=DATA,
                                reply=run.blob)
                result, requests = self.again(run.scene, *args)
                self.assertPulled(run.scene, result, DATA, name)
                self.assertRest(requests, run.done)

    def test_two_images_in_one_directory(self):
        scene = self.scene()
        one, two = self.killed(
            Run(self, scene=scene),
            Run(self, scene=scene, data=OTHER, ref="a/other:1"))
        left = self.left(scene, images.sha256(OTHER))
        self.assertEqual(len(left), 3)  # the file, its journal, the lead
        result, requests = self.again(scene)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertRest(requests, one.done)
        self.assertEqual(self.left(scene, images.sha256(OTHER)), left)
        self.assertEqual(self.left(scene, images.sha256(DATA)), {})
        result, requests = self.again(scene, "a/other:1")
        self.assertExit(result, 0)
        self.assertImage(scene.path("other_1.sif"), OTHER)
        self.assertRest(requests, two.done)
        self.assertFiles(scene, NAME, "other_1.sif")

    @staticmethod
    def left(scene, digest):
        """What lies there for a digest, each with inode, size and time."""
        found = {}
        for name in os.listdir(scene.cwd):
            if name.startswith(".spull-" + digest[:32]):
                state = os.lstat(scene.path(name))
                found[name] = (state.st_ino, state.st_size, state.st_mtime)
        return found

    def test_several_left(self):
        """Two processes died, on two nodes so to speak; the third takes up
        what either had."""
        one, two = self.killed(Run(self, 1), Run(self, 4))
        for name in os.listdir(two.scene.cwd):
            if not name.endswith(".lead"):
                os.rename(two.scene.path(name), one.scene.path(name))
        result, requests = self.again(one.scene, connections=4)
        self.assertPulled(one.scene, result, DATA)
        self.assertRest(requests, merged(one.done + two.done))

    def test_killed_at_any_moment(self):
        """Many times, each after so many bytes; the last run gets all."""
        dice = random.Random(3)
        for number in (1, 4):
            with self.subTest(connections=number):
                scene = self.scene()
                scene.image(data=DATA, size="bytes",
                            reply=Blob(DATA, drip=PACE))
                for _ in range(100 if LONG else 6):
                    self.kill_after(scene, number, dice.randrange(SIZE))
                result, requests = self.again(scene, connections=number)
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), DATA)
                self.assertUnnamed(scene, NAME)
                self.assertLessEqual(sent(requests), SIZE + MIB)

    def kill_after(self, scene, connections, count):
        before = sent(scene.blobs())
        process = scene.start("--connections", connections, REF)
        self.addCleanup(put_down, process)
        self.until("so much", lambda: process.poll() is not None or
                   sent(scene.blobs()) - before >= count)
        process.kill()
        spull.finish(process)
        if os.path.exists(scene.path(NAME)):
            os.unlink(scene.path(NAME))

    def test_killed_at_once(self):
        """Before there was anything to write down: nothing stays for it."""
        for at in (0, 1000, MIB):
            with self.subTest(at):
                scene, gate = self.scene(), Gate(at)
                data = scene.image(data=DATA, reply=[Reply(DATA, gate=gate),
                                                     Reply(DATA)])
                process = scene.start(REF)
                self.addCleanup(put_down, process)
                gate.wait_reached()
                process.kill()
                spull.finish(process)
                self.assertPulled(scene, scene.run(REF), data)


def merged(done):
    """Spans of several, each byte once."""
    found = []
    for first, end in sorted(done):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found


class Stopped(Resume):
    def test_signals(self):
        """It dies by the signal, and leaves all that had come."""
        runs = [(Run(self, connections), number)
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
                for connections in (1, 4)]
        self.halted(*[run for run, _ in runs])
        self.until("an end of all reads", self.is_all_read)
        for run, number in runs:
            with self.subTest(number.name, connections=run.connections):
                given = run.blob.given - READ * len(run.blob.gates)
                run.process.send_signal(number)
                result = spull.finish(run.process)
                self.assertEqual(result.code, -number, result)
                self.assertEqual(result.out, "")
                self.assertUnnamed(run.scene)
                done = spans(run.journal)
                self.assertGreaterEqual(size_of(done), given)
                self.assertLessEqual(size_of(done), HALT)
                run.blob.resume()
                result, requests = self.again(run.scene,
                                              connections=run.connections)
                self.assertPulled(run.scene, result, DATA)
                self.assertRest(requests, done)

    def test_too_little_to_keep(self):
        scene, gate = self.scene(), Gate(5000)
        scene.image(data=DATA, reply=Reply(DATA, gate=gate))
        process = scene.start(REF)
        self.addCleanup(put_down, process)
        gate.wait_reached()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(spull.finish(process).code, -signal.SIGTERM)
        self.assertFiles(scene)

    def test_failures(self):
        """Whatever of the network's it was, the next run goes on there."""
        for what, args, code, more in (
                ("cut", (), 4, {"cut": True, "after": {"status": 503}}),
                ("gone", (), 3, {"cut": True, "after": {"status": 404}}),
                ("denied", (), 6, {"cut": True, "after": {"status": 403}}),
                ("late", ("--max-time", "1"), 4, {"gate": True})):
            with self.subTest(what):
                scene = self.scene()
                blob = Blob(DATA).fault(HALT, **more)
                scene.image(data=DATA, reply=blob, size="bytes")
                result = scene.run("--connections", "1", *args, REF)
                self.assertFails(result, code)
                self.assertUnnamed(scene)
                blob.change(status=200)
                result, requests = self.again(scene)
                self.assertPulled(scene, result, DATA)
                self.assertEqual([request.range for request in requests],
                                 ["bytes=%d-%d" % (HALT, LAST)])


class Alive(Resume):
    """The partial of a live process is nobody else's."""

    def test_another_image(self):
        run, = self.halted(Run(self))
        mine = Killed.left(run.scene, images.sha256(DATA))
        run.scene.image("a/other:1", data=OTHER)
        self.assertExit(run.scene.run("a/other:1"), 0)
        self.goes_on(run, mine)
        self.assertFiles(run.scene, NAME, "other_1.sif")

    def test_the_same_image(self):
        rows = [(REF,), ("-o", "other.sif", REF)]
        for run, args in zip(self.halted(*[Run(self) for _ in rows]), rows):
            with self.subTest(args):
                mine = Killed.left(run.scene, images.sha256(DATA))
                self.assertFails(run.scene.run("--wait", "0", *args), 4,
                                 "another process", str(run.process.pid))
                self.goes_on(run, mine)
                self.assertFiles(run.scene, NAME)

    def goes_on(self, run, mine):
        self.assertEqual(set(Killed.left(run.scene, images.sha256(DATA))),
                         set(mine))
        run.blob.open()
        self.assertExit(spull.finish(run.process), 0)
        self.assertImage(run.scene.path(NAME), DATA)
        self.assertEqual(sent(request for request in run.scene.blobs()
                              if "greeting" in request.path), SIZE)


class Full(Resume):
    MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && cd "$2" && shift 2 && ' \
            'exec "$@"'

    def inside(self, scene, size):
        """What to put before a command that is to see a small disk."""
        wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                self.MOUNT, "sh", str(size), scene.cwd]
        try:
            probe = subprocess.run(wrap + ["true"], check=False,
                                   stderr=subprocess.PIPE, text=True)
        except OSError as why:
            self.skipTest(str(why))
        if probe.returncode != 0:
            self.skipTest(probe.stderr.strip())
        return wrap

    def test_too_small_from_the_start(self):
        """No byte is asked for that has no place."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, gate = self.scene(), Gate(0)
                scene.image(data=DATA, reply=Reply(DATA, gate=gate))
                result = scene.run("--connections", number, REF,
                                   wrap=self.inside(scene, 4 * MIB))
                self.assertFails(result, 7, "9 MiB needed", "no space left")
                self.assertEqual(sent(scene.blobs()), 0)

    def test_filled_up_meanwhile(self):
        """What is left would be what fills the disk, so nothing is."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene = self.scene()
                blob = Halting()
                scene.image(data=DATA, reply=blob, size="bytes")
                process = scene.start("--connections", number, REF,
                                      wrap=self.inside(scene, 12 * MIB))
                self.addCleanup(put_down, process)
                self.until("so much", lambda blob=blob: blob.left == 0)
                # Its directory, although it is mounted nowhere out here.
                folder = os.open("/proc/%d/cwd" % process.pid, os.O_RDONLY)
                self.addCleanup(os.close, folder)
                self.fill(folder)
                blob.open()
                result = spull.finish(process)
                self.assertFails(result, 7, "no space left")
                self.assertEqual(os.listdir(folder), ["filler"])

    @staticmethod
    def fill(folder):
        filler = os.open("filler", os.O_CREAT | os.O_WRONLY, 0o600,
                         dir_fd=folder)
        try:
            while True:
                os.write(filler, bytes(4096))
        except OSError:
            pass
        finally:
            os.close(filler)


if __name__ == "__main__":
    main()
