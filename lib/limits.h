/* SPDX-License-Identifier: MIT */
/*
 * limits.h: every maximum and timeout, one reason each.
 *
 * A server, a file or an argument that wants more gets an error, not memory.
 */
#ifndef SP_LIMITS_H
#define SP_LIMITS_H

#define SP_KIB ((uint64_t)1 << 10)
#define SP_MIB ((uint64_t)1 << 20)
#define SP_GIB ((uint64_t)1 << 30)
#define SP_TIB ((uint64_t)1 << 40)

/* A reference: a URL that servers take (8000 octets, RFC 9110 section 4.1)
 * would not fit a line of text; nobody types more than this. */
#define SP_REF_MAX 2048

/* One component of a reference becomes a folder and a part of a file name:
 * NAME_TAG.sif has two of them, and NAME_MAX is 255. */
#define SP_COMPONENT_MAX 120

/* Levels of namespace: real registries use two, some five. */
#define SP_COMPONENTS_MAX 16

/* A URL: RFC 9110 section 4.1 asks for 8000 octets; signed ones reach 2 KiB. */
#define SP_URL_MAX 8000

/* A manifest is under 1 KiB, a web page that answers for it some 10 KiB, a tag
 * list with 10,000 tags some 300 KiB. Counted after decompression. */
#define SP_DOCUMENT_MAX (4 * SP_MIB)

/* Nesting of JSON: manifests have 4 levels. cJSON recurses per level. */
#define SP_JSON_DEPTH_MAX 32

/* Values in one JSON document: a full tag list, and then some. cJSON takes 64
 * bytes for each, so that 4 MiB of zeros would take 128 MiB. */
#define SP_JSON_VALUES_MAX 200000

/* Tags of one container: the busiest public ones have some thousand. */
#define SP_TAGS_MAX 100000

/* What is told of one document: who wrote it will look at it all after the
 * first few. */
#define SP_FINDINGS_MAX 100

/* Mirrors of one blob: more would only delay the final "not found". */
#define SP_URLS_MAX 16

/* An image: no file system in use at a centre holds a larger file. */
#define SP_IMAGE_MAX (16 * SP_TIB)

/* du(1) rounds up to blocks: with sizes in KiB, this much may be too many. */
#define SP_DU_EXCESS_MAX (64 * SP_KIB)

/* Bytes at the start of an image that tell what it is: tar has its magic at
 * 257, ext3 at 1080, a web page its first tag after comments. */
#define SP_LOOK_BYTES 2048

/* An image that is unpacked, unless the options say otherwise: twice the
 * largest that anybody is known to share, and a disk that is full notices. */
#define SP_UNPACK_MAX (64 * SP_GIB)

/* How many times its archive's size an image may have, where the manifest does
 * not say how large it is. Images are compressed inside: 3 is much for them,
 * and an ext3 image with its free space reaches 100. Zeros reach 1,030 in gzip
 * and more than 10,000 elsewhere. What is small may be as empty as it likes. */
#define SP_UNPACK_RATIO 256
#define SP_UNPACK_FREE  (64 * SP_MIB)

/* What else a compressed tar may hold: a read-me, check sums, padding. */
#define SP_UNPACK_BESIDE_MAX (16 * SP_MIB)

/* Files and folders in an archive that is there for one of them. */
#define SP_UNPACK_ENTRIES_MAX 1000

/* A header of a tar, which libarchive reads into memory and takes apart: of a
 * map of holes, each 4 bytes become 48, and a list of rights takes the square
 * of its length. And all headers together: 1,000 entries with extended ones
 * take three quarters of it. */
#define SP_UNPACK_HEADER_MAX  (512 * SP_KIB)
#define SP_UNPACK_HEADERS_MAX (2 * SP_MIB)

/* The list at the end of a zip, which is read into memory: 1,000 entries of
 * ordinary names take a tenth of it. */
#define SP_UNPACK_LIST_MAX SP_MIB

/* What a decoder may want to remember: xz -9 uses 64 MiB, and libzstd allows
 * this much. */
#define SP_UNPACK_WINDOW_MAX (128 * SP_MIB)

/* Redirects for one request: a slash, a CDN, a signed URL; loops end here. */
#define SP_REDIRECTS_MAX 10

/* What the name of a header is made of (RFC 9110, section 5.6.2: token). */
#define SP_HEADER_NAME_CHARACTERS                                              \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"           \
    "!#$%&'*+-.^_`|~"

/* The head of one response: signed cookies and policies reach 16 KiB. */
#define SP_HEAD_MAX (64 * SP_KIB)

/* Body of a redirect or an error page, read so that the connection can be
 * used again; a longer one costs a new connection. */
#define SP_DISCARD_MAX (256 * SP_KIB)

/* Files that a session remembers to have seen, to copy instead of loading them
 * again: all of a long list, in some 200 bytes each. */
#define SP_KNOWN_MAX 1024

/* What a session remembers of directories that it looked through: a list goes
 * to one or to a few, and an earlier run left as many parts as it had jobs. It
 * does so for MS milliseconds, in which it does not see what others leave. */
#define SP_LEFT_FOLDERS_MAX 16
#define SP_LEFT_LABELS_MAX  256
#define SP_LEFT_MS          60000

/* Seconds. A document that takes longer than this is a server that drips. */
#define SP_DOCUMENT_SECONDS 120

/* Seconds to reach a server: DNS with one dead resolver takes 10. */
#define SP_CONNECT_SECONDS 30

/* A transfer is stalled when it stays under this rate (bytes a second) for
 * this long (seconds): slow is fine, dead is not. */
#define SP_STALL_RATE    1024
#define SP_STALL_SECONDS 30

/* What one read of a socket or one write to the partial file carries, at most.
 * Each connection takes twice that of memory. */
#define SP_CHUNK (64 * SP_KIB)

/* What the hash reads at a time: it stays in a core's own cache next to what
 * else is there. Four times as much costs a twentieth of a whole fetch. */
#define SP_HASH_CHUNK (64 * SP_KIB)

/* How far the frontier moves before the hash is woken: each time costs more
 * than a system call, and this much is hashed in a fraction of a millisecond.
 */
#define SP_HASH_STEP (256 * SP_KIB)

/* By how much the hash is nicer than what receives. On two processors that a
 * server and TLS share with it, 3 takes a tenth off the time and leaves at most
 * some 30 MiB for the end; with 5 it was 400 MiB in one run of ten, with 10 in
 * every third. */
#define SP_STEP_BACK 3

/* A wait that is shorter than this is not worth a countdown. */
#define SP_COUNTDOWN_MS 3000

/* Below this, a size in a manifest is more likely one in KiB than an image of
 * so few bytes: the smallest that hold a system have some hundred KiB, and the
 * largest in use have less than as many KiB. */
#define SP_SIZE_DOUBTFUL SP_MIB

/* Redirects of a blob that are still no detour: a mirror, a CDN, a signed URL.
 */
#define SP_REDIRECTS_USUAL 3

/* What check keeps in mind of blobs, so that each is asked for once: some 300
 * bytes for each. More are asked for again where they are named again. */
#define SP_CHECK_BLOBS_MAX 100000

/* Visits of a check that are done and not told yet, since one in front of them
 * takes longer: some hundred KiB each, if there is much to tell. */
#define SP_CHECK_AHEAD 32

/* Documents and blobs that it asks for at once, unless the options say so. It
 * is enough to keep a link busy with small answers (tests/bench), and no more
 * than a browser or two would ask for. */
#define SP_CHECK_JOBS     8
#define SP_CHECK_JOBS_MAX 16

/* What the progress of a check says it waits for: a terminal's line, and more.
 */
#define SP_CHECK_NOTE 512

/* Folders that check looks into, of a registry on disk: a link or a mount that
 * leads to a whole file system ends here. */
#define SP_CHECK_FOLDERS_MAX 1000000

/* Connections for one blob: more than this is an attack on most servers. */
#define SP_CONNECTIONS_MAX 16

/* Servers that were found to speak HTTP/2 alone: few registries have blobs on
 * as many. */
#define SP_HTTP2_ALONE_MAX 16

/* Connections that are kept though nothing runs over them: those of a session
 * with a registry's host and a few that have the blobs. */
#define SP_IDLE_CONNECTIONS 64

/* The default: see tests/bench for what more would bring. */
#define SP_CONNECTIONS 16

/* A blob below this comes over one connection: a second one would still be
 * opening when the first is done. */
#define SP_SPLIT_MIN (8 * SP_MIB)

/* The first span: its answer tells the size and what the server can do. */
#define SP_SPAN_FIRST (4 * SP_MIB)

/* A span of less than this costs more in requests than it evens out. Spans end
 * at multiples of it, which are stripes on Lustre. */
#define SP_SPAN_MIN SP_MIB

/* What may be under way at once ahead of the frontier: the hash has to do that
 * much when the last byte arrives, at over 1 GiB a second. */
#define SP_SPAN_WINDOW (64 * SP_MIB)

/* Milliseconds that a span should take: longer ones keep the frontier, and the
 * hash behind it, waiting; shorter ones are mostly requests. */
#define SP_SPAN_MS 500

/* The end of a slow connection's span is taken away if it would need longer
 * than this (milliseconds) and has more left than this (bytes). */
#define SP_STEAL_MS  300
#define SP_STEAL_MIN (64 * SP_KIB)

/* Milliseconds of silence after which all that a lane still has is given to an
 * idle one. Doubles each time, lest a server that thinks for long before each
 * answer be asked again and again. */
#define SP_SILENT_LANE_MS 1000

/* Milliseconds without a byte of the body after which another URL is asked
 * instead, if there is one: longer than most servers think. Doubles each time.
 */
#define SP_PATIENCE_MS 3000

/* Hosts that a session remembers to have asked in vain, and for how many
 * milliseconds: a list of images needs minutes, an outage seldom less. */
#define SP_HOSTS_MAX 32
#define SP_HOSTS_MS  300000

/* Milliseconds without any answer after which a host is lost: a server has
 * started anew by then, and a network found another way. */
#define SP_LOST_MS 120000

/* Milliseconds to connect, at most, where there is little hope or need: a dead
 * name server (resolv.conf(5)) takes 5000 of it. */
#define SP_HURRY_MS 10000

/* Milliseconds over which a number of connections is judged, at least: shorter
 * than a blob of SP_SPLIT_MIN takes on most links, longer than a burst. */
#define SP_PACE_WINDOW_MS 100

/* Milliseconds: over a round trip of this, the ramp of one connection takes so
 * long that others are opened before its rate says anything. */
#define SP_PACE_LONG_MS 40

/* Milliseconds before a number of connections that brought nothing is tried
 * again, the first time; it doubles up to about the last. */
#define SP_PACE_PAUSE_MS     500
#define SP_PACE_PAUSE_MAX_MS 60000

/* Tries that bring nothing, in a row, before a URL counts as dead. */
#define SP_RETRIES 5

/* After a failure, SOME new bytes start the count of tries anew; GOOD ones save
 * the wait, too. */
#define SP_PROGRESS_SOME (4 * SP_KIB)
#define SP_PROGRESS_GOOD SP_MIB

/* Bytes a second: the rate at which what is on disk might come again, where a
 * server that sends only the whole could give it, and another one that could go
 * on does not answer. No link of a centre is slower, most are faster. */
#define SP_COME_AGAIN_RATE (8 * SP_MIB)

/* Milliseconds in which nothing came to those who wait for another process,
 * before they give up hope: a journal is written each second, read each two,
 * and by an NFS client some seconds late. */
#define SP_VAIN_MS 10000

/* Waits before another try, in milliseconds: SOON at most after some progress;
 * else FIRST, and doubling up to MAX. What a server asks for in Retry-After is
 * honoured up to AFTER_MAX. */
#define SP_RETRY_SOON_MS      100
#define SP_RETRY_FIRST_MS     1000
#define SP_RETRY_MAX_MS       60000
#define SP_RETRY_AFTER_MAX_MS 300000

/* Bytes after which write-back to disk is started, so that the flush at the
 * end finds little left to do. */
#define SP_WRITEBACK (8 * SP_MIB)

/* Milliseconds between two journals of a partial file: what a killed process
 * may have to fetch again. And its maximum: a line is 48 bytes, and there are
 * never more spans than connections and breaks. */
#define SP_JOURNAL_MS  1000
#define SP_JOURNAL_MAX (64 * SP_KIB)

/* What is set aside of a disk that may fill up, for two journals of some ten
 * spans each, whatever blocks they take. */
#define SP_JOURNAL_ROOM (16 * SP_KIB)

/* Milliseconds between two beats of a leader that makes no progress, and after
 * which a silent one is deposed: a network file system may show a change as
 * late as 60 s after it was made (nfs(5), acdirmax). */
#define SP_BEAT_MS    5000
#define SP_SILENCE_MS 90000

/* Links of dead leaders that can't be removed, and are passed by: each takes a
 * user of a sticky directory whose task was killed there. */
#define SP_LEADS_ASIDE 8

/* Milliseconds between two looks at the leader: the least and the most. Between
 * the two it is a fifth of the time waited so far, so that nobody is late by
 * more than that. */
#define SP_POLL_FIRST_MS 50
#define SP_POLL_MAX_MS   2000
#define SP_POLL_SHARE    5

/* Days after which a partial file that nobody takes up is removed. */
#define SP_KEEP_DAYS   7
#define SP_DAY_SECONDS 86400

/* A partial file with less than this is not worth a later process's while. */
#define SP_KEEP_MIN (64 * SP_KIB)

/* Blobs of a mirror: a prune keeps 96 bytes for each. Docker Hub's official
 * images have some 100,000. */
#define SP_MIRROR_BLOBS_MAX 1000000

/* Levels of folders in a mirror: a container, "manifests", a tag. */
#define SP_MIRROR_DEPTH_MAX (SP_COMPONENTS_MAX + 2)

/* Seconds after which a temporary document is a dead process's: to write one
 * takes as long as a flush. */
#define SP_MIRROR_DOCUMENT_SECONDS 3600

/* How often a blob is brought that somebody removes before it is named. */
#define SP_MIRROR_ROUNDS 3

/* How often who lacks room looks whether the leader that it has deposed has an
 * image after all, and milliseconds between: what it takes to wake up and to
 * rename a file. */
#define SP_FULL_LOOKS   4
#define SP_FULL_REST_MS 1000

/* Milliseconds between two calls of the progress callback. */
#define SP_TICK_MS 100

/* Milliseconds: no shorter tick, and no care for a shorter round trip. */
#define SP_TICK_MIN_MS 5

#endif
