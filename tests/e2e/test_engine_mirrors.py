#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several URLs for one blob, of which some fail, lie or are slow."""

import itertools
import os
import threading

from harness import images, registry, servers, spull
from harness.case import main
from harness.engine import (CUT, MIB, PACE, REF, SIZE, Blob, Engine, Pull,
                            image, put_down, sent)
from harness.faults import DATA, HOW, LIES, OTHER, busy
from harness.servers import Gate, Reply


class Mirrors(Engine):
    """Some urls for one blob. A row is a label and a function that makes
    their replies from what an ordinary one is like."""

    def pulls(self, rows, connections=(1, 4)):
        for label, make in rows:
            for number in connections:
                scene = self.scene()
                urls = [scene.blob(blob, path="/blobs/%d" % index)
                        for index, blob in enumerate(make(HOW[number]))]
                scene.image(data=DATA, urls=urls, size="bytes")
                yield Pull({"what": label}, scene, DATA,
                           ("--retries", "1"), number)

    def table(self, rows, check, **more):
        def check_all(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            check(pull)

        self.side_by_side(self.pulls(rows, **more), check_all)

    def assertServed(self, pull, *paths):
        for path in paths:
            self.assertGreater(sent(pull.scene.requests(path)), 0)

    def test_the_first_one_fails(self):
        """What came of it is built upon; only the rest is asked of the
        next."""
        def check(pull):
            self.assertSent(pull, more=CUT)
            self.assertServed(pull, "/blobs/0", "/blobs/1")

        self.table([("%d at %d" % (status, byte),
                     lambda how, byte=byte, status=status: [
                         Blob(DATA, **how).fault(byte, cut=True, after={
                             "status": status}),
                         Blob(DATA, etag='"other"', **how)])
                    for byte in (MIB, SIZE // 2)
                    for status in (403, 404)], check)

    def test_the_first_one_is_not_there(self):
        def check(pull):
            self.assertSent(pull, more=CUT)
            self.assertEqual(len(pull.scene.requests("/blobs/0")), 1)

        self.table([(str(status), lambda how, status=status: [
            Blob(DATA, status=status), Blob(DATA, **how)])
            for status in (401, 403, 404, 410)], check)

    def test_one_lies(self):
        """Bad bytes of one condemn no other."""
        bit = DATA[:100] + bytes([DATA[100] ^ 1]) + DATA[101:]
        lies = [("other bytes", lambda how: Blob(OTHER, **how)),
                ("one bit", lambda how: Blob(bit, **how)),
                ("longer", lambda how: Blob(OTHER + bytes(5000), **how)),
                ("shorter", lambda how: Blob(OTHER[:-5000], **how)),
                ("a web page", lambda how: servers.html("Expired"))]
        rows = []
        for label, lie in lies:
            rows += [
                (label + " first", lambda how, lie=lie: [
                    lie(how), Blob(DATA, **how)]),
                (label + " second", lambda how, lie=lie: [
                    Blob(DATA, **how), lie(how)]),
                (label + " between", lambda how, lie=lie: [
                    Blob(DATA, status=404), lie(how), Blob(DATA, **how)])]
        self.table(rows, lambda pull: self.assertSent(pull, more=3 * SIZE))

    def test_another_length(self):
        """Who disagrees with one that has brought bytes is dropped, and
        nothing else: it has brought none."""
        def check(pull):
            self.assertSent(pull, more=CUT)
            self.assertNotIn(None, pull.asked)
            self.assertServed(pull, "/blobs/0")
            self.assertGreater(len(pull.scene.requests("/blobs/1")), 0)

        self.table([(label, lambda how, other=other: [
            Blob(DATA, **how), Blob(other, etag='"other"', **how)])
            for label, other in (("longer", OTHER + bytes(5000)),
                                 ("shorter", OTHER[:-5000]))], check,
            connections=(4,))

    def test_one_knows_no_ranges(self):
        """That is its own affair: what others have brought stays, and they
        bring the rest over several connections."""
        def check(pull):
            # The one that is of no use may be stopped in what it sends.
            good = pull.scene.requests("/blobs/0")
            self.assertSent(pull, more=CUT)
            self.assertGreater(len(pull.scene.requests("/blobs/1")), 0)
            self.assertGreater(len(good), 1)
            self.assertNotIn(None, [request.range for request in good])
            self.assertGreater(len({request.connection
                                    for request in good}), 1)

        lies = dict(LIES)
        self.table([(label, lambda how, other=other: [
            Blob(DATA, **how), Blob(DATA, **dict(how, **other))])
            for label, other in (
                ("200", {"ranges": "ignore"}), ("416", {"ranges": "refuse"}),
                ("501", {"status": 501}),
                ("other bytes", {"shown": lies["another start"]}),
                ("no range", {"shown": lies["nothing"]}))], check,
            connections=(4,))

    def test_one_changes(self):
        """Others have what it had, and nothing begins again."""
        def changing(how):
            tags = itertools.count()
            return lambda request: Reply(DATA, **dict(
                how, etag='"%d"' % next(tags), ranges="honour"))

        def check(pull):
            self.assertSent(pull, more=CUT)
            self.assertNotIn(None, [request.range for request in
                                    pull.scene.requests("/blobs/0")])

        self.table([("each time", lambda how: [
            Blob(DATA, **how), changing(how)])], check, connections=(4,))

    def test_the_one_that_was_contradicted_is_left(self):
        """Who was dropped for not being like another one is better than none,
        when that one is lost."""
        def changing(how):
            tags = itertools.count()
            return lambda request: Reply(DATA, **dict(
                how, etag='"%d"' % next(tags)))

        def lost(how):
            return Blob(DATA, **how).fault(8 * MIB, cut=True,
                                           after={"status": 403})

        def lying(how):
            return Blob(DATA, **dict(
                how, shown=dict(LIES)["another start"]))

        rows = []
        for label, other in (("changes", changing), ("lies", lying)):
            rows += [(label + " first", lambda how, other=other: [
                         other(how), lost(how)]),
                     (label + " second", lambda how, other=other: [
                         lost(how), other(how)])]
        self.table(rows, lambda pull: self.assertSent(pull, more=SIZE + CUT))

    def test_the_only_one_with_ranges_is_lost(self):
        """Then the other one's whole does as well."""
        def check(pull):
            self.assertServed(pull, "/blobs/0", "/blobs/1")
            self.assertSent(pull, more=SIZE + CUT)

        self.table([("403", lambda how: [
            Blob(DATA, **how).fault(6 * MIB, cut=True, after={"status": 403}),
            Blob(DATA, **dict(how, ranges="ignore"))])], check)

    def test_the_best_one_is_busy(self):
        """Nobody waits for one address while another one would answer."""
        def check(pull):
            self.assertServed(pull, "/blobs/1")
            self.assertEqual(len(pull.scene.requests("/blobs/0")), 1)

        self.table([("for long", lambda how: [
            busy(503, "300"), Blob(DATA, **how)])], check)

    def test_the_best_one_is_busy_and_the_other_breaks(self):
        """Nor does one stream of the whole wait for it, when it was cut."""
        def check(pull):
            self.assertSent(pull, more=5 * MIB + CUT)
            self.assertEqual(len(pull.scene.requests("/blobs/0")), 1)

        self.table([("for long", lambda how: [
            busy(503, "300"), Blob(DATA, ranges="ignore").fault(
                5 * MIB, cut=True)])], check)

    def test_halves(self):
        """Each has a half that it does not send; together they have all. Who
        says 404 is not asked again, so the order counts."""
        def without(first, end, how):
            def reply(request):
                if first <= request.first < end:
                    return servers.html("Lost", 404)
                more = {"cut": first - request.first} \
                    if request.first < first else {}
                return Reply(DATA, etag='"1"', **dict(how, **more))
            return reply

        def check(pull):
            self.assertSent(pull, more=2 * CUT)
            self.assertServed(pull, "/blobs/0", "/blobs/1")

        half = SIZE // 2
        self.table([("one each", lambda how: [
            without(half, SIZE, how), without(0, half, how)])], check,
            connections=(1,))
        self.table([("the second has all", lambda how: [
            without(half, SIZE, how), Blob(DATA, **how)])], check)

    def test_shared(self):
        """Mirrors that agree serve spans together, each held to its own
        validator."""
        def check(pull):
            self.assertSent(pull, more=CUT)
            if pull.connections == 1:
                return
            self.assertServed(pull, "/blobs/0", "/blobs/1")
            for request in pull.scene.requests("/blobs/1"):
                self.assertIn(request.header("If-Range"), (None, '"other"'))

        self.table([("both", lambda how: [
            Blob(DATA, **how), Blob(DATA, etag='"other"', **how)])], check)

    def test_all_lie(self):
        def check(pull, result):
            self.assertFails(result, 5, "expected", images.sha256(DATA))
            self.assertFiles(pull.scene)

        self.side_by_side(self.pulls([("both", lambda how: [
            Blob(OTHER, **how), Blob(image(SIZE, seed=2), **how)])]), check)

    def test_all_fail(self):
        """The last one's answer is the answer."""
        def check(pull, result):
            self.assertFails(result, 6, "403", "/blobs/1", "404")
            self.assertFiles(pull.scene)

        self.side_by_side(self.pulls([("both", lambda how: [
            Blob(DATA, status=404), Blob(DATA, status=403)])]), check)


class Silent(Engine):
    """Who accepts a connection and says nothing, as a host that is gone never
    says anything."""

    def between(self, data, *waits):
        """A scene whose URLs wait so many seconds before each answer; None:
        for ever."""
        scene, end = self.scene(), threading.Event()
        self.addCleanup(end.set)
        urls = [scene.blob(Reply(data, etag='"1"',
                                 before=lambda _, wait=wait: end.wait(wait)),
                           path="/blobs/%d" % index)
                for index, wait in enumerate(waits)]
        scene.image(data=data, urls=urls, size="bytes")
        return scene

    def test_the_first_one(self):
        """Nobody waits until it is certain that it is gone."""
        rows = [("large", SIZE, ("--connections", "4")),
                ("one connection", SIZE, ("--connections", "1")),
                ("small", MIB, ())]
        scenes = [self.between(image(size), None, 0) for _, size, _ in rows]
        pulls = [scene.start("-v", *args, REF)
                 for scene, (_, _, args) in zip(scenes, rows)]
        for scene, process, (label, size, _) in zip(scenes, pulls, rows):
            self.addCleanup(put_down, process)
            with self.subTest(label):
                result = spull.finish(process)
                self.assertPulled(scene, result, image(size))
                self.assertSays(result, "/blobs/0: silent for 3 s")
                self.assertEqual(len(scene.requests("/blobs/0")), 1)

    def test_of_a_list(self):
        """It is waited for once, not once for each image."""
        scene, end = self.scene(), threading.Event()
        gone = servers.FaultServer().start()
        self.addCleanup(gone.stop)
        self.addCleanup(end.set)
        for number in range(6):
            data = image(MIB, seed=number)
            gone.on("/%d" % number, Reply(before=lambda _: end.wait()))
            good = scene.blob(Reply(data), path="/blobs/%d" % number)
            scene.image("vanessa/greeting:%d" % number, data,
                        urls=[gone.url("/%d" % number), good])
        result = scene.run("--jobs", "1", *(
            "vanessa/greeting:%d" % number for number in range(6)))
        self.assertExit(result, 0)
        self.assertEqual(len(gone.requests("/")), 1)

    def test_the_second_one(self):
        """One connection is all that it costs."""
        scene = self.between(DATA, 0, None)
        scene.blob(Reply(DATA, etag='"1"', drip=PACE), path="/blobs/0")
        result = scene.run("--connections", "4", REF)
        self.assertPulled(scene, result, DATA)
        self.assertEqual(len(scene.requests("/blobs/1")), 1)
        self.assertGreater(len(scene.requests("/blobs/0")), 3)

    def test_the_next_one_takes_its_time(self):
        """Its answer's head is enough to ask it for more."""
        scene, gate = self.between(DATA, None, 0), Gate(0)
        scene.blob(Reply(DATA, etag='"1"', gate=gate), path="/blobs/1")
        self.addCleanup(gate.open)
        process = scene.start("--connections", "4", REF)
        self.addCleanup(put_down, process)
        gate.wait_reached()
        self.until("more is asked for",
                   lambda: len(scene.requests("/blobs/")) > 2)
        gate.open()
        self.assertPulled(scene, spull.finish(process), DATA)
        self.assertEqual(len(scene.requests("/blobs/0")), 1)

    def test_the_other_one_lies(self):
        """Then the one that was passed over is asked after all."""
        scene = self.between(image(MIB), 4, 0)
        scene.blob(Reply(image(MIB, seed=1)), path="/blobs/1")
        self.assertPulled(scene, scene.run(REF), image(MIB))

    def test_the_other_one_is_a_file(self):
        """In a registry on disk."""
        scene = self.between(image(MIB), None)
        tree = scene.cwd + "-tree"
        folder = os.path.join(tree, "lab/solver/manifests/v1")
        os.makedirs(folder)
        with open(os.path.join(tree, "blob"), "wb") as file:
            file.write(image(MIB))
        with open(os.path.join(folder, "index.html"), "wb") as file:
            file.write(registry.manifest_of(image(MIB), [
                self.server.url(scene.prefix + "/blobs/0"),
                "../../../../blob"], size="bytes"))
        result = scene.run("--stall-timeout", "600", "-r", tree,
                           "lab/solver:v1")
        self.assertExit(result, 0)
        self.assertImage(scene.path("solver_v1.sif"), image(MIB))

    def test_all_think_for_long(self):
        """Each is given more time than before."""
        scene = self.between(image(MIB), 4, 4)
        self.assertPulled(scene, scene.run(REF), image(MIB))


if __name__ == "__main__":
    main()
