"""What goes wrong with captures and logs after the fact: deeds on a finished folder, for `Case.trouble`.

Each function returns a deed that changes files in a folder, so that a case can name several: `trouble=both(cut_start(
frames=6), gzipped())`. A deed that makes other files says so in its docstring; the case then names them in `captures`
or `logs`. Only the standard library and Wireshark's editcap and mergecap, which write the formats that are wanted.
"""

from __future__ import annotations

import gzip
import re
import struct
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

Deed = Callable[[Path], None]

Record = tuple[float, int, bytes]
"""Time in seconds, length on the wire, octets kept."""

SNAPLEN = 262144


def both(*deeds: Deed) -> Deed:
    """One deed after the other."""

    def do(folder: Path) -> None:
        for deed in deeds:
            deed(folder)

    return do


def read(path: Path) -> tuple[int, list[Record]]:
    """The link type and the records of a classic pcap of microseconds."""
    data = path.read_bytes()
    network = struct.unpack_from("<I", data, 20)[0]
    position, records = 24, []
    while position < len(data):
        seconds, micros, kept, length = struct.unpack_from("<IIII", data, position)
        records.append((seconds + micros / 1e6, length, data[position + 16 : position + 16 + kept]))
        position += 16 + kept
    return network, records


def write(path: Path, network: int, records: list[Record], snaplen: int = SNAPLEN) -> None:
    """A classic pcap of microseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, network)]
    for time, length, data in records:
        micros = round(time * 1e6)
        parts.append(struct.pack("<IIII", micros // 10**6, micros % 10**6, len(data), length) + data)
    path.write_bytes(b"".join(parts))


def edit(change: Callable[[list[Record]], list[Record]], file: str = "wire.pcap", snaplen: int = SNAPLEN) -> Deed:
    """Any change to the list of records."""

    def do(folder: Path) -> None:
        network, records = read(folder / file)
        write(folder / file, network, change(records), snaplen)

    return do


# The capture does not hold everything


def cut_start(frames: int) -> Deed:
    """The capture starts late: its first frames are missing."""
    return edit(lambda records: records[frames:])


def cut_end(frames: int) -> Deed:
    """It stops early: its last frames are missing."""
    return edit(lambda records: records[:-frames] if frames else records)


def cut_at(words: bytes, keep: bool = False) -> Deed:
    """It stops at the first frame that holds these words; `keep` keeps that frame."""

    def change(records: list[Record]) -> list[Record]:
        at = next(number for number, (_, _, data) in enumerate(records) if words in data)
        return records[: at + keep]

    return edit(change)


def drop(*frames: int) -> Deed:
    """The capture lost these frames (numbers from 1; negative ones count from the end)."""

    def change(records: list[Record]) -> list[Record]:
        lost = {number - 1 if number > 0 else len(records) + number for number in frames}
        return [record for number, record in enumerate(records) if number not in lost]

    return edit(change)


def drop_where(holds: Callable[[int, int, bytes], bool]) -> Deed:
    """The capture lost the frames of which `holds(number, frames in all, octets)` is true (numbers from 1)."""

    def change(records: list[Record]) -> list[Record]:
        return [r for n, r in enumerate(records, 1) if not holds(n, len(records), r[2])]

    return edit(change)


def snaplen(octets: int = 96) -> Deed:
    """Only the start of each frame was kept."""
    return edit(lambda records: [(time, length, data[:octets]) for time, length, data in records], snaplen=octets)


Holds = Callable[[bytes], bool]
"""Whether a frame (Ethernet, IPv4, no VLAN tag) is the one that is meant."""


def from_sender(data: bytes, flag: int = 0, words: bytes = b"") -> bool:
    """A frame to the appliance with a TCP flag, or with words in it."""
    return data[6:12] != APPLIANCE_MAC and data[47] & flag == flag and words.upper() in data.upper()


def fin_of_sender(data: bytes) -> bool:
    """The sender's FIN."""
    return from_sender(data, flag=1)


def quit_of_sender(data: bytes) -> bool:
    """The sender's QUIT."""
    return from_sender(data, words=b"QUIT\r\n")


def cut_when(holds: Holds, keep: bool = False) -> Deed:
    """It stops at the first frame that is meant; `keep` keeps that frame."""

    def change(records: list[Record]) -> list[Record]:
        at = next(number for number, (_, _, data) in enumerate(records) if holds(data))
        return records[: at + keep]

    return edit(change)


def start_when(holds: Holds) -> Deed:
    """It starts late, right behind the first frame that is meant."""

    def change(records: list[Record]) -> list[Record]:
        at = next(number for number, (_, _, data) in enumerate(records) if holds(data))
        return records[at + 1 :]

    return edit(change)


def lose_body(first: int, last: int) -> Deed:
    """The capture lost some of the frames to the appliance with more than 500 octets: numbers from 1, both included."""

    def change(records: list[Record]) -> list[Record]:
        large = [n for n, (_, length, data) in enumerate(records) if data[6:12] != APPLIANCE_MAC and length > 500]
        lost = set(large[first - 1 : last])
        assert len(lost) == last - first + 1, f"only {len(large)} frames of body"
        return [record for number, record in enumerate(records) if number not in lost]

    return edit(change)


def lose_end_of_body() -> Deed:
    """The capture lost the last frame to the appliance with more than 500 octets."""

    def change(records: list[Record]) -> list[Record]:
        large = [n for n, (_, length, data) in enumerate(records) if data[6:12] != APPLIANCE_MAC and length > 500]
        return [record for number, record in enumerate(records) if number != large[-1]]

    return edit(change)


def only(file: str) -> Deed:
    """The capture is another one (`sender.pcap`), and the appliance's is not there."""

    def do(folder: Path) -> None:
        assert (folder / file).exists()
        (folder / "wire.pcap").unlink()

    return do


# The capture looks different


def cooked(version: int = 1) -> Deed:
    """As `tcpdump -i any` writes it: Linux cooked, of version 1 or 2."""

    def do(folder: Path) -> None:
        _, records = read(folder / "wire.pcap")
        made = []
        for time, length, data in records:
            out = data[6:12] == APPLIANCE_MAC
            mac, kind, direction = data[6:12] + b"\0\0", data[12:14], 4 if out else 0
            if version == 1:
                head = struct.pack("!HHH", direction, 1, 6) + mac + kind
            else:
                head = kind + struct.pack("!HIHBB", 0, 3, 1, direction, 6) + mac
            made.append((time, length - 14 + len(head), head + data[14:]))
        write(folder / "wire.pcap", 113 if version == 1 else 276, made)

    return do


APPLIANCE_MAC = bytes.fromhex("00005e005342")


def vlan_and_parent(tag: int = 25, lag: float = 0.000003) -> Deed:
    """A capture on a VLAN's parent and the VLAN at once: every frame twice, once with its tag."""

    def change(records: list[Record]) -> list[Record]:
        twice = []
        for time, length, data in records:
            tagged = data[:12] + struct.pack("!HH", 0x8100, tag) + data[12:]
            twice += [(time, length + 4, tagged), (time + lag, length, data)]
        return sorted(twice, key=lambda record: record[0])

    return edit(change)


def gzipped() -> Deed:
    """Makes wire.pcap.gz of wire.pcap."""

    def do(folder: Path) -> None:
        (folder / "wire.pcap.gz").write_bytes(gzip.compress((folder / "wire.pcap").read_bytes(), mtime=0))
        (folder / "wire.pcap").unlink()

    return do


def rotated(parts: int = 4) -> Deed:
    """Makes wire_0.pcap, wire_1.pcap ... of wire.pcap, equal in frames, as `tcpdump -C` would."""

    def do(folder: Path) -> None:
        network, records = read(folder / "wire.pcap")
        size = -(-len(records) // parts)
        for part in range(parts):
            write(folder / f"wire_{part}.pcap", network, records[part * size : (part + 1) * size])
        (folder / "wire.pcap").unlink()

    return do


def two_interfaces(share: Callable[[int, bytes], bool] | None = None) -> Deed:
    """Makes wire.pcapng of wire.pcap, its frames on two interfaces (by default by direction; else where `share`)."""

    def do(folder: Path) -> None:
        network, records = read(folder / "wire.pcap")
        on_second = share or (lambda _, data: data[6:12] == APPLIANCE_MAC)
        halves: list[list[Record]] = [[], []]
        for number, record in enumerate(records, 1):
            halves[on_second(number, record[2])].append(record)
        names = [folder / "one.pcap", folder / "two.pcap"]
        for name, half in zip(names, halves, strict=True):
            write(name, network, half)
        words = ["mergecap", "-F", "pcapng", "-I", "none", "-w", str(folder / "wire.pcapng"), *map(str, names)]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        for name in (*names, folder / "wire.pcap"):
            name.unlink()

    return do


# Clocks


def clock_off(seconds: float) -> Deed:
    """The clock of the capture is ahead of the log's by so much."""
    return edit(lambda records: [(time + seconds, length, data) for time, length, data in records])


# The log looks different

STAMP = "%a %b %d %H:%M:%S %Y"


def log_lines(change: Callable[[list[str]], list[str]], file: str = "mail.log") -> Deed:
    """Any change to the lines of the log."""

    def do(folder: Path) -> None:
        lines = (folder / file).read_text(encoding="ascii").splitlines()
        (folder / file).write_text("".join(f"{line}\n" for line in change(lines)), encoding="ascii")

    return do


def log_moved(seconds: int, offset: int | None = None) -> Deed:
    """All stamps so many seconds later; `offset` is what the head then says (None leaves it as it is)."""

    def move(line: str) -> str:
        moved = datetime.strptime(line[:24], STAMP) + timedelta(seconds=seconds)
        text = moved.ctime() + line[24:]
        if offset is not None:
            text = re.sub(r"(Time offset from UTC: )-?\d+", rf"\g<1>{offset}", text)
        return text

    return log_lines(lambda lines: [move(line) for line in lines])


def daylight_saving_ends(at: str, when: datetime, offset: int) -> Deed:
    """Clocks go back an hour in the second of the first line with the words `at`.

    Capture and log are moved so that this line falls on `when` (UTC). `offset` is the log's offset from UTC before the
    change, which its head names, as it was written then; after it the offset is an hour less.
    """

    def do(folder: Path) -> None:
        lines = (folder / "mail.log").read_text(encoding="ascii").splitlines()
        number = next(n for n, line in enumerate(lines) if at in line)
        head = next(line for line in lines if "Time offset from UTC: " in line)
        written = timedelta(seconds=int(head.rsplit(": ", 1)[1].split()[0]))
        shift = when - (datetime.strptime(lines[number][:24], STAMP) - written)
        moved = []
        for line in lines:
            utc = datetime.strptime(line[:24], STAMP) - written + shift
            stamp = utc + timedelta(seconds=offset if utc < when else offset - 3600)
            moved.append(stamp.ctime() + re.sub(r"(Time offset from UTC: )-?\d+", rf"\g<1>{offset}", line[24:]))
        (folder / "mail.log").write_text("".join(f"{line}\n" for line in moved), encoding="ascii")
        clock_off(shift.total_seconds())(folder)

    return do


def log_without_head() -> Deed:
    """The three lines of the head are missing, as in an excerpt."""
    return log_lines(lambda lines: [line for line in lines if " Info: " not in line[:32] or not _is_head(line)])


def _is_head(line: str) -> bool:
    return any(words in line for words in ("Begin Logfile", "Version: ", "Time offset from UTC"))


def grep_for(words: str) -> Deed:
    """Only the lines with these words, as `grep` on the appliance gives them: no head, no lines of the ICID alone."""
    return log_lines(lambda lines: [line for line in lines if words in line])


def grep_for_mid(mid: int) -> Deed:
    """`grep "MID n"`."""
    return log_lines(lambda lines: [line for line in lines if re.search(rf"\bMID {mid}\b", line)])


def syslog(host: str = "appliance", tag: str = "mail_logs", priority: int = 22) -> Deed:
    """A copy by syslog (RFC 3164): no year, no head but as messages, the tag in front."""

    def change(lines: list[str]) -> list[str]:
        return [f"<{priority}>{line[4:19]} {host} {tag}: {line[25:]}" for line in lines]

    return log_lines(change)
