#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connections that end or fall silent, and ranges that are not what was asked
for: with one connection and with four."""

import os
import time

from harness import images, servers, spull
from harness.case import main
from harness.engine import CUT, MIB, NAME, REF, SIZE, Blob, image, put_down
from harness.faults import DATA, LAST, LIES, SMALL, Table
from harness.relay import Relay
from harness.servers import Gate, Reply


class Interruptions(Table):
    CUTS = [("%s at %d" % (("reset" if reset else "closed"), byte),
             lambda blob, byte=byte, reset=reset:
             blob.fault(byte, cut=True, reset=reset))
            for byte in (0, 1, 4095, 4096, MIB, 4 * MIB, 5 * MIB + 1, LAST)
            for reset in (False, True)]

    def check_resumed(self, pull, result):
        self.assertPulled(pull.scene, result, pull.data)
        self.assertSent(pull, more=CUT)
        # A reset may overtake the head that it follows.
        reset = pull.label.get("what", "").startswith("reset")
        self.assertIfRange(pull, after=2 if reset else 1)

    def test_no_fault(self):
        """What the others are to be compared with."""
        def check(pull, result):
            self.assertPulled(pull.scene, result, pull.data)
            self.assertSent(pull)
            self.assertIfRange(pull)
            used = {request.connection for request in pull.scene.blobs()}
            if pull.connections == 1:
                self.assertEqual(pull.asked, [None])
            else:
                self.assertGreater(len(used), 1)

        self.side_by_side(self.pulls([("nothing", lambda blob: None)]), check)

    def test_cuts(self):
        self.side_by_side(self.pulls(self.CUTS, "--retries", "2"),
                          self.check_resumed)

    def test_what_is_asked_after_a_cut(self):
        """With one connection, exactly the bytes that did not come."""
        def check(pull, result):
            self.check_resumed(pull, result)
            byte = pull.label["byte"]
            self.assertEqual(pull.asked, [
                None, "bytes=%d-%d" % (byte, LAST) if byte else None])
            self.assertSent(pull)

        self.side_by_side(
            [self.pull({"byte": byte}, Blob(DATA).fault(byte, cut=True), 1,
                       "--retries", "2")
             for byte in (0, 1, 4096, 65537, MIB, LAST)], check)

    def test_many_cuts(self):
        """Each brings something, so none of them costs patience."""
        def give(blob):
            for byte in range(300000, SIZE, 600000):
                blob.fault(byte, cut=True)

        self.side_by_side(self.pulls([("many", give)], "--retries", "0"),
                          lambda pull, result: (
                              self.assertPulled(pull.scene, result, DATA),
                              self.assertSent(pull, more=CUT * 15),
                              self.assertIfRange(pull)))

    def test_no_patience_left(self):
        """--retries counts what brings nothing, and is given back by what
        brings something."""
        def check(pull, result):
            self.assertFails(result, 4, "127.0.0.1")
            self.assertEqual(
                [request.first for request in pull.scene.blobs()],
                [0, MIB, MIB])

        blob = Blob(DATA).fault(MIB, cut=True).fault(MIB, cut=True)
        blob.fault(MIB, cut=True)
        self.side_by_side([self.pull({}, blob, 1, "--retries", "1")], check)

    def test_silence(self):
        """A connection that says no more is left for another one."""
        rows = [("silent at %d" % byte,
                 lambda blob, byte=byte: blob.fault(byte, gate=True))
                for byte in (0, MIB, SIZE // 2, LAST)]

        def check(pull, result):
            self.check_resumed(pull, result)
            self.assertGreater(len(pull.asked), 1)
            if pull.connections == 1 and pull.label["what"] != rows[0][0]:
                self.assertEqual(pull.asked, [None, "bytes=%s-%d" % (
                    pull.label["what"].split()[-1], LAST)])

        self.side_by_side(self.pulls(rows, "--stall-timeout", "1",
                                     "--retries", "2"), check)

    def test_slow_is_not_silent(self):
        """2 KiB/s go on for longer than --stall-timeout; 0.2 KiB/s don't."""
        data = images.sif(5000)
        self.side_by_side([
            self.pull({"drip": drip, "code": code}, Blob(data, drip=drip),
                      number, "--stall-timeout", "1")
            for number in (1, 4)
            for drip, code in (((200, 0.1), 0), ((20, 0.1), 4))],
            lambda pull, result: self.assertExit(result, pull.label["code"]))

    def test_silence_while_others_are_idle(self):
        """No connection is idle while bytes are missing: who has nothing
        left takes over all that a silent one was to bring, and the stall
        timer has nothing to do."""
        def check(pull, result):
            self.check_resumed(pull, result)
            self.assertNotIn("too slow", result.err.lower())

        self.side_by_side(self.pulls([
            ("silent at %d" % byte, lambda blob, byte=byte: blob.fault(
                byte, gate=True)) for byte in (5 * MIB, LAST)],
            "-v", "--stall-timeout", "2", connections=(4,)), check)

    def test_silence_of_the_only_one(self):
        """A small blob has one connection, however long the way seems. That
        it says nothing for a while is no reason to ask for the same again."""
        scene, gate = self.scene(), Gate(MIB - 1000)
        data = scene.image(data=image(MIB), size="bytes", reply=Reply(
            image(MIB), gate=gate, before=lambda _: time.sleep(0.3)))
        process = scene.start(REF)
        self.addCleanup(put_down, process)
        gate.wait_reached()
        time.sleep(2)  # longer than a lane may be silent
        gate.open()
        self.assertPulled(scene, spull.finish(process), data)
        self.assertEqual(len(scene.blobs()), 1)

    def test_refused_then_up(self):
        """Nobody listens, for documents and for the blob; then somebody."""
        for what, number in (("document", 1), ("blob", 1), ("blob", 4)):
            with self.subTest(what, connections=number):
                self.refused_then_up(what, number)

    def refused_then_up(self, what, number):
        scene = self.scene()
        relay = Relay(self.server.port)
        self.addCleanup(relay.stop)
        data = scene.image(data=SMALL, urls=[relay.url(scene.prefix +
                                                       "/blobs/x")])
        scene.blob(Reply(data), path="/blobs/x")
        if what == "document":
            scene.env["SPULL_REGISTRY"] = relay.url(scene.prefix)
        # Appending, or what is read here would move where it writes.
        with open(os.path.join(scene.folder, "err"), "a+b") as log:
            process = scene.start("-v", "--retries", "3", "--connections",
                                  number, REF, stderr=log)
            self.addCleanup(process.communicate)
            self.until("a second try", lambda: log.seek(0) == 0 and
                       b"again in" in log.read())
            relay.start()
            out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(out.decode().split("\n"), [NAME, ""])
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)

    def test_never_up(self):
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        scene = self.scene()
        scene.image(data=SMALL, urls=["http://127.0.0.1:%d/x" % port])
        result = scene.run("-v", "--retries", "1", REF)
        self.assertFails(result, 4, "127.0.0.1:%d" % port)
        self.assertEqual(result.err.count("again in"), 1, result)
        self.assertFiles(scene)


class Ranges(Table):
    """Servers that know no ranges, or know them wrongly."""

    def check_right(self, pull, result):
        self.assertPulled(pull.scene, result, DATA)

    def test_ignored(self):
        """200 to a range: that is the blob, in one stream from 0."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertEqual(len(pull.asked), 1)
            self.assertSent(pull)

        self.side_by_side(self.pulls([
            ("ignored", lambda blob: blob.change(ranges="ignore")),
            ("ignored, chunked", lambda blob: blob.change(
                ranges="ignore", length="chunked")),
            ("ignored, no length", lambda blob: blob.change(
                ranges="ignore", length=None)),
            ("HTTP/1.0", lambda blob: blob.change(
                ranges="ignore", length=None, version="1.0")),
        ], size="kib"), check)

    def test_ignored_and_cut(self):
        """All is sent once more, and no more than that."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertEqual(len(pull.asked), 2)
            self.assertSent(pull, more=3 * MIB)

        self.side_by_side(self.pulls([
            ("closed", lambda blob: (blob.change(ranges="ignore"),
                                     blob.fault(3 * MIB, cut=True))),
            ("reset", lambda blob: (blob.change(ranges="ignore"),
                                    blob.fault(3 * MIB, cut=True,
                                               reset=True))),
            ("chunked", lambda blob: (blob.change(ranges="ignore",
                                                  length="chunked"),
                                      blob.fault(3 * MIB, cut=True))),
        ]), check)

    def test_ignored_from_now_on(self):
        """A server that knew ranges and forgets them: one stream from 0."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertSent(pull, more=SIZE + CUT)

        self.side_by_side(self.pulls([
            ("at %d" % byte, lambda blob, byte=byte: blob.fault(
                byte, cut=True, after={"ranges": "ignore"}))
            for byte in (MIB, 5 * MIB, LAST)]), check)

    # What Content-Range says instead of the truth.
    def test_wrong_content_range(self):
        """No byte lands where it does not belong; the whole does as well."""
        self.side_by_side(self.pulls([
            (label, lambda blob, lie=lie: blob.fault(
                2 * MIB, cut=True, after={"shown": lie}))
            for label, lie in LIES]), self.check_right)

    def test_wrong_content_range_at_once(self):
        """The same in the first answer; right ever after. A total is what
        the blob has, and may contradict the manifest."""
        def check(pull, result):
            if pull.label["what"] == "another total":
                self.assertFails(result, 5, "size", str(SIZE + 1))
            else:
                self.check_right(pull, result)

        self.side_by_side(self.pulls([
            (label, lambda blob, lie=lie: blob.fault(0, shown=lie))
            for label, lie in LIES], connections=(4,)), check)

    def test_416(self):
        """A range that was refused leaves the whole to be asked for."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertSent(pull, more=SIZE + CUT)
            # A request on its way when all began again may be noted late.
            self.assertIn(None, pull.asked)

        self.side_by_side(self.pulls([
            ("from the start", lambda blob: blob.change(ranges="refuse")),
            ("after a cut", lambda blob: blob.fault(
                3 * MIB, cut=True, after={"ranges": "refuse"})),
        ]), check)

    def test_416_to_everything(self):
        def check(pull, result):
            self.assertFails(result, 4, "416")
            self.assertFiles(pull.scene)
            self.assertLessEqual(len(pull.asked), 2)

        self.side_by_side(self.pulls([
            ("416", lambda blob: blob.change(status=416))],
            "--retries", "3"), check)


if __name__ == "__main__":
    main()
