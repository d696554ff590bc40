#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many references in one call: signals, a terminal, and lock files."""

import fcntl
import json
import os
import re
import signal
import struct
import termios
import time

from harness import images, spull
from harness.case import main
from harness.lists import Lists
from harness.preload import preload
from harness.servers import Gate, Reply, not_found, page


class Flushes(Lists):
    def test_they_do_not_wait_for_each_other(self):
        """A disk that takes its time with a flush has several to do."""
        scene = self.scene()
        found = self.publish(scene, 8)
        meeting = os.path.join(self.folder, "met")
        env = dict(preload(self.folder, "meeting"), MEETING=meeting)
        self.assertExit(scene.run("-j4", *found, env=env), 0)
        self.assertAll(scene, found)
        self.assertTrue(os.path.exists(meeting))


class Signals(Lists):
    SIZE = 1 << 20

    def interrupted(self, scene, number, count=6, jobs="4"):
        """Every running pull has some bytes; then a signal comes."""
        gates = [Gate(self.SIZE // 2) for _ in range(count)]
        for at, gate in enumerate(gates):
            data = images.sif(self.SIZE, seed=at, payload=images.pattern)
            scene.image("lab/tool:%d" % at, data, Reply(data, gate=gate))
        refs = ["lab/tool:%d" % at for at in range(count)]
        process = scene.start("-j", jobs, *refs)
        for gate in gates[:int(jobs)]:
            gate.wait_reached()
        self.until("bytes on disk", lambda: sum(
            os.path.getsize(scene.path(name)) > 1 << 18
            for name in spull.files(scene.cwd)
            if name.endswith(".part")) == int(jobs))
        process.send_signal(number)
        result = spull.finish(process)
        for gate in gates:
            gate.open()
        return result, refs

    def test_all_stop_and_keep_what_they_have(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                scene = self.scene()
                result, refs = self.interrupted(scene, number)
                self.assertExit(result, -number)
                self.assertEqual(result.out, "")
                self.assertUnnamed(scene)
                left = spull.files(scene.cwd)
                self.assertEqual(len([n for n in left
                                      if n.endswith(".part")]), 4)
                self.assertEqual(len([n for n in left
                                      if n.endswith(".spans")]), 4)
                before = sum(r.sent for r in scene.blobs())
                again = scene.run(*refs)
                self.assertExit(again, 0)
                self.assertEqual(len(again.lines), len(refs))
                self.assertIn("were here already", again.err)
                self.assertLess(sum(r.sent for r in scene.blobs()) - before,
                                len(refs) * self.SIZE)
                self.assertEqual(
                    [n for n in spull.files(scene.cwd)
                     if n.startswith(".spull-")], [])

    def test_stuck_stdout(self):
        """A reader that sleeps does not keep a signal from ending it."""
        scene = self.scene()
        found = self.publish(scene, 8)
        folder = "d" * 200
        os.mkdir(scene.path(folder))
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        os.set_blocking(theirs, False)
        try:
            while True:
                os.write(theirs, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(theirs, True)
        process = scene.start("-d", folder, *found, stdout=theirs)
        os.close(theirs)
        self.until("all images", lambda: len(
            [n for n in spull.files(scene.path(folder))
             if n.endswith(".sif")]) == 8)
        process.send_signal(signal.SIGINT)
        self.assertExit(spull.finish(process), -signal.SIGINT)

    def test_reader_goes_away(self):
        """As head(1) does: no more images, and no message."""
        scene = self.scene()
        found = self.publish(scene, 40)
        head = ("sh", "-c", 'trap "" USR1; "$@" | head -1; exit 0', "sh")
        result = scene.run("-q", "-j2", *found, wrap=head)
        self.assertEqual(result.lines, ["tool_0.sif"])
        self.assertEqual(result.err, "")


class Screen:
    """What a terminal shows of bytes: as much of it as we use."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [""] * rows, 0, 0
        self.history = []
        self.rest = ""  # of an order that was read in two pieces

    def take(self, text):
        text, self.rest = re.fullmatch(r"(.*?)((?:\x1b(?:\[\d*)?)?)",
                                       self.rest + text, re.S).groups()
        for piece in re.findall(r"\x1b\[\d*[A-Za-z]|.", text, re.S):
            if len(piece) > 1:
                self.order(piece[-1], int(piece[2:-1] or 0))
            elif piece == "\r":
                self.column = 0
            elif piece == "\n":
                self.next_line()
            else:
                self.put(piece)

    def order(self, letter, number):
        if letter == "A":
            self.row = max(self.row - number, 0)
        elif letter in "KJ":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter != "m":
            raise AssertionError("the order %r was not expected" % letter)
        if letter == "J":
            below = self.rows - self.row - 1
            self.lines[self.row + 1:] = [""] * below

    def next_line(self):
        self.row += 1
        if self.row == self.rows:
            self.row -= 1
            self.history.append(self.lines.pop(0))
            self.lines.append("")

    def put(self, char):
        if self.column == self.columns:
            self.next_line()
            self.column = 0
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = (line[:self.column] + char +
                                line[self.column + 1:])
        self.column += 1


class Terminal(Lists):
    COUNT = 12

    def on_terminal(self, columns, rows, count=COUNT):
        """Runs on a terminal of that size. Returns the result, the screen
        while half of each running blob was there, and the one at the end."""
        scene = self.scene()
        gates = [Gate(1 << 18) for _ in range(count)]
        for at, gate in enumerate(gates):
            data = images.sif(1 << 19, seed=at, payload=images.pattern)
            scene.image("lab/tool:%d" % at, data, Reply(data, gate=gate))
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        refs = ["lab/tool:%d" % at for at in range(count)]
        process = scene.start(*refs, stderr=theirs,
                              env={"TERM": "xterm"})
        os.close(theirs)
        screen = Screen(columns, rows)
        for gate in gates[:8]:
            gate.wait_reached()
        bars = max(min(8, count, rows - 2), 0) if count > 1 else 1
        more = "+%d more" % (8 - bars) if bars < min(8, count) else ""
        self.feed(ours, screen, lambda: self.halves(screen) >= bars and
                  more in "".join(screen.lines))
        middle = list(screen.lines)
        for gate in gates:
            gate.open()
        self.feed(ours, screen, lambda: False)
        return spull.finish(process), middle, screen

    @staticmethod
    def halves(screen):
        return sum(re.search(r" [345]\d%", line) is not None
                   for line in screen.lines)

    def feed(self, ours, screen, enough):
        end = time.monotonic() + spull.TIMEOUT
        while not enough() and time.monotonic() < end:
            try:
                more = os.read(ours, 65536)
            except OSError:  # EIO: the other end is closed
                return
            screen.take(more.decode())

    def check_end(self, screen, count=COUNT):
        """Results stay, and nothing else: no bar, no total."""
        shown = [line for line in screen.history + screen.lines if line]
        text = "".join(shown)
        for at in range(count):
            self.assertEqual(text.count("lab/tool:%d  " % at), 1, shown)
        self.assertEqual(text.count("verified"), count, shown)
        self.assertNotRegex(text, r"%|/\d+ images|asking")
        self.assertIn("spull: %d images: %d installed" % (count, count), text)

    def test_a_bar_for_each_and_a_total(self):
        for columns in (40, 80, 200):
            with self.subTest(columns):
                result, middle, screen = self.on_terminal(columns, 30)
                self.assertExit(result, 0)
                shown = [line for line in middle if line]
                self.assertEqual(len(shown), 9, middle)
                for at, line in enumerate(shown[:-1]):
                    self.assertIn("tool:", line)
                    self.assertLess(len(line), columns)
                self.assertTrue(shown[-1].startswith("0/12 images"), shown)
                self.check_end(screen)

    def test_more_jobs_than_lines(self):
        for rows, bars in ((7, 5), (3, 1), (2, 0), (1, 0)):
            with self.subTest(rows):
                result, middle, screen = self.on_terminal(80, rows)
                self.assertExit(result, 0)
                shown = [line for line in middle if line]
                self.assertEqual(len(shown), bars + 1, middle)
                self.assertIn("+%d more" % (8 - bars), shown[-1])
                self.check_end(screen)

    def test_one_has_a_bar_alone(self):
        result, middle, screen = self.on_terminal(80, 24, count=1)
        self.assertExit(result, 0)
        self.assertEqual(len([line for line in middle if line]), 1, middle)
        self.assertEqual(len([line for line in screen.lines if line]), 1)


class Resolve(Lists):
    def pinned(self, found):
        return {ref: "%s@sha256:%s" % (ref, images.sha256(data))
                for ref, data in found.items()}

    def test_lock_file(self):
        """Order and comments stay; the lock is pulled, and resolved again."""
        scene = self.scene()
        found = self.publish(scene, 20)
        pins = self.pinned(found)
        lines, wanted = ["# ours", ""], ["# ours", ""]
        for number, (ref, pin) in enumerate(pins.items()):
            note = "  \t# %d" % number if number % 3 == 0 else ""
            lines.append("  " + ref + note)
            wanted.append(pin + (" # %d" % number if note else ""))
            lines.append("   # between" if number % 5 == 0 else "")
            wanted.append("# between" if number % 5 == 0 else "")
        self.list_of(scene, "\n".join(lines) + "\n")
        result = scene.run("resolve", "-f", "images.txt")
        self.assertExit(result, 0)
        self.assertEqual(result.out, "\n".join(wanted) + "\n")
        scene.put("images.lock", result.raw_out)
        self.assertExit(scene.run("-f", "images.lock"), 0)
        self.assertAll(scene, found, "images.txt", "images.lock")
        again = scene.run("resolve", "-f", "images.lock")
        self.assertEqual((again.code, again.out), (0, result.out))

    def test_tag_has_moved(self):
        """The others are the same as ever; the one that moved is named."""
        scene = self.scene()
        found = self.publish(scene, 5)
        result = scene.run("resolve", *found)
        scene.put("images.lock", result.raw_out)
        scene.image("lab/tool:2", images.sif(seed=99))
        before = len(scene.blobs())
        result = scene.run("-f", "images.lock")
        self.assertExit(result, 5)
        self.assertSays(result, "images.lock:3: lab/tool:2@sha256:",
                        "the tag has moved", "4 installed, 1 failed")
        del found["lab/tool:2"]
        self.assertAll(scene, found, "images.lock")
        self.assertEqual(len(scene.blobs()) - before, 4)

    def test_failures_do_not_vanish(self):
        scene = self.scene()
        found = self.publish(scene, 3)
        pins = list(self.pinned(found).values())
        scene.manifest("lab/tool:7", not_found())
        scene.on("/lab/tool/manifests/7/index.html", not_found())
        scene.image("lab/weak:1", images.sif(seed=8), form="md5")
        self.list_of(scene, "lab/tool:0\nlab/tool:7 # gone\nnot:one\n"
                     "lab/tool:1\nlab/weak:1\nlab/tool:2\n")
        result = scene.run("resolve", "-f", "images.txt")
        self.assertExit(result, 3)
        self.assertEqual(result.lines, [
            pins[0], "# not resolved: lab/tool:7 # gone",
            "# not resolved: not:one", pins[1],
            "# not resolved: lab/weak:1", pins[2]])
        self.assertSays(result, "images.txt:2: lab/tool:7: ",
                        "images.txt:3: ", "images.txt:5: lab/weak:1: ")

    def test_json(self):
        """In the order of the list."""
        scene = self.scene()
        found = self.publish(scene, 20)
        self.list_of(scene, "# c\n" + "\n".join(found) + "\n")
        result = scene.run("resolve", "--json", "-f", "images.txt")
        self.assertExit(result, 0)
        objects = [json.loads(line) for line in result.lines]
        self.assertEqual([one["pinned"] for one in objects],
                         list(self.pinned(found).values()))

    def test_connections_are_few(self):
        scene = self.scene()
        found = self.publish(scene, 100)
        self.list_of(scene, "\n".join(found))
        result = scene.run("resolve", "-f", "images.txt")
        self.assertExit(result, 0)
        self.assertEqual(len(scene.requests()), 100)
        self.assertLessEqual(len({request.connection
                                  for request in scene.requests()}), 8)

    def test_signal(self):
        scene, gate = self.scene(), Gate()
        found = self.publish(scene, 4)
        scene.manifest("lab/tool:1", page("{}", gate=gate))
        process = scene.start("resolve", *found, "-j2")
        gate.wait_reached()
        process.send_signal(signal.SIGTERM)
        result = spull.finish(process)
        gate.open()
        self.assertExit(result, -signal.SIGTERM)


if __name__ == "__main__":
    main()
