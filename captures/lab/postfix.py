"""Postfix in the appliance's place: a server that nobody of this project wrote, whose log is an independent account.

It speaks what an ESA does not offer (BDAT, PIPELINING). Its own log is kept as postfix.log; `account` reads in it
what the listener would have written down itself (the events of the appliance) and writes mail.log, the same story in an
ESA's lines. Nothing in either comes from anywhere but Postfix' log.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cases.plan import Case
from maillog import SERIAL, UTC_OFFSET, VERSION
from topology import APPLIANCE, Network

MAIN = """\
compatibility_level = 3.6
queue_directory = {work}/postfix/queue
data_directory = {work}/postfix/data
maillog_file = {work}/postfix.log
maillog_file_prefixes = {work}
myhostname = appliance.example.com
mydestination = example.com
inet_interfaces = all
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
local_transport = discard:
default_transport = discard:
smtpd_client_port_logging = yes
smtpd_peername_lookup = no
smtpd_timeout = {timeout}s
smtpd_relay_restrictions = check_recipient_access static:permit, reject
smtpd_recipient_restrictions =
smtpd_log_access_permit_actions = static:all
smtpd_tls_security_level = none
"""

MASTER = """\
smtp      inet  n - n - -  smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0  cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - -  trivial-rewrite
bounce    unix  - - n - 0  bounce
defer     unix  - - n - 0  bounce
trace     unix  - - n - 0  bounce
verify    unix  - - n - 1  verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - -  proxymap
discard   unix  - - n - -  discard
error     unix  - - n - -  error
anvil     unix  - - n - 1  anvil
scache    unix  - - n - 1  scache
postlog   unix-dgram n - n - 1 postlogd
"""


def start(net: Network, case: Case, work: Path) -> None:
    """Start Postfix with a configuration of its own."""
    work.chmod(0o755)
    home = work / "postfix"
    for folder in (home, home / "queue", home / "data", home / "etc"):
        folder.mkdir()
    shutil.chown(home / "data", "postfix")
    main = MAIN.format(work=work, timeout=int(case.listener.timeout))
    (home / "etc" / "main.cf").write_text(main, encoding="ascii")
    (home / "etc" / "master.cf").write_text(MASTER, encoding="ascii")
    net.run("appliance", "timeout", "25", "postfix", "-c", str(home / "etc"), "start")
    deadline = time.monotonic() + 20
    while ":25 " not in net.run("appliance", "ss", "-Hltn"):
        if time.monotonic() > deadline:
            raise RuntimeError("Postfix does not listen")
        time.sleep(0.2)


def stop(net: Network, case: Case, work: Path) -> None:
    """Stop it, and read its account."""
    net.run("appliance", "timeout", "25", "postfix", "-c", str(work / "postfix" / "etc"), "stop")
    time.sleep(0.5)
    log = work / "postfix.log"
    # Its own start and stop name the run's folders, and nothing else.
    lines = [line for line in log.read_text(encoding="ascii", errors="replace").splitlines() if not OWN.search(line)]
    log.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    account(case, work)


OWN = re.compile(r"postfix/(postfix-script|master)\[")


@dataclass
class Told:
    """One session as Postfix' log tells it."""

    icid: int
    client: str
    mid: int | None = None
    stage: str = "greeting"
    queue_id: str | None = None
    rcpts: list[str] = field(default_factory=list)


STAGES = {"CONNECT": "greeting", "EHLO": "helo", "HELO": "helo", "MAIL": "mail", "RCPT": "rcpt", "BDAT": "body"}
STAGES |= {"END-OF-MESSAGE": "between", "RSET": "between", "QUIT": "between"}


class Account:
    """Reads Postfix' log line by line, and writes the other two as it goes."""

    def __init__(self, case: Case, work: Path) -> None:
        self.case, self.next_icid, self.next_mid = case, case.first_icid, case.first_mid
        self.events: list[dict[str, object]] = []
        self.lines: list[str] = []
        self.sessions: dict[str, Told] = {}
        self.queued: dict[str, tuple[Told, int, str]] = {}
        self.sizes: dict[str, str] = {}
        self.now = datetime.now(UTC)
        for text in (
            "Begin Logfile",
            f"Version: {VERSION} SN: {SERIAL}",
            f"Time offset from UTC: {UTC_OFFSET} seconds",
        ):
            self.lines.append(text)
        for line in (work / "postfix.log").read_text(encoding="ascii", errors="replace").splitlines():
            self.read(line)

    def info(self, text: str) -> None:
        """A line of an ESA at the time of Postfix' line."""
        stamp = time.asctime(time.gmtime(self.now.timestamp() + UTC_OFFSET))
        if len(self.lines) == 3:
            self.lines = [f"{stamp} Info: {head}" for head in self.lines]
        self.lines.append(f"{stamp} Info: {text}")

    def event(self, told: Told, action: str, **more: object) -> None:
        """An event of the appliance."""
        when = self.now.isoformat(timespec="microseconds").replace("+00:00", "Z")
        ends = {"client": told.client, "server": f"{APPLIANCE}:25"}
        about = {"icid": told.icid, "actor": "appliance", "action": action, "stage": told.stage, "mid": told.mid}
        self.events.append({"time": when, **ends, **about, **more})

    def read(self, line: str) -> None:
        """One line of Postfix."""
        match = re.match(r"(\w{3} [ \d]\d [\d:]{8}) \S+ postfix/(\w+)\[(\d+)\]: (.*)", line)
        if match is None:
            return
        local = datetime.strptime(f"{datetime.now().year} {match[1]}", "%Y %b %d %H:%M:%S")
        self.now = local.astimezone(UTC)
        program, pid, text = match[2], match[3], match[4]
        if program == "smtpd":
            self._smtpd(pid, text)
        elif program == "qmgr" and (taken := re.match(r"(\w+): from=<[^>]*>, size=(\d+)", text)):
            self._accepted(taken[1], taken[2])
        elif program == "cleanup" and (named := re.match(r"(\w+): message-id=(\S+)", text)):
            self.sizes[named[1]] = named[2]

    def _smtpd(self, pid: str, text: str) -> None:
        opened = re.match(r"connect from \S+\[([\d.]+)\]:(\d+)", text)
        if opened:
            told = self.sessions[pid] = Told(self.next_icid, f"{opened[1]}:{opened[2]}")
            self.next_icid += 1
            name = "reverse dns host unknown verified no"
            self.info(f"New SMTP ICID {told.icid} interface Data 1 ({APPLIANCE}) address {opened[1]} {name}")
            self.info(f"ICID {told.icid} ACCEPT SG UNKNOWNLIST match sbrs[none] SBRS None country not enabled")
            self.event(told, "connect")
            return
        told = self.sessions.get(pid)
        if told is None:
            return
        if permitted := re.search(r"permit: RCPT from .*from=<([^>]*)> to=<([^>]*)>", text):
            self._rcpt(told, permitted[1], permitted[2])
        elif queued := re.match(r"(\w+): client=", text):
            told.queue_id = queued[1]
            assert told.mid is not None
            self.queued[queued[1]] = (told, told.mid, told.client)
        elif ended := re.match(r"(lost connection|timeout) after ([A-Z-]+)(?: \((\d+) bytes\))?", text):
            self._ended(told, ended[1], ended[2], int(ended[3] or 0))
        elif text.startswith("disconnect from"):
            if told.mid is not None:
                # An ordinary disconnect with a message under way: it counts the commands, and there must be a QUIT.
                if " quit=1" not in text:
                    raise ValueError(f"Postfix does not say how it ended: {text}")
                told.stage = "body" if " bdat=" in text else told.stage
                self.event(told, "quit")
                self._abort(told, "Receiving aborted by sender")
            self.info(f"ICID {told.icid} close")
            self.event(told, "close")
            del self.sessions[pid]

    def _rcpt(self, told: Told, mail_from: str, rcpt_to: str) -> None:
        if told.mid is None:
            told.mid, told.rcpts, told.stage = self.next_mid, [], "mail"
            self.next_mid += 1
            self.info(f"Start MID {told.mid} ICID {told.icid}")
            self.info(f"MID {told.mid} ICID {told.icid} From: <{mail_from}>")
            self.event(told, "mail", mail_from=mail_from)
        told.stage = "rcpt"
        self.info(f"MID {told.mid} ICID {told.icid} RID {len(told.rcpts)} To: <{rcpt_to}>")
        told.rcpts.append(rcpt_to)
        self.event(told, "rcpt", rcpt_to=rcpt_to)

    def _accepted(self, queue_id: str, size: str) -> None:
        told, mid, _ = self.queued[queue_id]
        if queue_id in self.sizes:
            self.info(f"MID {mid} Message-ID '{self.sizes[queue_id]}'")
        self.info(f"MID {mid} ready {size} bytes from <{self._sender(mid)}>")
        self.info(f"Message finished MID {mid} done")
        before, told.mid, told.stage = told.stage, mid, "end_of_data"
        self.event(told, "accepted", claim="accepted", reply=f"queued as {queue_id}")
        told.mid, told.stage = None, "between" if before in ("rcpt", "data") else before

    def _sender(self, mid: int) -> str:
        return next(str(e["mail_from"]) for e in self.events if e["action"] == "mail" and e["mid"] == mid)

    def _ended(self, told: Told, how: str, verb: str, octets: int) -> None:
        told.stage = ("body" if octets else "data") if verb == "DATA" else STAGES.get(verb, told.stage)
        if how == "timeout":
            self.event(told, "timer", why="timeout", claim="no_messages_injected")
            address = told.client.rpartition(":")[0]
            words = "no messages injected within timeout period"
            self.info(f"ICID {told.icid} disconnected address {address}, {words}")
        else:
            self.info(f"ICID {told.icid} lost")
            self.event(told, "lost", words=f"lost connection after {verb}")
        if told.mid is not None:
            self._abort(told, "Receiving aborted")

    def _abort(self, told: Told, reason: str) -> None:
        self.info(f"Message aborted MID {told.mid} {reason}")
        self.info(f"Message finished MID {told.mid} aborted")
        self.event(told, "aborted", claim=reason.lower().replace(" ", "_"))
        told.mid = None


def account(case: Case, work: Path) -> None:
    """mail.log and the appliance's events, from Postfix' own log."""
    read = Account(case, work)
    (work / "mail.log").write_text("".join(f"{line}\n" for line in read.lines), encoding="ascii")
    events = "".join(json.dumps(event) + "\n" for event in read.events)
    (work / "appliance.jsonl").write_text(events, encoding="utf-8")
