#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a server says in place of the blob, and how long it says that it is."""

import re

from harness import registry, servers
from harness.case import main
from harness.engine import CUT, MIB, NAME, REF, SIZE, Blob, sent
from harness.faults import DATA, HOW, LAST, SMALL, Table, busy
from harness.servers import Reply, redirect


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


if __name__ == "__main__":
    main()
