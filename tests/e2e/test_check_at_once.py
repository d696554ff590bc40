#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull check: many requests at a time, and the same said in the same order."""

import os
import threading
import time

from harness import images, registry, spull
from harness.case import main
from harness.check import C, Check, layer
from harness.servers import Gate, Meeting, Reply, html, not_found, page


class AtOnce(Check):
    """Several are asked at once; the findings do not show it."""

    TAGS = ["%d" % number for number in range(40)]

    def connections(self, scene):
        return len({request.connection for request in scene.requests()})

    def many(self, scene, **more):
        """A container with a blob for each tag."""
        scene.tags(C, page(registry.tags_page(C, self.TAGS)))
        for tag in self.TAGS:
            scene.image("%s:%s" % (C, tag), images.sif(seed=int(tag)),
                        size="bytes", **more)

    def test_manifests(self):
        for jobs in (2, 8, 16):
            with self.subTest(jobs):
                scene, meeting = self.scene(), Meeting(jobs)
                scene.tags(C, page(registry.tags_page(C, self.TAGS)))
                for tag in self.TAGS:
                    scene.manifest("%s:%s" % (C, tag),
                                   page("-@", before=meeting))
                self.assertFinds(self.check(scene, "--jobs", jobs),
                                 *["E-tag-phantom"] * len(self.TAGS))
                self.assertTrue(meeting.met)
                self.assertEqual(self.connections(scene), jobs)

    def test_blobs(self):
        scene, meeting = self.scene(), Meeting(8)
        self.many(scene, reply=Reply(images.sif(), before=meeting))
        self.check(scene)
        self.assertTrue(meeting.met)
        self.assertEqual(self.connections(scene), 8)

    def test_lists(self):
        scene, meeting = self.scene(), Meeting(4)
        names = ["a/%s" % tag for tag in self.TAGS]
        for name in names:
            scene.tags(name, page(registry.tags_page(name, []),
                                  before=meeting))
        self.assertFinds(self.check(scene, "-j4", names=names))
        self.assertTrue(meeting.met)
        self.assertEqual(self.connections(scene), 4)

    def test_blobs_of_a_directory(self):
        """A tag in each of many containers, as in the first registry."""
        scene, meeting = self.scene(), Meeting(8)
        made = registry.Registry(os.path.join(self.folder, "registry"))
        for tag in self.TAGS:
            data = images.sif(seed=int(tag))
            url = scene.blob(Reply(data, before=meeting), path="/b/" + tag)
            made.add("lab/c%s:1" % tag, data, [url], size="bytes")
        self.assertFinds(scene.run("check", made.folder))
        self.assertTrue(meeting.met)
        self.assertEqual(self.connections(scene), 8)

    def test_one_at_a_time(self):
        scene = self.scene()
        self.many(scene)
        self.assertFinds(self.check(scene, "-j1"))
        self.assertEqual(self.connections(scene), 1)
        for jobs in ("0", "17"):
            self.assertFails(self.check(scene, "--jobs", jobs), 2, "jobs")

    def test_whole_blobs_one_by_one(self):
        """Starts side by side; what is long has the link for itself."""
        scene = self.scene()
        busy, most = [], []

        def reply(data):
            def body():
                busy.append(data)
                most.append(len(busy))
                yield data[:-1]
                busy.remove(data)
                yield data[-1:]

            return lambda request: Reply(data) if request.range else \
                Reply(body, length=len(data))

        scene.tags(C, page(registry.tags_page(C, self.TAGS)))
        for tag in self.TAGS:
            data = images.sif(seed=int(tag))
            scene.image("%s:%s" % (C, tag), data, reply(data), size="bytes")
        self.assertFinds(self.check(scene, "--deep"))
        self.assertEqual(most, [1] * len(self.TAGS))

    def test_order_is_that_of_the_list(self):
        """The first is the last to be answered."""
        scene = self.scene()
        last = threading.Event()
        self.many(scene, reply=not_found())
        for tag in self.TAGS[:7]:
            scene.image("%s:%s" % (C, tag), images.sif(seed=int(tag)),
                        html("No", 403, before=lambda _: last.wait(
                            spull.TIMEOUT)), size="bytes")
        scene.blob(not_found(), path="/blobs/%s/7" % C)
        scene.blob(html("Gone", 410, before=lambda _: last.set()),
                   path="/blobs/%s/20" % C)
        found = self.findings(self.check(scene, "-j8"))
        self.assertEqual([finding.place.split("/")[-2] for finding in found
                          if finding.code != "W-size-unit"], self.TAGS)
        self.assertEqual([finding.code for finding in found][:14:2],
                         ["E-blob-denied"] * 7)

    def test_output_is_that_of_one(self):
        """Same words, same order, same counts, whatever --jobs says."""
        scene = self.scene()
        tags = self.TAGS + ["none", "two words", "0"]
        data = images.sif()
        blobs = [scene.blob(Reply(data), path="/blobs/%d" % number)
                 for number in range(3)]
        scene.tags(C, page(registry.tags_page("a/b", tags)))
        for tag in self.TAGS:
            number = int(tag)
            scene.manifest("%s:%s" % (C, tag), page(registry.manifest_page([
                layer(len(data) + (number % 4 == 0), registry.digest_of(
                    data if number % 3 else data * 2),
                    blobs[:1 + number % 3] + [scene.base + "/no/" + tag])],
                registry.layer_page(None, None, None, registry.CONFIG))))
        for args in ((), ("--deep",), ("--json", "--deep"), ("--no-blobs",)):
            names = [C, "no/such", C, C + ":7"]
            one = self.check(scene, "-j1", *args, names=names)
            self.assertExit(one, 3)
            for jobs in ("3", "16"):
                many = self.check(scene, "-j", jobs, *args, names=names)
                self.assertEqual((many.code, many.out, many.err),
                                 (one.code, one.out, one.err))

    def test_does_not_run_away(self):
        """While nothing can be told, no more than so much is looked at."""
        scene = self.scene()
        tags = [str(number) for number in range(100)]
        scene.tags(C, page(registry.tags_page(C, tags)))
        gate = Gate()
        scene.manifest(C + ":0", page("-@", gate=gate))
        process = scene.start("check", scene.base, C)
        end = time.monotonic() + spull.TIMEOUT
        while len(self.asked(scene)) < 32 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)  # for those that must not come
        self.assertEqual(len(self.asked(scene)), 32)
        gate.open()
        self.assertFinds(spull.finish(process), *["E-tag-phantom"] * 100)

    @staticmethod
    def asked(scene):
        return {request.path for request in scene.requests()
                if "/manifests/" in request.path
                and not request.path.endswith("index.html")}

    def test_interrupted(self):
        """However many are waited for, it ends at once and by the signal."""
        scene = self.scene()
        gates = [Gate() for _ in self.TAGS]
        self.many(scene)
        for tag, gate in zip(self.TAGS, gates):
            self.addCleanup(gate.open)
            scene.blob(Reply(images.sif(), gate=gate),
                       path="/blobs/%s/%s" % (C, tag))
        process = scene.start("check", scene.base, C, "-j4")
        for gate in gates[:4]:
            gate.wait_reached()
        process.terminate()
        self.assertEqual(spull.finish(process).code, -15)
        self.assertEqual(len(scene.blobs()), 4)

    def test_one_request_for_a_blob_of_many(self):
        """Those who come for what is asked for already wait for the answer."""
        scene = self.scene()
        data = images.sif()
        gate = Gate()
        self.image(scene, Reply(data, gate=gate), data=data, tags=self.TAGS)
        process = scene.start("check", scene.base, C, "--deep")
        gate.wait_reached()
        gate.open()
        result = spull.finish(process)
        self.assertFinds(result)
        self.assertEqual(len(scene.blobs()), 2)
        self.assertSays(result, "40 manifests, 1 blob:")

    def test_lost_server_does_not_take_the_rest_along(self):
        """What was asked for after it is not told; other containers are."""
        scene = self.scene()
        scene.tags("a/b", page(registry.tags_page("a/b", self.TAGS)))
        scene.manifest("a/b:0", Reply(b"{", cut=0))
        self.many(scene)
        result = self.check(scene, "--retries", "0", names=["a/b", C])
        self.assertFinds(result, "E-unreachable", status=4)
        self.assertSays(result, "2 containers, 40 manifests, 40 blobs: 1 error")


if __name__ == "__main__":
    main()
