# SPDX-License-Identifier: MIT
"""The cases: what is served how, who takes part, and what spull promises."""

from contestants import aria2c_names

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

# For any image size and any number of connections.
PEAK_MAX = 24 * MIB
# How far peaks at different sizes may be apart.
PEAK_SPREAD_MAX = MIB

PLAIN = ["curl -o", "curl, jq, sha256sum", "wget"]
# No peer, but what a peer could reach: see probe.c.
PROBE = ["probe"]
ARIA2 = aria2c_names(1, 4, 8, 16, check=False) + \
    aria2c_names(1, 4, 8, 16, check=True)
VERIFIED = aria2c_names(4, 8, 16, check=True)
# Where one connection needs minutes, one contestant shows it.
SPLIT = aria2c_names(4, 8, 16, check=False) + VERIFIED


class Limit:
    """spull takes at most so much of the time of the best of these."""

    def __init__(self, at_most, *peers):
        self.at_most = at_most
        self.peers = peers


class Case:
    """One race.

    text    what it is, for people
    server  "nginx", "https", "http2", "capped", "wire", or None
    out     "tmpfs" or "disk"
    peers   who runs against spull
    limits  what the issue promises
    size    of the image; --size overrides it, unless sizes are the point
    sizes   several images, of which only spull gets each (sparse)
    loss    on the wire, each way
    repeat  rounds for one that others have, where one run is short
    count   of images in a list, or of documents; 0: one image
    """

    def __init__(self, name, text, server="nginx", out="tmpfs", peers=(),
                 limits=(), size=GIB, sizes=(), loss=0.0, repeat=1,
                 racer="spull", count=0):
        self.name = name
        self.text = text
        self.server = server
        self.out = out
        self.peers = list(peers)
        self.limits = limits
        self.size = size
        self.sizes = sizes
        self.loss = loss
        self.repeat = repeat
        self.racer = racer
        self.count = count

    def needed(self):
        """The peers that a limit names, and the probe."""
        return [peer for peer in self.peers if peer in PROBE or
                any(peer in limit.peers for limit in self.limits)]


LISTS = ["curl -Z -K", "curl -Z -K, sha256sum -c", "aria2c -i -j8",
         "aria2c -i -j8, checksums"]
WIRE_LIMITS = (Limit(1.0, *VERIFIED), Limit(1.0, "curl -o"))

CASES = [
    Case("loopback-http-tmpfs", "http over loopback, to RAM",
         peers=PLAIN + PROBE + ARIA2,
         limits=(Limit(1.08, "curl -o"), Limit(0.3, "curl, jq, sha256sum"))),
    Case("loopback-http-disk", "http over loopback, to disk", out="disk",
         peers=PLAIN + PROBE + ARIA2,
         limits=(Limit(0.9, "curl -o"), Limit(0.3, "curl, jq, sha256sum"))),
    Case("loopback-http-disk-sync",
         "http over loopback, to disk, flushed at the end", out="disk",
         peers=["curl -o && sync"], limits=(Limit(0.85, "curl -o && sync"),)),
    Case("loopback-https-tmpfs", "https (HTTP/1.1) over loopback, to RAM",
         server="https", peers=PLAIN + PROBE + ARIA2,
         limits=(Limit(1.05, "curl -o"),)),
    Case("loopback-https-disk", "https (HTTP/1.1) over loopback, to disk",
         server="https", out="disk", peers=PLAIN + PROBE + ARIA2,
         limits=(Limit(1.05, "curl -o"),)),
    Case("loopback-https2-tmpfs", "https (HTTP/2 offered) over loopback",
         server="http2", peers=["curl -o", "aria2c -x1"]),
    Case("capped", "a server that caps each connection", server="capped",
         peers=PLAIN + ARIA2 + ["aria2c -x8 --file-allocation=none"],
         size=256 * MIB,
         limits=(Limit(1.1, "aria2c -x8"),
                 Limit(0.75, "aria2c -x8 --checksum"),
                 Limit(0.18, "curl -o"))),
    Case("delay80", "a long wire", server="wire", size=256 * MIB,
         peers=PLAIN + ARIA2, limits=WIRE_LIMITS),
    Case("delay80-loss", "a long wire that loses packets", server="wire",
         size=256 * MIB, peers=["curl -o"] + SPLIT, limits=WIRE_LIMITS,
         loss=0.001),
    Case("tiny", "manifest and image, over one connection", size=KIB,
         peers=["curl, two URLs"], limits=(Limit(1.15, "curl, two URLs"),),
         repeat=10),
    Case("many-images", "a list of 200 images, to RAM", racer="spull -f",
         size=MIB, count=200, repeat=2, peers=LISTS,
         limits=(Limit(1.3, "curl -Z -K"),
                 Limit(0.5, "curl -Z -K, sha256sum -c"),
                 Limit(0.25, "aria2c -i -j8"))),
    Case("many-images-disk", "the same to disk", out="disk",
         racer="spull -f", size=MIB, count=200, peers=LISTS),
    Case("many-resolves", "1000 manifests, from one list",
         racer="spull resolve -f", size=KIB, count=1000, repeat=2,
         peers=["curl -K"], limits=(Limit(0.6, "curl -K"),)),
    Case("startup", "start, say a version, end", server=None,
         racer="spull --version", peers=["curl --version"],
         limits=(Limit(1.0, "curl --version"),), repeat=30),
    Case("memory", "peak memory at three sizes (sparse files)", out="disk",
         sizes=(MIB, GIB, 8 * GIB)),
]
