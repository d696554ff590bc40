#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Answers that are allowed, or nearly so, and seldom met."""

from harness.case import main
from harness.engine import (CUT, MIB, PACE, SIZE, Blob, Engine,
                            image, sent)
from harness.servers import Reply

DATA = image(SIZE)
LAST = SIZE - 1
HOW = {1: {}, 4: {"drip": PACE}}


class Answers(Engine):
    def table(self, rows, check, *args, connections=(1, 4), **more):
        def pulls():
            for label, give in rows:
                for number in connections:
                    blob = Blob(DATA, **HOW[number])
                    give(blob)
                    yield self.pull({"what": label}, blob, number,
                                    "--retries", "2", "-v", *args, **more)

        self.side_by_side(pulls(), check)

    def check_right(self, pull, result):
        self.assertPulled(pull.scene, result, DATA)


class Framing(Answers):
    """Where a body ends (RFC 9112, section 6.3)."""

    def test_chunks_count_more_than_a_length(self):
        def framed(length, **more):
            return lambda blob: blob.change(length="chunked", headers=[
                ("Content-Length", length)], **more)

        self.table([
            ("the truth", framed(SIZE)),
            ("too small", framed(1000)),
            ("too large", framed(SIZE + 1)),
            ("0", framed(0)),
            ("no ranges, too small", framed(1000, ranges="ignore")),
            ("no ranges, too large", framed(2 * SIZE, ranges="ignore")),
        ], self.check_right)

    def test_endless(self):
        """A body without a length that is longer than the image may be."""
        def endless():
            while True:
                yield bytes(1 << 16)

        def check(pull, result):
            self.assertFails(result, 5, "size mismatch", "more than")
            self.assertFiles(pull.scene)
            # And what the kernel had taken before we hung up.
            self.assertLess(sent(pull.scene.blobs()), 4 * SIZE)

        for length in ("chunked", None):
            self.side_by_side(
                [self.pull({"length": str(length)}, Reply(endless,
                                                          length=length),
                           number, "--retries", "2", "--strict-size", data=DATA)
                 for number in (1, 4)], check)

    def test_more_than_the_span(self):
        """Chunked, a span may go on; what follows is not asked for."""
        def reply(request):
            if request.range is None:
                return Reply(DATA, etag='"1"')
            first, last = (int(n) for n in request.range[6:].split("-"))
            return Reply(DATA[first:] + bytes(MIB), 206, etag='"1"',
                         length="chunked", drip=PACE, headers=[
                (("Content-Range", "bytes %d-%d/%d" % (first, last, SIZE)))])

        self.side_by_side([self.pull({}, reply, 4, "--retries", "2",
                                     data=DATA)], self.check_right)

    def test_http_1_0(self):
        """Ranges and connections that end, or are kept, as 1.0 has them."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertSent(pull, more=2 * CUT)

        keep = [("Connection", "keep-alive")]
        self.table([
            ("ends", lambda blob: blob.change(version="1.0", length=None)),
            ("ends, length", lambda blob: blob.change(
                version="1.0", headers=[("Connection", "close")])),
            ("kept", lambda blob: blob.change(version="1.0", headers=keep)),
            ("kept, cut", lambda blob: blob.change(
                version="1.0", headers=keep) or blob.fault(
                    5 * MIB, cut=True)),
        ], check)


class Partial(Answers):
    def test_multipart(self):
        """What one range can't be (RFC 9110, section 15.3.7.2)."""
        def parts(request, first, last):
            mark = b"\r\n--x\r\nContent-Range: bytes %d-%d/%d\r\n\r\n" % (
                first, last, SIZE)
            return mark + DATA[first:last + 1] + b"\r\n--x--\r\n"

        def reply(shown, length):
            def one(request):
                if request.range is None:
                    return Reply(DATA, etag='"1"', cut=2 * MIB)
                first, last = (int(n) for n in request.range[6:].split("-"))
                headers = [("Content-Range", "bytes %d-%d/%d" % (
                    first, last, SIZE))] if shown else []
                return Reply(parts(request, first, last), 206, headers,
                             type="multipart/byteranges; boundary=x",
                             etag='"1"', length=length)
            whole = []

            def all(request):
                if request.range is None:
                    whole.append(request)
                    if len(whole) > 1:
                        return Reply(DATA, etag='"1"')
                return one(request)
            return all

        self.side_by_side(
            [self.pull({"shown": shown, "length": str(length)},
                       reply(shown, length), number, "--retries", "2", "-v",
                       data=DATA)
             for shown in (False, True) for length in (True, "chunked", None)
             for number in (1, 4)], self.check_right)

    def test_encoded(self):
        """Content-Encoding is a name for what the bytes are: an archive.gz
        is often served with it, ranges and all."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertSent(pull, more=CUT)
        self.table([
            (word, lambda blob, word=word: blob.change(headers=[
                ("Content-Encoding", word)]) or blob.fault(5 * MIB, cut=True))
            for word in ("gzip", "x-gzip", "br", "nonsense", "identity")],
            check)

    def test_compressed(self):
        """Not asked for, and not what the manifest means."""
        def check(pull, result):
            self.assertFails(result, 5, "size mismatch", "Content-Encoding")
            self.assertFiles(pull.scene)

        self.table([
            (str(length), lambda blob, length=length: blob.change(
                gzip=True, ranges="ignore", length=length))
            for length in (True, "chunked", None)], check)

    def test_late_200(self):
        """In one stream from 0, however late it comes."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertSent(pull, more=SIZE + 2 * CUT)

        self.table([
            ("%d" % at, lambda blob, at=at: blob.fault(
                at, after={"ranges": "ignore"}))
            for at in (5 * MIB, 8 * MIB, LAST)], check, connections=(4,))


class Refused(Answers):
    def test_416(self):
        """Whatever total it names, the whole is asked for."""
        def check(pull, result):
            self.check_right(pull, result)
            self.assertSent(pull, more=SIZE + 2 * CUT)

        def refusal(total):
            return lambda blob: blob.fault(3 * MIB, cut=True).fault(
                4 * MIB, status=416, headers=[
                    ("Content-Range", "bytes */%s" % total)])

        self.table([(str(total), refusal(total)) for total in (
            SIZE, SIZE - 1, SIZE + 5, 0, 2**64, "*", "x")], check)

    def test_limited_rate(self):
        """One connection, whatever is asked for, and through all breaks."""
        data = image(300000)

        def check(pull, result):
            self.assertPulled(pull.scene, result, data)
            self.assertSays(result, "the rate is limited")

        blob = Blob(data)
        for byte in (50000, 100000, 200000):
            blob.fault(byte, cut=True)
        blob.fault(250000, status=503)
        self.side_by_side([self.pull({}, blob, 4, "-v", "--retries", "2",
                                     "--limit-rate", "200k")], check)


if __name__ == "__main__":
    main()
