"""The appliance as a client: delivers the messages of a case to the remote server, and logs it with DCIDs like an ESA.

Each `Session` of the case is one connection; its messages are those already in the queue. What goes wrong is logged in
the vendor's words (`Connection Error: DCID ... details: EOF`, `[Errno 54] Connection reset by peer`, `timeout`;
`Delayed`, `Bounced`). The appliance runs FreeBSD, hence errno 54.

    delivery.py CASE FOLDER
"""

from __future__ import annotations

import argparse
import smtplib
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

from cases import CASES
from cases.plan import Case, Message, Session
from events import Recorder, endpoint
from maillog import DomainDebugLog, MailLog
from overheard import Overheard
from topology import APPLIANCE, SENDER, SMTP_PORT

HOSTNAME = "appliance.example.com"

NO_EHLO = (500, 502)
"""Replies of a server that does not know EHLO: then HELO (RFC 5321 section 3.2)."""


class Logs:
    """The logs of a case, just begun."""

    def __init__(self, case: Case, folder: Path) -> None:
        kind = case.listener.debug_log
        self.mail = MailLog(folder / "mail.log")
        self.debug = None if kind == "none" else DomainDebugLog(folder / "domain_debug.log", kind == "quoted")


class Delivery:
    """One connection: a DCID."""

    def __init__(
        self, case: Case, session: Session, logs: Logs, recorder: Recorder, dcid: int, first_mid: int
    ) -> None:
        self.session, self.recorder, self.dcid, self.first_mid = session, recorder, dcid, first_mid
        self.info, self.debug = logs.mail.info, logs.debug
        self.tls_out, self.tls_version = case.tls_out, case.listener.tls_version
        self.names: dict[str, str] = {}
        self.stage, self.mid = "connect", first_mid

    def record(self, action: str, **more: Any) -> None:
        """Write an event of this connection. The DCID stands where an injection has its ICID."""
        about = {"icid": self.dcid, "actor": "appliance", "action": action, "stage": self.stage, "mid": self.mid}
        self.recorder.write(**self.names, **about, **more)

    def run(self) -> None:
        """Connect, deliver, and log how that went."""
        try:
            sock = socket.create_connection((SENDER, SMTP_PORT), self.session.patience, (APPLIANCE, 0))
        except OSError as failure:
            self._failed(failure)
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.names = {"client": endpoint(sock.getsockname()), "server": endpoint(sock.getpeername())}
        self.info(f"New SMTP DCID {self.dcid} interface {APPLIANCE} address {SENDER} port {SMTP_PORT}")
        self.record("connect")
        smtp = smtplib.SMTP(local_hostname=HOSTNAME, timeout=self.session.patience)
        smtp.sock = self._overheard(sock)
        try:
            self._must(smtp.getreply(), 220)
            self.stage = "greeting"
            reply = smtp.ehlo()
            self._must(smtp.helo() if reply[0] in NO_EHLO else reply, 250)
            self.stage = "helo"
            if self.tls_out != "no":
                self._starttls(smtp, sock)
            for number, message in enumerate(self.session.messages):
                self.mid = self.first_mid + number
                self._deliver(smtp, message)
            self.stage = "between"
            smtp.docmd("quit")
            self.record("quit")
        except smtplib.SMTPResponseException as refusal:
            self._refused(refusal)
        except ssl.SSLError as failure:
            self._no_tls(failure)
        except (OSError, smtplib.SMTPServerDisconnected) as failure:
            self._failed(failure)
        smtp.close()
        self.info(f"DCID {self.dcid} close")
        self.record("close")

    def _overheard(self, sock: socket.socket) -> Any:
        return sock if self.debug is None else Overheard(sock, self.debug, self.dcid)

    def _starttls(self, smtp: smtplib.SMTP, sock: socket.socket) -> None:
        """TLS, and EHLO again. TLS 1.2 unless the case wants another: its alerts in the handshake are in clear."""
        context = ssl.create_default_context()
        context.check_hostname = False
        if self.tls_version is None:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if self.tls_out == "required":
            context.verify_mode = ssl.CERT_NONE
        self._must(smtp.docmd("starttls"), 220)
        self.stage = "tls"
        secure = context.wrap_socket(sock)
        smtp.sock, smtp.file = self._overheard(secure), None
        cipher = (secure.cipher() or ("?",))[0]
        self.info(f"DCID {self.dcid} TLS success protocol {secure.version()} cipher {cipher}")
        self.record("tls")
        self._must(smtp.ehlo(), 250)

    def _no_tls(self, failure: ssl.SSLError) -> None:
        """The handshake failed by TLS' own means, an alert of either end. The message's line is a guess."""
        self.info(f"DCID {self.dcid} TLS failed: {failure.reason}")
        self.info(f"DCID {self.dcid} IP {SENDER} TLS was required but could not be successfully negotiated")
        words = "4.7.0 - Other security problem ('000', ['TLS required but not available'])"
        self.info(f"Delayed: DCID {self.dcid} MID {self.first_mid} to RID 0 - {words} []")
        self.record("tls_failed", claim="delayed")

    def _deliver(self, smtp: smtplib.SMTP, message: Message) -> None:
        rids = list(range(len(message.rcpt_to)))
        self.info(f"Delivery start DCID {self.dcid} MID {self.mid} to RID {rids}")
        self._must(smtp.mail(message.mail_from), 250)
        self.stage = "mail"
        self.record("mail", mail_from=message.mail_from)
        for rcpt in message.rcpt_to:
            self._must(smtp.rcpt(rcpt), 250)
            self.stage = "rcpt"
            self.record("rcpt", rcpt_to=rcpt)
        self._must(smtp.docmd("data"), 354)
        self.stage = "data"
        smtp.sock.sendall(message.content())
        self.stage = "body"
        smtp.sock.sendall(b".\r\n")
        self.stage = "end_of_data"
        code, words = smtp.getreply()
        if code != 250:
            raise smtplib.SMTPResponseException(code, words)
        self.info(f"Message done DCID {self.dcid} MID {self.mid} to RID {rids} ")
        self.info(f"MID {self.mid} RID {rids} Response '{words.decode()}'")
        self.info(f"Message finished MID {self.mid} done")
        self.record("delivered", claim="delivered")
        self.stage = "between"

    @staticmethod
    def _must(reply: tuple[int, bytes], code: int) -> None:
        if reply[0] == -1:
            raise smtplib.SMTPServerDisconnected("EOF")
        if reply[0] != code:
            raise smtplib.SMTPResponseException(*reply)

    def _refused(self, refusal: smtplib.SMTPResponseException) -> None:
        code = refusal.smtp_code
        words = refusal.smtp_error.decode() if isinstance(refusal.smtp_error, bytes) else refusal.smtp_error
        kind, status = (
            ("Delayed", "4.3.0 - Other mail system problem")
            if code < 500
            else ("Bounced", "5.1.0 - Unknown address error")
        )
        self.info(f"{kind}: DCID {self.dcid} MID {self.mid} to RID 0 - {status} ('{code}', ['{words}']) []")
        self.record("refused", claim=kind.lower(), what=self.stage, code=str(code))

    def _failed(self, failure: Exception) -> None:
        if isinstance(failure, smtplib.SMTPServerDisconnected) and isinstance(failure.__context__, OSError):
            failure = failure.__context__  # smtplib hides a reset and a timeout in the words for an EOF
        if isinstance(failure, TimeoutError):
            details = "timeout"
        elif isinstance(failure, ConnectionResetError):
            details = "[Errno 54] Connection reset by peer"
        elif isinstance(failure, ConnectionRefusedError):
            details = "[Errno 61] Connection refused"
        elif isinstance(failure, smtplib.SMTPServerDisconnected):
            details = "EOF"
        else:
            details = str(failure)
        reason = "network error"
        self.info(
            f"Connection Error: DCID {self.dcid} domain: example.net IP: {SENDER} port: {SMTP_PORT} details: {details}"
            f" interface: {APPLIANCE} reason: {reason}"
        )
        words = {"timeout": "timeout", "EOF": "EOF"}.get(details, details)
        self.info(f"Delayed: DCID {self.dcid} MID {self.mid} to RID 0 - 4.4.2 - Bad connection ('000', ['{words}']) []")
        if self.names:
            self.record("connection_error", claim="connection_error", details=details)


def main() -> int:
    """All deliveries of a case, each at its time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    case = CASES[given.case]
    logs, recorder = Logs(case, given.folder), Recorder(given.folder / "appliance.jsonl")
    mid, begun, threads = case.first_mid, time.monotonic(), []
    for number, session in enumerate(case.sessions):
        delivery = Delivery(case, session, logs, recorder, case.first_icid + number, mid)
        mid += len(session.messages)
        time.sleep(max(0.0, begun + session.start - time.monotonic()))
        threads.append(threading.Thread(target=delivery.run))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
