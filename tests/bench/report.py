# SPDX-License-Identifier: MIT
"""From samples to medians, ratios and verdicts; as Markdown and as JSON."""

import statistics

from cases import PEAK_MAX, PEAK_SPREAD_MAX

MIB = 1 << 20
HEADER = ("| contestant | runs | median s | min | max | spull takes | limit "
          "| CPU s | peak MiB |\n"
          "|---|--:|--:|--:|--:|--:|---|--:|--:|")


def size_text(size):
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return "%g %s" % (round(size / unit, 2), name)
    return "%d bytes" % size


def seconds_text(seconds):
    digits = 4 if seconds < 0.1 else 3 if seconds < 10 else 1
    return "%.*f" % (digits, seconds)


def median(row):
    return statistics.median(sample.seconds for sample in row.samples)


def peak(row):
    return max(sample.peak for sample in row.samples)


class Verdict:
    """One limit: in whose row it stands, what it says, whether it holds."""

    def __init__(self, row, text, ok):
        self.row = row
        self.text = text
        self.ok = ok

    def __str__(self):
        return "%s %s" % (self.text, "ok" if self.ok else "**FAIL**")


class Outcome:
    """All that a case came to."""

    def __init__(self, case, images, note, rows, absent, account):
        self.case = case
        self.images = images
        self.note = note
        self.rows = rows
        self.absent = absent
        self.account = account
        self.unchecked = []
        self.ours = [row for row in rows if row.name == case.racer]
        self.verdicts = [Verdict(row, "", False) for row in self.ours
                         if row.failure]
        if not self.verdicts:
            self.judge()

    def judge(self):
        for limit in self.case.limits:
            rows = [row for row in self.rows
                    if row.name in limit.peers and row.samples]
            if rows:
                self.judge_ratio(limit, min(rows, key=median))
            else:
                self.unchecked += limit.peers
        for row in self.ours:
            self.verdicts.append(Verdict(
                row, "<= %d MiB" % (PEAK_MAX // MIB), peak(row) <= PEAK_MAX))
        if len(self.ours) > 1:
            peaks = [peak(row) for row in self.ours]
            self.verdicts.append(Verdict(
                self.ours[-1],
                "all within %d MiB" % (PEAK_SPREAD_MAX // MIB),
                max(peaks) - min(peaks) <= PEAK_SPREAD_MAX))

    def judge_ratio(self, limit, best):
        text = "<= %.2f" % limit.at_most
        if len(limit.peers) > 1:
            text += " of the best of %d" % len(limit.peers)
        self.verdicts.append(Verdict(
            best, text, self.ratio(best) <= limit.at_most))

    def ratio(self, row):
        """What spull takes of another's time."""
        return median(self.ours[0]) / median(row)

    def sound(self):
        return all(verdict.ok for verdict in self.verdicts)

    def line(self, row):
        name = row.name
        if len(self.ours) > 1:
            name += ", " + size_text(row.image.size)
        if row.failure:
            return "| %s | %d | failed: %s | | | | %s | | |" % (
                name, len(row.samples), row.failure.replace("|", "\\|"),
                "**FAIL**" if row in self.ours else "")
        times = [sample.seconds for sample in row.samples]
        compared = row not in self.ours and self.ours[0].samples
        cells = [name, "%d" % len(times), seconds_text(median(row)),
                 seconds_text(min(times)), seconds_text(max(times)),
                 "%.2f" % self.ratio(row) if compared else "",
                 ", ".join(str(v) for v in self.verdicts if v.row is row),
                 seconds_text(statistics.median(
                     sample.cpu for sample in row.samples)),
                 "%.1f" % (peak(row) / MIB)]
        return "| %s |" % " | ".join(cells)

    def markdown(self):
        title = self.case.name
        if len(self.images) == 1:
            title += ", " + size_text(self.images[0].size)
        words = [self.case.text, self.note, self.account]
        text = "### %s\n\n%s.\n\n%s\n%s\n" % (
            title, "; ".join(word for word in words if word), HEADER,
            "\n".join(self.line(row) for row in self.rows))
        if self.absent:
            text += "\nNot here: %s.\n" % ", ".join(self.absent)
        if self.unchecked:
            text += "\n**Not checked**, for lack of %s.\n" % \
                ", ".join(self.unchecked)
        return text

    def data(self):
        return {
            "case": self.case.name,
            "note": self.note,
            "relay": self.account,
            "absent": self.absent,
            "unchecked": self.unchecked,
            "rows": [{
                "contestant": row.name,
                "size": row.image.size if row.image else None,
                "failure": row.failure,
                "runs": [vars(sample) for sample in row.samples],
                "limits": [{"limit": v.text, "ok": v.ok}
                           for v in self.verdicts if v.row is row],
            } for row in self.rows],
        }


def machine_markdown(machine, quick):
    text = "\n".join("- %s: %s" % pair for pair in machine)
    if quick:
        text += "\n- `--quick`: few rounds and small images; the verdicts " \
            "are hints"
    return text + "\n"
