#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A blob that is another one from one answer to the next, or seems to be."""

import itertools

from harness.case import main
from harness.engine import CUT, MIB, SIZE
from harness.faults import DATA, HOW, LAST, OTHER, Table
from harness.servers import Reply


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


if __name__ == "__main__":
    main()
