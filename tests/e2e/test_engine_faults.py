#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every fault of the fault server, met with one connection and with four."""

import email.utils
import itertools
import os
import re
import time

from harness import images, registry, servers, spull
from harness.case import main
from harness.engine import (CUT, MIB, NAME, PACE, REF, SIZE, Blob, Engine,
                            Pull, image, put_down, sent)
from harness.relay import Relay
from harness.servers import Gate, Reply, redirect

DATA = image(SIZE)
OTHER = image(SIZE, seed=1)
SMALL = image(300000)
LAST = SIZE - 1
# One connection takes what it can get; four have to be worth it.
HOW = {1: {}, 4: {"drip": PACE}}


def busy(status, value):
    """Come again; a number is so many seconds from now, as a date."""
    if isinstance(value, int):
        value = email.utils.formatdate(time.time() + value, usegmt=True)
    return Reply(status=status, headers=[("Retry-After", value)])


class Table(Engine):
    def pulls(self, rows, *args, connections=(1, 4), **more):
        """A pull for each row and number of connections. A row is a label
        and a function of a fresh Blob, which gives it its faults."""
        for label, give in rows:
            for number in connections:
                blob = Blob(DATA, **HOW[number])
                give(blob)
                yield self.pull({"what": label}, blob, number, *args, **more)


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
        with open(os.path.join(scene.folder, "err"), "w+b") as log:
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
    LIES = [
        ("another start", lambda first, last, size:
         "bytes %d-%d/%d" % (first + 1, last, size)),
        ("an earlier start", lambda first, last, size:
         "bytes %d-%d/%d" % (first - 1, last, size)),
        ("from 0", lambda first, last, size: "bytes 0-%d/%d" % (last, size)),
        ("another end", lambda first, last, size:
         "bytes %d-%d/%d" % (first, last - 1, size)),
        ("moved", lambda first, last, size:
         "bytes %d-%d/%d" % (first + 1, last + 1, size + 1)),
        ("another total", lambda first, last, size:
         "bytes %d-%d/%d" % (first, last, size + 1)),
        ("a total of 0", lambda first, last, size:
         "bytes %d-%d/0" % (first, last)),
        ("no total", lambda first, last, size:
         "bytes %d-%d/*" % (first, last)),
        ("backwards", lambda first, last, size:
         "bytes %d-%d/%d" % (last, first, size)),
        ("another unit", lambda first, last, size:
         "pages %d-%d/%d" % (first, last, size)),
        ("2^64", lambda first, last, size:
         "bytes %d-18446744073709551616/%d" % (first, size)),
        ("2^64 - 1", lambda first, last, size:
         "bytes %d-18446744073709551615/%d" % (first, size)),
        ("nonsense", lambda first, last, size: "bytes"),
        ("nothing", lambda first, last, size: None),
    ]

    def test_wrong_content_range(self):
        """No byte lands where it does not belong; the whole does as well."""
        self.side_by_side(self.pulls([
            (label, lambda blob, lie=lie: blob.fault(
                2 * MIB, cut=True, after={"shown": lie}))
            for label, lie in self.LIES]), self.check_right)

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
            for label, lie in self.LIES], connections=(4,)), check)

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


class Versions(Table):
    """The blob changes while it comes. The new one is what is wanted."""

    def changes(self, old, cut=5 * MIB, **new):
        return lambda blob: (
            blob.change(**old), blob.fault(cut, cut=True,
                                           after=dict(new, data=DATA)))

    def check(self, pull, result):
        self.assertPulled(pull.scene, result, DATA)
        self.assertSent(pull, more=SIZE + CUT)

    def test_changes(self):
        dates = [[("Last-Modified", "Tue, 01 Jan 2019 00:00:0%d GMT" % n)]
                 for n in (1, 2)]
        self.side_by_side(self.pulls([
            ("the ETag", self.changes({"data": OTHER}, etag='"2"')),
            ("the ETag, soon", self.changes({"data": OTHER}, 1, etag='"2"')),
            ("the ETag, late", self.changes({"data": OTHER}, LAST,
                                            etag='"2"')),
            ("it gets one", self.changes({"data": OTHER, "etag": None},
                                         etag='"2"')),
            ("it loses it", self.changes({"data": OTHER}, etag=None)),
            ("the date", self.changes(
                {"data": OTHER, "etag": None, "headers": dates[0]},
                headers=dates[1])),
            ("it was longer", self.changes({"data": OTHER + bytes(1000)},
                                           etag='"2"')),
            ("it was shorter", self.changes({"data": OTHER[:-1000]},
                                            etag='"2"')),
            ("it was longer, no ETag", self.changes(
                {"data": OTHER + bytes(1000), "etag": None}, etag=None)),
            ("it was shorter, no ETag", self.changes(
                {"data": OTHER[:-1000], "etag": None}, etag=None)),
        ], "--retries", "2", size=(SIZE + 32768) // 1024, data=DATA),
            self.check)

    def test_a_strong_etag_says_all(self):
        """The same one with another date is the same version, and so is one
        without, as answers to If-Range should be (RFC 9110, 15.3.7)."""
        def date(number):
            return [("Last-Modified", "Tue, 01 Jan 2019 00:00:0%d GMT"
                     % number)]

        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSent(pull, more=CUT)

        self.side_by_side(self.pulls([
            (label, lambda blob, later=later: (
                blob.change(headers=date(1)),
                blob.fault(5 * MIB, cut=True, after={
                    "headers": later})))
            for label, later in (("another date", date(2)), ("none", []))],
            "--retries", "1"), check)

    def test_hosts_with_validators_of_their_own(self):
        """Behind one name, for the same bytes: the digest makes it safe. Bytes
        that came before this showed are all that is lost."""
        def hosts(date, **how):
            hosts = itertools.count()

            def reply(_):
                host = next(hosts) % 3
                return Reply(DATA, **dict(
                    how, etag=None if date else '"%d"' % host,
                    headers=[("Last-Modified", "Tue, 01 Jan 2019 00:00:0%d "
                              "GMT" % host)]))
            return reply

        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertNotIn("afresh", result.err)
            asked = pull.scene.blobs()
            self.assertNotIn(None, [one.range for one in asked])
            self.assertGreater(len({one.connection for one in asked[-4:]}), 1)
            self.assertSent(pull, more=4 * MIB)

        self.side_by_side([
            self.pull({"date": date}, hosts(date, **HOW[4]), 4, "-v",
                      "--retries", "1", data=DATA) for date in (True, False)],
            check)

    def test_hosts_of_their_own_and_cuts(self):
        """One connection goes on as well, wherever it is cut."""
        def hosts():
            hosts, cuts = itertools.count(), [MIB, 2 * MIB, 3 * MIB, 4 * MIB]

            def reply(_):
                how = {"cut": cuts.pop(0)} if cuts else {}
                return Reply(DATA, etag='"%d"' % next(hosts), **how)
            return reply

        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSays(result, "changed meanwhile; taking the whole")
            # Each cut is that many bytes behind where the answer begins.
            self.assertEqual([one.first // MIB for one in pull.scene.blobs()],
                             [0, 1, 2, 5])

        self.side_by_side([self.pull({}, hosts(), 1, "-v", "--retries", "1",
                                     data=DATA)], check)

    def test_hosts_of_which_one_is_late(self):
        """It has other bytes, and says so. What was mixed is found out, and
        after that nothing is."""
        def hosts(how):
            hosts = itertools.count()

            def reply(_):
                late = next(hosts) in (1, 2, 3, 4)
                return Reply(OTHER if late else DATA, **dict(
                    how, etag='"1"' if late else '"2"'))
            return reply

        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSent(pull, more=2 * SIZE)

        self.side_by_side([self.pull({}, hosts(HOW[number]), number, "-v",
                                     "--retries", "1", data=DATA)
                           for number in (1, 4)], check)

    def test_if_range_is_never_weak(self):
        """RFC 9110, section 13.1.5: a weak one says nothing of bytes."""
        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSent(pull, more=CUT)
            self.assertIfRange(pull, None)

        self.side_by_side(self.pulls([
            ("weak", lambda blob: (blob.change(etag='W/"1"'),
                                   blob.fault(5 * MIB, cut=True)))]), check)

    def test_unnoticed_change(self):
        """No validator, same length: the digest finds out, and all comes
        once more."""
        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSent(pull, more=2 * SIZE)

        self.side_by_side(self.pulls([
            ("same length", self.changes({"data": OTHER, "etag": None},
                                         etag=None))],
            data=DATA), check)


class Statuses(Table):
    def test_once_then_fine(self):
        rows = [(str(status), lambda blob, status=status: blob.fault(
            0, status=status))
            for status in (408, 425, 429, 500, 502, 503, 504)]
        rows += [("%d after a cut" % status, lambda blob, status=status: (
            blob.fault(2 * MIB, cut=True),
            blob.fault(LAST - 1, status=status)))
            for status in (429, 503)]

        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSent(pull, more=CUT)

        self.side_by_side(self.pulls(rows, "--retries", "1"), check)

    def test_documents(self):
        """The same for the manifest."""
        pulls = []
        for status in (408, 425, 429, 500, 502, 503, 504):
            pull = self.pull({"status": status}, Blob(SMALL), 1,
                             "--retries", "1")
            text = registry.manifest_of(SMALL, [pull.scene.blob(Blob(SMALL))])
            pull.scene.manifest(REF, servers.html("Busy", status),
                                servers.page(text))
            pulls.append(pull)
        self.side_by_side(pulls, lambda pull, result: self.assertPulled(
            pull.scene, result, SMALL))

    FINAL = [(401, 6), (403, 6), (404, 3), (410, 3)]

    def test_final(self):
        """One request, and no other."""
        for status, code in self.FINAL:
            def check(pull, result, status=status, code=code):
                self.assertFails(result, code, str(status))
                self.assertEqual(len(pull.asked), 1)
                self.assertFiles(pull.scene)

            self.side_by_side(self.pulls([
                (str(status), lambda blob, status=status: blob.change(
                    status=status))], "--retries", "5"), check)

    def test_final_after_a_cut(self):
        """What came is kept for a later run."""
        for status, code in self.FINAL:
            def check(pull, result, status=status, code=code):
                self.assertFails(result, code, str(status))
                self.assertUnnamed(pull.scene)
                statuses = [request.status for request in pull.scene.blobs()]
                self.assertEqual(statuses.count(status), 1, statuses)

            self.side_by_side(self.pulls([
                (str(status), lambda blob, status=status: blob.fault(
                    3 * MIB, cut=True, after={"status": status}))],
                "--retries", "5", connections=(1,)), check)

    def test_budget(self):
        """N tries more, whatever the failure is."""
        def check(pull, result):
            self.assertFails(result, 4, "503")
            self.assertEqual(len(pull.asked), pull.label["tries"])

        self.side_by_side([
            self.pull({"tries": number + 1}, Blob(SMALL, status=503), 1,
                      "--retries", number) for number in (0, 1, 2)], check)

    def test_retry_after(self):
        """What was waited is what -v says. A date is made for each answer;
        one that is past asks for nothing."""
        def check(pull, result):
            self.assertPulled(pull.scene, result, SMALL)
            self.assertRegex(result.err, pull.label["says"])

        self.side_by_side([
            self.pull({"status": status, "says": says},
                      [lambda _, status=status, value=value: busy(status,
                                                                  value),
                       Reply(SMALL)], number, "-v", "--retries", "1",
                      "--max-time", "20", data=SMALL)
            for status in (429, 503) for number in (1, 4)
            for value, says in (("1", r"again in 1\.[01] s"),
                                (3, r"again in [23]\.\d s"),
                                (-60, r"again in [01]\.\d s"),
                                ("0", r"again in [01]\.\d s"),
                                ("-5", r"again in [01]\.\d s"),
                                ("soon", r"again in [01]\.\d s"))], check)

    def test_retry_after_has_a_maximum(self):
        """300 s, and a tenth at random."""
        def check(pull, result):
            self.assertFails(result, 4, "not done after 1 seconds")
            self.assertRegex(result.err, r"again in 3[0-3]\d\.\d s")
            self.assertEqual(len(pull.asked), 1)

        self.side_by_side([
            self.pull({"value": value}, busy(503, value), 1, "-v",
                      "--retries", "1", "--max-time", "1", data=SMALL)
            for value in ("301", "999999999", 86400 * 365)], check)

    def test_redirect_loop(self):
        """Ten hops, and not once more for --retries."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene = self.scene()
                loop = scene.on("/blobs/loop", redirect("loop"))
                scene.image(data=DATA, urls=[loop])
                self.assertFails(scene.run("--connections", number,
                                           "--retries", "5", REF), 4,
                                 "redirect")
                self.assertEqual(len(scene.blobs()), 11)
                self.assertFiles(scene)

    def test_redirected(self):
        """Each span is asked of the address in the manifest: what it leads
        to may be a signed one that has expired meanwhile."""
        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            hops = pull.scene.requests("/signed")
            self.assertEqual(len(pull.asked), len(hops))
            self.assertGreater(len(hops), 1)
            self.assertLessEqual(sent(hops), SIZE + CUT * len(hops))

        pulls = []
        for number in (1, 4):
            blob = Blob(DATA, **HOW[number]).fault(5 * MIB, cut=True)
            pull = self.pull({}, redirect("SIGNED"), number, "--retries", "2",
                             data=DATA)
            url = pull.scene.on("/signed", blob)
            pull.scene.on("/blobs/vanessa/greeting/latest",
                          redirect(url + "?signature=1"),
                          redirect(url + "?signature=2"))
            pulls.append(pull)
        self.side_by_side(pulls, check)


class Lengths(Table):
    def test_lies(self):
        """The head says another length than the manifest: no byte is sent
        for nothing."""
        for length in (SIZE - 100000, SIZE + 1, 1 << 50, (1 << 63) - 1):
            def check(pull, result):
                self.assertFails(result, 5, "size")
                self.assertEqual(len(pull.asked), 1)
                self.assertFiles(pull.scene)

            self.side_by_side(self.pulls([
                (str(length), lambda blob, length=length: blob.change(
                    length=length, ranges="ignore"))], "--retries", "5",
                "--stall-timeout", "5"), check)

    def test_longer_than_it_is(self):
        """The server says more than it sends, again and again."""
        def check(pull, result):
            self.assertExit(result, 0)
            self.assertImage(pull.scene.path(NAME), DATA)

        self.side_by_side(self.pulls([
            ("closed early", lambda blob: (
                blob.fault(5 * MIB, cut=True, after={"etag": '"1"'}),
                blob.fault(6 * MIB, cut=True)))]), check)

    def test_shorter_span_than_asked_for(self):
        """A server may send less of a range than was asked for (RFC 9110,
        section 15.3.7); the rest is asked for again."""
        def shorten(most):
            def reply(request):
                asked = re.match(r"bytes=(\d+)-(\d+)", request.range or "")
                if asked is None:
                    return Reply(DATA, cut=most, etag='"1"')
                first = int(asked.group(1))
                last = min(int(asked.group(2)), first + most - 1)
                body = DATA[first:last + 1]
                return Reply(body, 206, etag='"1"', headers=[
                    ("Content-Range", "bytes %d-%d/%d" % (first, last,
                                                          SIZE))])
            return reply

        def check(pull, result):
            self.assertPulled(pull.scene, result, DATA)
            self.assertSent(pull, more=CUT)

        self.side_by_side([
            self.pull({}, shorten(MIB), number, "--retries", "2", data=DATA)
            for number in (1, 4)], check)


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

        lies = dict(Ranges.LIES)
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
                how, shown=dict(Ranges.LIES)["another start"]))

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


if __name__ == "__main__":
    main()
