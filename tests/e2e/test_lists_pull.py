#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All images of a list in one call."""

import contextlib
import json
import os
import threading

from harness import images, registry, spull
from harness.case import main
from harness.lists import Lists, name_of
from harness.servers import Gate, Reply, not_found, page


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
        self.until("the last one", lambda: os.path.exists(
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


if __name__ == "__main__":
    main()
