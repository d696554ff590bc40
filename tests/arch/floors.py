#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds #include against the house's plan: who may know whom.

Includes point downward; on floors 2 and up no room knows its neighbour; below
that they may, but not in a circle. A room is one file and its header, or
several: ROOM_*.c and ROOM_*.h, which only ROOM may include, but for those in
DOORS. A third-party library has its rooms. cli/ knows <spull.h> and itself.
"""
import re

import source

FLOORS = (
    ("words", "err buf limits folder hosts known left options ctx thread crew "
              "watch finding"),
    ("values", "ref url digest json manifest span sif head pace retry "
               "owner lint front"),
    ("world", "again http part proof store unpack"),
    ("steps", "registry fetch verify install"),
    ("orders", "pull upkeep"),
    ("works", "mirror check"),
    ("door", "spull"),
)
FLOOR_OF = {room: floor for floor, (_, rooms) in enumerate(FLOORS)
            for room in rooms.split()}

# Headers of a room beside ROOM.h that are for all who may include that.
DOORS = {"part_lead", "part_sealed", "part_sweep"}

# Which of our files may see a library's headers.
ROOMS_OF = {
    "curl/": {"lib/http", "lib/url"},
    "cjson/": {"lib/json", "cli/out"},
    "openssl/": {"lib/digest"},
    "archive": {"lib/unpack"},
}


def room_of(stem):
    """The room of a file in lib/: http for http_why; None: no room's."""
    if stem in FLOOR_OF:
        return stem
    room = stem.split("_")[0]
    return room if room in FLOOR_OF else None


def check_library(room, header, where):
    """Complains about one #include "header" in a file of a room."""
    stem = header[:-2]
    included = room_of(stem)
    if included == room:
        return None
    if included is None:
        return f"{where}: {header} is in no room of lib/"
    if included != stem and stem not in DOORS:
        return f"{where}: {header} is for {included} alone"
    mine, its = FLOOR_OF[room], FLOOR_OF[included]
    if its > mine:
        return (f"{where}: {room} (floor {mine}) includes {header} "
                f"(floor {its}): includes point downward")
    if its == mine and mine >= 2:
        return (f"{where}: {room} and {included} are neighbours on floor "
                f"{mine}, and may not know each other")
    return None


def check_foreign(room, header, where):
    for prefix, rooms in ROOMS_OF.items():
        if header.startswith(prefix) and room not in rooms:
            return (f"{where}: <{header}> belongs in "
                    f"{' and '.join(sorted(rooms))}")
    return None


def check_file(path, text):
    """Complaints about one file; path as in "lib/ref.c"."""
    folder, _, base = path.partition("/")
    stem = base[:-2]
    room = room_of(stem) if folder == "lib" else stem
    if room is None:
        return [f"{path}: no floor is named for it in tests/arch/floors.py"]
    found = source.includes(text)
    complaints = []
    for line, bracket, header in found:
        where = f"{path}:{line}"
        complaint = None
        if bracket == "<":
            complaint = check_foreign(f"{folder}/{room}", header, where)
        elif "/" in header:
            complaint = f"{where}: {header} is reached through a path"
        elif folder == "lib":
            complaint = check_library(room, header, where)
        if complaint:
            complaints.append(complaint)
    return complaints + check_own_first(path, stem, found)


def check_own_first(path, stem, found):
    """A header that is included first proves that it stands alone."""
    own = [(line, i) for i, (line, bracket, header) in enumerate(found)
           if bracket == '"' and header == f"{stem}.h"]
    if path.endswith(".c") and own and own[0][1] != 0:
        return [f"{path}:{own[0][0]}: its own header comes first"]
    return []


def check_circles(knows):
    """knows: room -> rooms it includes. Complains about each circle once."""
    complaints = []

    def walk(room, trail):
        if room in trail:
            circle = trail[trail.index(room):]
            if room == min(circle):
                complaints.append("a circle: " + " -> ".join(circle + [room]))
            return
        for other in sorted(knows.get(room, ())):
            walk(other, trail + [room])

    for room in sorted(knows):
        walk(room, [])
    return sorted(set(complaints))


def check_public(text):
    """spull.h must stand on the C library alone."""
    return [f"lib/include/spull.h:{line}: includes {header}"
            for line, _, header in source.includes(text)
            if header not in ("stddef.h", "stdint.h")]


def check_cli(path, text, own_headers):
    complaints = []
    for line, bracket, header in source.includes(text):
        if bracket == '"' and header not in own_headers:
            complaints.append(f"{path}:{line}: {header} is not of cli/, "
                              "which sees <spull.h> only")
    return complaints


def who_knows_whom(texts):
    """Room -> rooms of lib/ that it includes; texts: file stem -> content."""
    knows = {}
    for stem, text in texts:
        if room_of(stem) is None:
            continue  # check_file() says so
        others = {room_of(header[:-2])
                  for _, bracket, header in source.includes(text)
                  if bracket == '"'}
        knows.setdefault(room_of(stem), set()).update(
            others - {room_of(stem), None})
    return knows


def check_map(text, rooms):
    """lib/README.md has each room that is there, on its floor."""
    drawn = {}
    for floor, names in re.findall(r"^\| (\d) \w+ \| (.*) \|$", text, re.M):
        for name in re.findall(r"`(\w+)(?:\.h)?`", names):
            drawn[name] = int(floor)
    return [f"lib/README.md: {room} is on floor {FLOOR_OF[room]}"
            for room in sorted(rooms) if drawn.get(room) != FLOOR_OF[room]]


def main():
    complaints = []
    library = [(path, source.read(path)) for path in source.files("lib/*.[ch]")]
    command = [(path, source.read(path)) for path in source.files("cli/*.[ch]")]
    own = {path.name for path, _ in command if path.suffix == ".h"}
    for path, text in library + command:
        complaints += check_file(source.name(path), text)
    for path, text in command:
        complaints += check_cli(source.name(path), text, own)
    complaints += check_public(
        source.read(source.ROOT / "lib/include/spull.h"))
    knows = who_knows_whom((path.stem, text) for path, text in library)
    complaints += check_circles(knows)
    complaints += check_map(source.read(source.ROOT / "lib/README.md"),
                            set(knows) & set(FLOOR_OF))
    source.verdict(complaints)


if __name__ == "__main__":
    main()
