#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What one run leaves, and how the next one takes it up."""

import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import unittest

from harness import images, spull
from harness.case import main
from harness.engine import (LONG, MIB, NAME, PACE, REF, SIZE, Blob, Engine,
                            image, put_down, sent)
from harness.servers import Gate, Reply, unused_port
from harness.users import CAN_CHANGE, NOBODY, as_nobody

DATA = image(SIZE)
OTHER = image(SIZE, seed=1)
LAST = SIZE - 1
HALT = 5 * MIB
SHARE = 2 * MIB
# What a connection may hold that is not in the file yet; and of that, what was
# read at last and not looked at.
STAGED = MIB // 4
READ = 1 << 14


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


def size_of(done):
    return sum(end - first for first, end in done)


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


class Left(Resume):
    """What is left may be damaged, or no work of ours at all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.original = cls.class_folder()

    def setUp(self):
        super().setUp()
        if not os.listdir(self.original):
            run, = self.killed(Run(self))
            for name in os.listdir(run.scene.cwd):
                os.rename(run.scene.path(name),
                          os.path.join(self.original, name))
            type(self).done = run.done

    def copy(self):
        """A scene with the original's leavings: (scene, part, journal)."""
        scene = self.scene()
        shutil.copytree(self.original, scene.cwd, symlinks=True,
                        dirs_exist_ok=True)
        scene.image(data=DATA, reply=Blob(DATA), size="bytes")
        journal = journals(scene.cwd)[0]
        return scene, journal[:-len(".spans")] + ".part", journal

    def test_sound(self):
        """What the others are to be compared with."""
        scene, _, _ = self.copy()
        result, requests = self.again(scene)
        self.assertPulled(scene, result, DATA)
        self.assertRest(requests, self.done)

    WORTHLESS = [
        ("empty", lambda text: b""),
        ("one byte", lambda text: text[:1]),
        ("half", lambda text: text[:len(text) // 2]),
        ("no end", lambda text: text[:-4]),
        ("garbage", lambda text: images.noise(500)),
        ("zeros", lambda text: bytes(len(text))),
        ("another magic", lambda text: text.replace(b"spull-part 1",
                                                    b"spull-part 9")),
        ("no magic", lambda text: text.split(b"\n", 1)[1]),
        ("an unknown line", lambda text: text.replace(b"\nspan", b"\nspin")),
        ("a span without end", lambda text: re.sub(
            rb"span (\d+) \d+", rb"span \1", text)),
        ("a backward span", lambda text: re.sub(
            rb"span (\d+) (\d+)", rb"span \2 \1", text)),
        ("no number", lambda text: re.sub(
            rb"span \d+ \d+", b"span zero ten", text)),
        ("too long", lambda text: text.replace(
            b"end\n", b"span 0 1\n" * 20000 + b"end\n")),
    ]

    def test_worthless_journal(self):
        """Nothing of it is believed: the download starts over."""
        for what, change in self.WORTHLESS:
            with self.subTest(what):
                scene, _, journal = self.copy()
                with open(journal, "rb") as file:
                    text = change(file.read())
                with open(journal, "wb") as file:
                    file.write(text)
                self.starts_over(scene)

    def starts_over(self, scene):
        result, requests = self.again(scene)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)
        self.assertEqual(sent(requests), SIZE)

    def test_journal_that_is_no_file(self):
        for what, replace in (
                ("link", lambda path: os.symlink(path + ".aside", path)),
                ("dangling link", lambda path: os.symlink("nowhere", path)),
                ("directory", os.mkdir),
                ("FIFO", os.mkfifo),
                ("nothing", lambda path: None)):
            with self.subTest(what):
                scene, _, journal = self.copy()
                os.rename(journal, journal + ".aside")
                replace(journal)
                self.starts_over(scene)

    # Journals that can be read, and promise what is not so.
    PROMISES = [
        ("more than there is", b"span 0 %d" % SIZE),
        ("more than the blob", b"span 0 %d" % (100 * SIZE)),
        ("behind the end", b"span %d %d" % (SIZE + 5, SIZE + 500)),
        ("2^31", b"span %d %d" % (2**31, 2**31 + 1)),
        ("2^63", b"span 0 %d" % 2**63),
        ("from 2^63", b"span %d %d" % (2**63, 2**63 + 1)),
        ("2^64 - 1", b"span 0 %d" % (2**64 - 1)),
        ("2^64", b"span 0 %d" % 2**64),
        ("1000 digits", b"span 0 " + b"9" * 1000),
        ("negative", b"span -9 -1"),
        ("overlapping", b"span 0 4000000\nspan 1000000 4500000\nspan 5 9"),
        ("300 spans", b"\n".join(b"span %d %d" % (at * 1000, at * 1000 + 500)
                                 for at in range(300))),
        ("nothing", b"span 0 1"),
    ]

    def test_promises(self):
        """What is not there is fetched; what is wrong, the digest finds."""
        for what, lines in self.PROMISES:
            with self.subTest(what):
                scene, _, journal = self.copy()
                self.rewrite(journal, rb"(?m)^span .*(\nspan .*)*", lines)
                self.recovers(scene)

    def test_promised_sizes(self):
        for size in (0, 1, SIZE - 1, SIZE + 1, 2**63, 2**64 - 1, 2**64):
            with self.subTest(size):
                scene, _, journal = self.copy()
                self.rewrite(journal, rb"(?m)^size .*", b"size %d" % size)
                self.recovers(scene)

    @staticmethod
    def rewrite(path, pattern, text):
        with open(path, "rb") as file:
            old = file.read()
        new, count = re.subn(pattern, lambda _: text, old, count=1)
        assert count == 1, old
        with open(path, "wb") as file:
            file.write(new)

    def recovers(self, scene):
        """Exit 0, the right file, at most one download more, all clean."""
        result, requests = self.again(scene)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)
        self.assertLessEqual(sent(requests), 2 * SIZE)
        return result, requests

    def test_damaged_bytes(self):
        """The digest finds out; all comes afresh, once; nothing is left."""
        def flip(part):
            with open(part, "r+b") as file:
                file.seek(12345)
                byte = file.read(1)
                file.seek(12345)
                file.write(bytes([byte[0] ^ 1]))

        def lose(part):
            os.truncate(part, 12345)
            os.truncate(part, HALT)

        for what, damage in (("one bit", flip), ("zeros", lose)):
            for number in (1, 4):
                with self.subTest(what, connections=number):
                    scene, part, _ = self.copy()
                    damage(part)
                    result, requests = self.again(scene, connections=number)
                    self.assertPulled(scene, result, DATA)
                    self.assertSays(result, "mismatch", "afresh")
                    self.assertEqual(sent(requests),
                                     2 * SIZE - size_of(self.done))

    def test_part_that_is_not_what_it_was(self):
        secret = images.noise(HALT, seed=9)

        def link(part):
            with open(part + ".aside", "wb") as file:
                file.write(secret)
            os.symlink(part + ".aside", part)

        for what, replace in (
                ("shorter", lambda part: self.write(part, DATA[:MIB])),
                ("empty", lambda part: self.write(part, b"")),
                ("longer", lambda part: self.write(part, DATA + secret)),
                ("another's", lambda part: self.write(part, secret)),
                ("link", link),
                ("directory", os.mkdir),
                ("FIFO", os.mkfifo),
                ("nothing", lambda part: None)):
            with self.subTest(what):
                scene, part, _ = self.copy()
                os.unlink(part)
                replace(part)
                result, _ = self.recovers(scene)
                if what in ("link", "directory", "FIFO", "nothing"):
                    self.assertNotIn("mismatch", result.err)

    @staticmethod
    def write(path, data):
        with open(path, "wb") as file:
            file.write(data)

    @unittest.skipUnless(CAN_CHANGE, "only root can be somebody else")
    def test_unreadable(self):
        """Mode 000, for somebody who is not root."""
        for which in (1, 2):
            with self.subTest(("part", "journal")[which - 1]):
                found = self.copy()
                scene = found[0]
                for name in [scene.folder, scene.home, scene.cwd] + [
                        scene.path(name) for name in os.listdir(scene.cwd)]:
                    os.chown(name, NOBODY, NOBODY, follow_symlinks=False)
                os.chmod(found[which], 0)
                before = len(scene.blobs())
                result = scene.run("--connections", "1", REF,
                                   wrap=as_nobody())
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), DATA)
                self.assertEqual(sent(scene.blobs()[before:]), SIZE)

    def test_changed_on_the_server(self):
        """What is there now is not what the manifest means."""
        for what, other in (("other bytes", OTHER),
                            ("longer", OTHER + bytes(5000)),
                            ("shorter", OTHER[:-5000])):
            for number in (1, 4):
                with self.subTest(what, connections=number):
                    scene, _, _ = self.copy()
                    blob = Blob(other, etag='"2"')
                    scene.image(data=DATA, reply=blob, size="bytes")
                    result, requests = self.again(scene, connections=number)
                    self.assertFails(result, 5)
                    self.assertFiles(scene)
                    self.assertLessEqual(sent(requests), 2 * SIZE + MIB)
                    blob.change(data=DATA)
                    self.assertPulled(scene, scene.run(REF), DATA)

    def test_no_ranges_any_more(self):
        """200 to the range: one stream from 0, and the part is of no use."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, _, _ = self.copy()
                scene.image(data=DATA, size="bytes",
                            reply=Blob(DATA, ranges="ignore"))
                result, requests = self.again(scene, connections=number)
                self.assertPulled(scene, result, DATA)
                self.assertLessEqual(sent(requests), SIZE + MIB)


    def test_only_the_whole_is_to_be_had(self):
        """Who could go on does not answer; who does, knows no ranges. What is
        left is worth a moment's wait, and not all tries."""
        port, holder = unused_port()
        self.addCleanup(holder.close)
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, _, _ = self.copy()
                scene.image(data=DATA, size="bytes", urls=[
                    "http://127.0.0.1:%d/x" % port,
                    scene.blob(Blob(DATA, ranges="ignore"))])
                result, requests = self.again(scene, "-v", "--retries", "5",
                                              REF, connections=number)
                self.assertPulled(scene, result, DATA)
                self.assertLess(result.err.count("again in"), 4, result)
                self.assertLessEqual(sent(requests), SIZE + MIB)

    def test_what_begins_again(self):
        """Bytes that were thrown away are not among those that were here."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, _, _ = self.copy()
                scene.image(data=DATA, size="bytes",
                            reply=Blob(DATA, ranges="ignore"))
                result = scene.run("--connections", number, "--progress-fd",
                                   "2", REF)
                self.assertPulled(scene, result, DATA)
                seen = [json.loads(line) for line in result.err.splitlines()
                        if line.startswith("{")]
                self.assertEqual((seen[-1]["phase"], seen[-1]["resumed"]),
                                 ("installing", 0))


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
