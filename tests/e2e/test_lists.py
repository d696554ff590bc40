#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many references in one call: lists, several at once, lock files."""

import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import termios
import threading
import time

from harness import images, registry, spull
from harness.case import Case, main
from harness.preload import preload
from harness.servers import Gate, Reply, not_found, page

PATIENCE = 60


def name_of(ref):
    container, tag = ref.rsplit(":", 1)
    return "%s_%s.sif" % (container.split("/")[-1], tag)


class Lists(Case):
    def publish(self, scene, count, container="lab/tool", **how):
        """So many images; their references and bytes, in order."""
        found = {}
        for number in range(count):
            ref = "%s:%d" % (container, number)
            data = images.sif(images.DATA + 4096 + number, seed=number)
            found[ref] = scene.image(ref, data, **how)
        return found

    def list_of(self, scene, text, name="images.txt"):
        scene.put(name, text.encode())
        return name

    def assertAll(self, scene, found, *others):
        for ref, data in found.items():
            self.assertImage(scene.path(name_of(ref)), data)
        self.assertFiles(scene, *[name_of(ref) for ref in found], *others)

    def wait_for(self, what, happens):
        end = time.monotonic() + PATIENCE
        while not happens():
            if time.monotonic() > end:
                self.fail("it never came to this: %s" % what)
            time.sleep(0.01)


class Pull(Lists):
    def test_all_of_a_list(self):
        scene = self.scene()
        found = self.publish(scene, 30)
        refs = list(found)
        text = "\ufeff# our tools\r\n\r\n" + "".join(
            "  %s\t# number %d\r\n" % (ref, number)
            for number, ref in enumerate(refs))
        for args in (["pull", "-f"], ["--file"]):
            with self.subTest(args):
                self.list_of(scene, text)
                result = scene.run(*args, "images.txt")
                self.assertExit(result, 0)
                # In the order of the list, whatever came first.
                self.assertEqual(result.lines, [name_of(ref) for ref in refs])
                self.assertAll(scene, found, "images.txt")
                self.assertPrintable(result)
        self.assertSays(result, "30 images: 30 up to date")
        self.assertEqual(len(scene.blobs()), 30)

    def test_operands_and_several_lists(self):
        scene = self.scene()
        found = self.publish(scene, 5)
        refs = list(found)
        scene.put("one", ("%s\n" % refs[3]).encode())
        scene.put("two", ("%s\n%s" % (refs[0], refs[2])).encode())
        result = scene.run("-f", "one", refs[4], "--file=two", refs[1])
        self.assertExit(result, 0)
        self.assertEqual(result.lines, [name_of(refs[number])
                                        for number in (4, 1, 3, 0, 2)])
        self.assertAll(scene, found, "one", "two")
        self.assertSays(result, "5 images: 5 installed; ")

    def test_standard_input(self):
        scene = self.scene()
        found = self.publish(scene, 3)
        self.list_of(scene, "\n".join(found))
        shell = ("sh", "-c", '"$@" <images.txt', "sh")
        result = scene.run("-f", "-", wrap=shell)
        self.assertExit(result, 0)
        self.assertAll(scene, found, "images.txt")
        piped = ("sh", "-c", 'cat images.txt | "$@"', "sh")
        result = scene.run("resolve", "-f-", wrap=piped)
        self.assertExit(result, 0)
        self.assertEqual(len(result.lines), 3)

    def test_one_reference_in_two_spellings(self):
        """The default tag may be said, and a pin's digits be capitals."""
        scene = self.scene()
        data = scene.image("lab/tool:latest")
        scene.tags("lab/tool", page(registry.tags_page("lab/tool",
                                                       ["latest"])))
        pin = "@sha256:" + images.sha256(data)
        for refs in (("lab/tool", "lab/tool:latest"),
                     ("lab/tool" + pin, "lab/tool:latest@sha256:" +
                      images.sha256(data).upper())):
            self.list_of(scene, "\n".join(refs))
            for args in (["--force"], ["mirror", "tree"]):
                result = scene.run(*args, "-f", "images.txt", *refs)
                self.assertExit(result, 0)
                self.assertEqual(len(result.lines), 1)
            asked = len(scene.requests())
            result = scene.run("resolve", "-f", "images.txt")
            self.assertEqual(result.lines, ["lab/tool:latest" + pin] * 2)
            self.assertEqual(len(scene.requests()), asked + 1)

    def test_nothing_to_do(self):
        scene = self.scene()
        self.list_of(scene, "# nothing yet\n\n")
        for command in ("pull", "resolve"):
            result = scene.run(command, "-q", "-f", "images.txt")
            self.assertExit(result, 0)
        self.assertFiles(scene, "images.txt")

    BAD = {"a/b c/d": ":1: 'c/d' after the reference",
           "a/b\na/b:x:y": ":2: ",
           "lab/tool:0\n\n# c\nnot-one": ":4: ",
           "lab/tool:0\nother/tool:0": ":2: lab/tool:0 and other/tool:0: both",
           "lab/tool:0\n\0": ":2: a NUL byte"}

    def test_bad_lists(self):
        """Nothing is asked or made, though the first line is sound."""
        for text, why in self.BAD.items():
            with self.subTest(text):
                scene = self.scene()
                self.publish(scene, 1)
                self.list_of(scene, text)
                result = scene.run("-f", "images.txt")
                self.assertFails(result, 2, "images.txt" + why)
                self.assertEqual(scene.requests(), [])
                self.assertFiles(scene, "images.txt")

    def test_bad_calls(self):
        scene = self.scene()
        self.list_of(scene, "lab/tool:0")
        for args, why in ((["-f", "none"], "none: "),
                          (["-f", "."], ".: "),
                          (["-f", "images.txt", "-o", "x"], "-o: one file"),
                          (["-j", "0", "a/b"], "--jobs: "),
                          (["-j", "17", "a/b"], "--jobs: "),
                          (["tags", "-f", "images.txt"], "no such option"),
                          (["pull"], "REF... is missing"),
                          (["resolve", "-q"], "REF... is missing")):
            with self.subTest(args):
                self.assertFails(scene.run(*args), 2, why)
        self.assertFiles(scene, "images.txt")

    def test_jobs_is_a_key(self):
        scene = self.scene()
        scene.rc("jobs = 3\n")
        result = scene.run("config", "--json")
        self.assertIn('{"key":"jobs","value":3,', result.out)
        scene.rc("jobs = 99\n")
        self.assertFails(scene.run("config"), 2, ".spullrc:1: jobs")

    def test_failures_leave_the_others_alone(self):
        """The status of the first in the list, not of the first in time."""
        scene = self.scene()
        found = self.publish(scene, 8)
        gate = Gate()
        scene.manifest("lab/tool:2", Reply(b"no", 403, gate=gate))
        scene.manifest("lab/tool:5", not_found())
        scene.on("/lab/tool/manifests/5/index.html", not_found())
        scene.on("/lab/tool/manifests/2/index.html", Reply(b"", 403))
        self.list_of(scene, "\n".join(found))
        process = scene.start("-f", "images.txt")
        self.wait_for("the last one", lambda: os.path.exists(
            scene.path(name_of("lab/tool:7"))))
        gate.open()
        result = spull.finish(process)
        self.assertExit(result, 6)
        for bad in ("lab/tool:2", "lab/tool:5"):
            del found[bad]
        self.assertAll(scene, found, "images.txt")
        self.assertEqual(result.lines, [name_of(ref) for ref in found])
        self.assertSays(result, "images.txt:3: lab/tool:2: ",
                        "images.txt:6: lab/tool:5: ",
                        "8 images: 6 installed, 2 failed")

    def test_several_at_once(self):
        """Four blobs are under way together, and no more with -j 4."""
        scene = self.scene()
        gates = [Gate(1000) for _ in range(6)]
        for number, gate in enumerate(gates):
            data = images.sif(seed=number)
            scene.image("lab/tool:%d" % number, data, Reply(data, gate=gate))
        refs = ["lab/tool:%d" % number for number in range(6)]
        process = scene.start("-j", "4", *refs)
        for gate in gates[:4]:
            gate.wait_reached()
        self.assertEqual(len(scene.blobs()), 4)
        self.assertFalse(gates[4].reached.is_set())
        gates[1].open()
        gates[4].wait_reached()
        for gate in gates:
            gate.open()
        self.assertExit(spull.finish(process), 0)

    def test_one_at_a_time(self):
        scene = self.scene()
        found = self.publish(scene, 4)
        self.assertExit(scene.run("-j1", *found), 0)
        asked = [request.path.split("/")[-1] for request in scene.blobs()]
        self.assertEqual(asked, ["0", "1", "2", "3"])

    def test_connections_are_few_and_kept(self):
        scene = self.scene()
        found = self.publish(scene, 60)
        result = scene.run("-j", "4", *found)
        self.assertExit(result, 0)
        self.assertEqual(len(scene.requests()), 120)
        self.assertLessEqual(len({request.connection
                                  for request in scene.requests()}), 8)

    def test_connections_are_shared_out(self):
        """Large images, slow, several at once: together they open no more
        than one alone may, but for what is on its way when another begins."""
        scene = self.scene()
        running, most = set(), [0]
        lock = threading.Lock()

        def blob(data):
            def before(request):
                with lock:
                    running.add(request.connection)
                    most[0] = max(most[0], len(running))
            return Reply(data, before=before, drip=(1 << 16, 0.004))

        refs = ["lab/tool:%d" % number for number in range(4)]
        for number, ref in enumerate(refs):
            data = images.sif(12 << 20, seed=number, payload=images.pattern)
            scene.image(ref, data, blob(data))
        result = scene.run("-j4", "--connections", "4", *refs)
        self.assertExit(result, 0)
        # One each, and those of the manifests; four each would be 16.
        self.assertLessEqual(most[0], 8)

    def test_twins_are_pulled_once(self):
        scene = self.scene()
        found = self.publish(scene, 2)
        refs = list(found)
        result = scene.run(refs[0], refs[1], refs[0], refs[1], refs[1], "-v")
        self.assertExit(result, 0)
        self.assertEqual(result.lines, [name_of(ref) for ref in refs])
        self.assertEqual(len(scene.blobs()), 2)
        self.assertSays(result, "3 references are there twice",
                        "2 images: 2 installed")

    def test_patience_is_for_others(self):
        """--wait 0 does not make one reference of a call fail the other."""
        scene = self.scene()
        data = images.sif(1 << 20, payload=images.pattern)
        scene.image("lab/tool:1.0", data, Reply(data, drip=(1 << 15, 0.01)))
        scene.image("lab/tool:latest", data,
                    Reply(data, drip=(1 << 15, 0.01)))
        result = scene.run("--wait", "0", "lab/tool:1.0", "lab/tool:latest")
        self.assertExit(result, 0)
        self.assertAll(scene, {"lab/tool:1.0": data, "lab/tool:latest": data})
        self.assertEqual(len(scene.blobs()), 1, result)

    def test_one_blob_under_two_names(self):
        """Whether the second comes after the first or beside it."""
        for jobs in ("1", "2"):
            with self.subTest(jobs):
                scene = self.scene()
                data = images.sif(1 << 20, payload=images.pattern)
                first = Reply(data, drip=(1 << 16, 0.01))
                scene.image("lab/tool:1.0", data, first)
                scene.image("lab/tool:latest", data)
                result = scene.run("-j", jobs, "--json", "lab/tool:1.0",
                                   "lab/tool:latest")
                self.assertExit(result, 0)
                self.assertAll(scene, {"lab/tool:1.0": data,
                                       "lab/tool:latest": data})
                self.assertEqual(len(scene.blobs()), 1, result)
                sent = [json.loads(line)["transferred"]
                        for line in result.lines]
                self.assertEqual(sorted(sent), [0, len(data)])

    def test_a_twin_that_was_changed(self):
        """A known file that is another by now is no source of bytes."""
        scene, gate = self.scene(), Gate()
        data = images.sif(1 << 18)
        scene.image("lab/tool:1.0", data)
        scene.image("lab/tool:latest", data)
        scene.image("lab/other:1", images.sif(seed=7),
                    Reply(images.sif(seed=7), gate=gate))
        process = scene.start("-j1", "lab/tool:1.0", "lab/other:1",
                              "lab/tool:latest")
        gate.wait_reached()
        with open(scene.path("tool_1.0.sif"), "r+b") as file:
            file.seek(1000)
            file.write(b"changed")
        gate.open()
        result = spull.finish(process)
        self.assertExit(result, 0)
        self.assertImage(scene.path("tool_latest.sif"), data)
        self.assertSays(result, "downloading it afresh")
        # It is to blame, not the server, which had sent nothing of that.
        self.assertRegex(result.err, "warning: tool_1.0.sif: digest mismatch")

    def test_json(self):
        scene = self.scene()
        found = self.publish(scene, 3)
        scene.manifest("lab/tool:9", not_found())
        scene.on("/lab/tool/manifests/9/index.html", not_found())
        self.list_of(scene, "lab/tool:9\n" + "\n".join(found))
        result = scene.run("--json", "-f", "images.txt")
        self.assertExit(result, 3)
        objects = {}
        for line in result.lines:
            one = json.loads(line)
            objects[one["reference"]] = one
        self.assertEqual(sorted(objects), sorted([*found, "lab/tool:9"]))
        failed = objects.pop("lab/tool:9")
        self.assertEqual((failed["state"], failed["status"]), ("failed", 3))
        self.assertEqual([failed[name] for name in (
            "path", "digest", "size", "url", "transferred")],
            ["tool_9.sif", None, None, None, 0])
        self.assertIsInstance(failed["seconds"], float)
        for ref, one in objects.items():
            self.assertEqual(one["path"], name_of(ref))
            self.assertEqual(one["digest"],
                             "sha256:" + images.sha256(found[ref]))
            self.assertEqual(one["size"], len(found[ref]))
            self.assertEqual(one["transferred"], len(found[ref]))
            self.assertEqual(one["state"], "installed")
            self.assertIn("/blobs/", one["url"])
            self.assertIsInstance(one["seconds"], float)

    def test_progress_of_all(self):
        scene = self.scene()
        found = self.publish(scene, 6)
        ours, theirs = os.pipe()
        process = scene.start(*found, "--progress-fd", theirs,
                              pass_fds=[theirs])
        os.close(theirs)
        with os.fdopen(ours) as file:
            seen = [json.loads(line) for line in file]
        self.assertExit(spull.finish(process), 0)
        for ref in found:
            self.assertEqual([one["phase"] for one in seen
                              if one["reference"] == ref][-1], "installing")

    def test_progress_on_what_can_not_be_written_to(self):
        """Who asks for it expects something of it."""
        scene = self.scene()
        ref, = self.publish(scene, 1)
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        for fd, says in ((ours, "is not open for writing"),
                         (theirs, "is not open")):
            with self.subTest(says):
                os.set_inheritable(fd, True)
                if fd == theirs:
                    os.close(theirs)
                result = scene.run("--progress-fd", fd, ref,
                                   pass_fds=[ours])
                self.assertFails(result, 2, "descriptor %d %s" % (fd, says))
                self.assertFiles(scene)

    def test_progress_that_nobody_reads(self):
        """It is left out, and holds nothing up."""
        for jobs in (1, 4):
            with self.subTest(jobs=jobs):
                scene = self.scene()
                found = self.publish(scene, 6)
                ours, theirs = os.pipe()
                self.addCleanup(os.close, ours)
                os.set_blocking(theirs, False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        os.write(theirs, b"x")
                os.set_blocking(theirs, True)
                process = scene.start("-j", jobs, *found, "--progress-fd",
                                      theirs, pass_fds=[theirs])
                os.close(theirs)
                self.assertExit(spull.finish(process), 0)

    def test_quiet(self):
        scene = self.scene()
        found = self.publish(scene, 3)
        result = scene.run("-q", *found)
        self.assertEqual((result.code, result.err), (0, ""))

    def test_resolve_asks_once(self):
        """However often it is there, and whatever comes of it; each line has
        its own answer all the same."""
        scene = self.scene()
        found = self.publish(scene, 2)
        scene.manifest("lab/tool:9", not_found())
        good, other = sorted(found)
        self.list_of(scene, "\n".join([good, "lab/tool:9 # gone",
                                       good + " # again", other, "lab/tool:9",
                                       good]))
        result = scene.run("resolve", "-f", "images.txt")
        self.assertExit(result, 3)
        pin = "%s@sha256:" + images.sha256(found[good])
        self.assertEqual(result.lines[0], pin % good)
        self.assertEqual(result.lines[1], "# not resolved: lab/tool:9 # gone")
        self.assertEqual(result.lines[2], pin % good + " # again")
        self.assertEqual(result.lines[4], "# not resolved: lab/tool:9")
        self.assertEqual(result.lines[5], pin % good)
        self.assertSays(result, "images.txt:2: lab/tool:9",
                        "images.txt:5: lab/tool:9")
        self.assertNotIn("memory", result.err)
        asked = [request.path for request in scene.requests()]
        self.assertEqual(len([path for path in asked
                              if path.endswith("/9/")]), 1, asked)
        self.assertEqual(len(set(asked)), len(asked), asked)

    def test_one_has_no_summary(self):
        scene = self.scene()
        found = self.publish(scene, 1)
        self.list_of(scene, *found)
        self.assertNotIn("images:", scene.run("-f", "images.txt").err)

    def test_log_lines_are_whole(self):
        """Many threads, one log: each line by itself, two for each image."""
        scene = self.scene()
        found = self.publish(scene, 40)
        result = scene.run("-j16", *found)
        self.assertExit(result, 0)
        lines = result.err.splitlines()
        for line in lines[:-1]:
            self.assertRegex(line, r"^spull: lab/tool:\d+: (downloading 3\d\.\d"
                             r" KiB|3\d\.\d KiB in .*, verified)$")
        self.assertEqual(len(lines), 81)


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
        self.wait_for("bytes on disk", lambda: sum(
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
        self.wait_for("all images", lambda: len(
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
        end = time.monotonic() + PATIENCE
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
