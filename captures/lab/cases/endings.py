"""Every way in which a session of one sender ends, with nothing on the way that interferes."""

from __future__ import annotations

import contextlib
import smtplib
import time
from typing import Any

from dialogue import Dialogue

from .plan import Case, Cause, Listener, Message, Session, Stop

GAP = 20.0
"""Seconds between the words of a sender that says something, but never enough."""

LIMIT_OF_SILENCE = 400


def _case(number: int, name: str, title: str, done: str, log: str, wire: str, **more: Any) -> Case:
    """A case of this family. Numbers keep the ICIDs and MIDs of two cases apart."""
    more.setdefault("sessions", (Session((Message(name),), script=more.pop("script")),) if "script" in more else ())
    more.setdefault("client", "Python's smtplib, and its socket by hand where no library would do it.")
    numbers = {"first_icid": 18000 + 10 * number, "first_mid": 9000 + 10 * number}
    return Case(name=name, title=title, done=done, log_says=log, wire_shows=wire, family="endings", **numbers, **more)


def _stop(name: str, at: str, by: str, octets: int = 1200) -> tuple[Session, ...]:
    return (Session((Message(name, octets=octets),), Stop(at, by)),)  # type: ignore[arg-type]


def _to_rcpt(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()


def _several(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    for number in range(3):
        dialogue.deliver(number)
    dialogue.quit()


def _all_refused(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt(dict.fromkeys(dialogue.session.messages[0].rcpt_to, 550))
    dialogue.quit()


def _reset_by_rset(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.rset()
    dialogue.quit()


def _nested(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.say("MAIL FROM:<otto@example.net>", 503)
    dialogue.fin()


def _fin_at_once_after_dot(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    dialogue.fin(settle=0.0)


def _half_close(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    dialogue.half_close()
    dialogue.reply(250)
    dialogue.read_to_the_end()
    dialogue.smtp.close()


def _pipelined_quit(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.body(share=0.5)
    content = dialogue.content()
    dialogue.send(content[dialogue.sent_octets :] + b".\r\nQUIT\r\n")
    dialogue.stage = "end_of_data"
    message_id = dialogue.session.messages[0].message_id
    dialogue.record("end_of_data", message=0, body_octets=len(content), message_id=message_id)
    dialogue.record("quit")
    dialogue.reply(250)
    dialogue.reply(221)
    dialogue.smtp.close()


def _quit_and_rst(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.quit_and_leave("rst")


def _quit_and_fin(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.quit_and_leave("fin")


def _killed(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.body()
    dialogue.killed()


def _unread(dialogue: Dialogue) -> None:
    """RCPT is said, its answer left in the kernel."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    rcpt = dialogue.session.messages[0].rcpt_to[0]
    dialogue.pause()
    dialogue.send(f"RCPT TO:<{rcpt}>\r\n".encode())
    dialogue.stage = "rcpt"
    dialogue.record("rcpt", message=0, rcpt_to=rcpt)
    dialogue.rst_by_unread()


def _rst_after_fin(dialogue: Dialogue) -> None:
    """DATA and close at once: the 354 meets a closed socket."""
    _to_rcpt(dialogue)
    dialogue.pause()
    dialogue.send(b"DATA\r\n")
    dialogue.fin(settle=0.0)


def _dribble(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.record("dribble", message=0)
    with contextlib.suppress(OSError):
        while True:
            dialogue.smtp.sock.settimeout(GAP)
            dialogue.body(octets=40, acknowledged=False)
            with contextlib.suppress(TimeoutError):
                while dialogue.smtp.sock.recv(4096):
                    pass
                break
    dialogue.ended("gone")
    dialogue.smtp.close()


def _noops(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.record("noops", message=0)
    with contextlib.suppress(OSError, smtplib.SMTPServerDisconnected):
        while dialogue.smtp.noop()[0] == 250:
            dialogue.smtp.sock.settimeout(GAP)
            with contextlib.suppress(TimeoutError):
                if dialogue.smtp.sock.recv(4096):
                    break
            dialogue.smtp.sock.settimeout(dialogue.session.patience)
    dialogue.ended("gone")
    dialogue.smtp.close()


def _until_the_total_limit(dialogue: Dialogue) -> None:
    """Three messages in ten minutes, then a body in drops: the time for one message is never exceeded."""
    dialogue.connect()
    dialogue.ehlo()
    for number in range(3):
        dialogue.deliver(number)
        time.sleep(210)
    dialogue.mail(3)
    dialogue.rcpt()
    dialogue.data()
    dialogue.record("dribble", message=3)
    with contextlib.suppress(OSError):
        while True:
            dialogue.smtp.sock.settimeout(GAP)
            dialogue.body(octets=40, acknowledged=False)
            with contextlib.suppress(TimeoutError):
                while dialogue.smtp.sock.recv(4096):
                    pass
                break
    dialogue.ended("gone")
    dialogue.smtp.close()


def _bad_commands(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    for word in ("VERB", "ONEX", "XCLIENT", "TURN"):
        dialogue.say(word, 500)
    dialogue.say("XFORWARD", 421)
    dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _too_large_announced(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail(code=552)
    dialogue.quit()


def _too_large_unannounced(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    message = dialogue.session.messages[0]
    dialogue.say(f"MAIL FROM:<{message.mail_from}>", 250)
    dialogue.message, dialogue.stage = 0, "mail"
    dialogue.record("mail", message=0, mail_from=message.mail_from)
    dialogue.rcpt()
    dialogue.data()
    dialogue.dot(552)
    dialogue.quit()


def _too_many_header_lines(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    content = dialogue.content()
    dialogue.record("end_of_data", message=0, body_octets=len(content))
    with contextlib.suppress(OSError):
        dialogue.send(content + b".\r\n")
        dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _second_connection(dialogue: Dialogue) -> None:
    dialogue.connect(greeted=False)
    dialogue.reply(421)
    dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _refused_at_the_dot(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(554)
    dialogue.quit()


def _no_patience_at_rcpt(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.pause()
    dialogue.send(b"RCPT TO:<bert@example.com>\r\n")
    dialogue.stage = "rcpt"
    dialogue.give_up(70)


def _no_patience_at_the_dot(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    dialogue.give_up(70)


def _until_closed(dialogue: Dialogue) -> None:
    """An ordinary sender at RCPT to whom the appliance closes."""
    with contextlib.suppress(OSError, smtplib.SMTPServerDisconnected):
        _to_rcpt(dialogue)
        dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _to_a_deaf_ear(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.body_until_gone(pause=0.0)


def _no_answer_to_the_dot(dialogue: Dialogue) -> None:
    _to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    with contextlib.suppress(OSError):
        dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _swaks(*words: str) -> Any:
    def script(dialogue: Dialogue) -> None:
        message = dialogue.session.messages[0]
        ends = ["--server", "198.51.100.25", "--from", message.mail_from, "--to", ",".join(message.rcpt_to)]
        ends += ["--helo", "sender.example.net", "--h-Message-Id", message.message_id]
        dialogue.program("swaks", *ends, *words)
        if "--drop-after" in words:
            dialogue.ended("fin", way="swaks --drop-after")

    return script


def _msmtp(dialogue: Dialogue) -> None:
    message = dialogue.session.messages[0]
    words = ["msmtp", "--debug", "--host=198.51.100.25", "--tls=off", f"--from={message.mail_from}"]
    dialogue.program(*words, "--domain=sender.example.net", *message.rcpt_to, stdin=message.content())


def _authenticated(dialogue: Dialogue) -> None:
    """AUTH, a delivered message, and a second one given up by a FIN."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.pause()
    dialogue.must(dialogue.smtp.login("anna", "not a real password"), 235)
    dialogue.deliver(0)
    dialogue.mail(1)
    dialogue.rcpt()
    dialogue.fin()


SILENT = {
    "greeting": ("after the greeting", "no MID; `disconnected address ..., no messages injected within timeout period`"),
    "helo": ("after EHLO", "no MID; `disconnected address ..., no messages injected within timeout period`"),
    "mail": ("after MAIL", "`disconnected ...`, `Receiving aborted`"),
    "data": ("after DATA", "`disconnected ...`, `Receiving aborted`"),
    "body": ("in the body", "`disconnected ...`, `Receiving aborted`"),
    "between": ("after a delivered message", "`ready`, then `disconnected ...` for the connection alone"),
}

CLOSED = {
    "connect": ("after the handshake", "`lost`; no MID"),
    "helo": ("after EHLO", "`lost`; no MID"),
    "mail": ("after MAIL", "`lost`, `Receiving aborted`"),
    "data": ("after DATA", "`lost`, `Receiving aborted`"),
    "body": ("in the body", "`lost`, `Receiving aborted`"),
}

LONG_HEADER = tuple((f"X-Line-{number}", "of a header that is too long") for number in range(1, 1002))

CASES = (
    _case(
        1,
        "three-delivered",
        "Three messages delivered in one connection",
        "Three messages are handed over whole, then QUIT.",
        "three times `ready` and `done`",
        "three accepted messages, QUIT, 221",
        sessions=(Session(tuple(Message(f"three-delivered-{n}") for n in range(3)), script=_several),),
    ),
    _case(
        2,
        "all-recipients-refused",
        "QUIT after all recipients were refused",
        "Both recipients are answered 550; the client says QUIT.",
        "`Rejected by RAT` twice, `Receiving aborted by sender`",
        "two 550, QUIT, 221",
        sessions=(Session((Message("refused", rcpt_to=("carl@example.com", "dan@example.com")),), script=_all_refused),),
        listener=Listener(refuse=tuple((f"{n}@example.com", "550 #5.1.0 Address rejected.") for n in ("carl", "dan"))),
    ),
    _case(
        3,
        "call-back-verification",
        "A server that only asks whether an address exists",
        "MAIL from the empty sender, RCPT, QUIT: a call-back, as other mail servers do it.",
        "`Receiving aborted by sender`",
        "MAIL FROM:<>, RCPT, 250, QUIT",
        sessions=(Session((Message("call-back", mail_from=""),), Stop("rcpt", "quit")),),
        cause=Cause("verification_probe", because="the client never meant to send a message"),
    ),
    _case(
        4,
        "rset-after-rcpt",
        "RSET after RCPT, then QUIT",
        "The client gives the transaction up by RSET, and leaves by QUIT.",
        "`Receiving aborted by sender` (a guess at the vendor's words for RSET)",
        "RSET, 250, QUIT, 221",
        script=_reset_by_rset,
        cause=Cause("sender_quit", because="the sender gave the transaction up by RSET"),
    ),
    _case(
        5,
        "nested-mail",
        "A second MAIL inside a transaction, then FIN",
        "MAIL is said again after RCPT, which is answered 503 and ends nothing; the client then closes.",
        "`lost`, `Receiving aborted`",
        "503 to the second MAIL, then the sender's FIN",
        script=_nested,
    ),
    *(
        _case(
            10 + number,
            f"fin-{'after' if at != 'body' else 'in'}-{at}",
            f"FIN {words[0]}",
            f"The client closes {words[0]}, without QUIT.",
            words[1],
            f"the sender's FIN {words[0]}",
            sessions=_stop(f"fin-{at}", at, "fin", 6000 if at == "body" else 1200),
            # An unread greeting would make a reset of the close.
            listener=Listener(delays=(("greeting", 2.0),)) if at == "connect" else Listener(),
        )
        for number, (at, words) in enumerate(CLOSED.items())
    ),
    _case(
        20,
        "fin-right-after-dot",
        "FIN right behind the final dot",
        "The client sends the dot and closes at once; the appliance takes the message.",
        "`ready`, `done`, then `lost`",
        "dot, FIN, then the 250, which the sender's closed socket answers with an RST",
        script=_fin_at_once_after_dot,
    ),
    _case(
        21,
        "half-close-after-dot",
        "Half-close behind the final dot",
        "The client sends the dot and shuts its sending side; it reads the 250 and the end of the stream.",
        "`ready`, `done`, then `lost`",
        "dot, the sender's FIN, the 250, which is acknowledged",
        script=_half_close,
    ),
    _case(
        22,
        "quit-pipelined-behind-dot",
        "QUIT in one segment with the final dot",
        "Dot and QUIT go out together; both are answered.",
        "`ready`, `done`",
        "dot and QUIT in one segment, 250, 221",
        script=_pipelined_quit,
    ),
    _case(
        23,
        "quit-racing-an-rst",
        "QUIT and an RST at once",
        "QUIT, and a reset before its 221 can have come. The appliance needs half a second for its 221.",
        "`lost`, `Receiving aborted`",
        "QUIT and RST within a millisecond, no 221",
        script=_quit_and_rst,
        listener=Listener(delays=(("quit", 0.5),)),
        unchecked=("stage", "fin"),
    ),
    _case(
        24,
        "quit-racing-a-fin",
        "QUIT and a FIN at once",
        "QUIT, and a close before its 221 can have come. The appliance needs half a second for its 221.",
        "`lost`, `Receiving aborted`",
        "QUIT and FIN within a millisecond, no 221",
        script=_quit_and_fin,
        listener=Listener(delays=(("quit", 0.5),)),
    ),
    _case(
        25,
        "client-killed-in-body",
        "The client's process is killed in the body",
        "kill -9 when part of the body has been acknowledged; its kernel closes the socket.",
        "`lost`, `Receiving aborted`",
        "the sender's FIN in the body",
        sessions=(Session((Message("client-killed", octets=6000),), script=_killed),),
    ),
    _case(
        26,
        "rst-by-unread-data",
        "RST because the client closes with a reply unread",
        "The client closes while the 250 to its RCPT lies unread in the kernel, which makes a reset of the close.",
        "`lost`, `Receiving aborted`",
        "RST with ACK, window and timestamps after the 250 to RCPT",
        script=_unread,
    ),
    _case(
        27,
        "rst-after-fin",
        "FIN right behind DATA, and an RST from the closed socket",
        "The client sends DATA and closes at once; the 354 meets a closed socket.",
        "`lost`, `Receiving aborted`",
        "DATA, the sender's FIN, 354, then an RST without ACK, window or timestamps",
        script=_rst_after_fin,
        unchecked=("stage",),
        expected=(("turn", None),),
    ),
    *(
        _case(
            30 + number,
            f"silence-{'in' if at == 'body' else 'after'}-{'delivery' if at == 'between' else at}",
            f"Silence {words[0]} until the appliance's timer",
            f"The client says nothing more {words[0]}, and keeps the connection open until the appliance ends it.",
            words[1],
            "300 s of silence that the sender owed, `421 Timed out ...`, the appliance's FIN first",
            sessions=_stop(f"silence-{at}", at, "silence", 6000 if at == "body" else 1200),
            limit=LIMIT_OF_SILENCE,
        )
        for number, (at, words) in enumerate(SILENT.items())
    ),
    _case(
        40,
        "dribble-until-timer",
        "A body in drops until the appliance's timer",
        "Forty octets of the body every 20 seconds.",
        "`disconnected ...`, `Receiving aborted`",
        "a body that never stalls and never ends, 421 after 300 s",
        sessions=(Session((Message("dribble", octets=6000),), script=_dribble),),
        limit=LIMIT_OF_SILENCE,
    ),
    _case(
        41,
        "noops-until-timer",
        "NOOPs until the appliance's timer",
        "A NOOP every 20 seconds after RCPT.",
        "`disconnected ...`, `Receiving aborted`",
        "NOOP and 250 in turn, 421 after 300 s",
        script=_noops,
        limit=LIMIT_OF_SILENCE,
    ),
    _case(
        42,
        "total-time-limit",
        "The total time limit of a connection",
        "Three messages in ten minutes, then a body in drops, until the connection is 900 s old.",
        "three messages `done`; `exceeded allowable connection time`, `Receiving aborted`",
        "`421 Exceeded allowable connection time` in the body of the fourth",
        sessions=(
            Session(tuple(Message(f"total-{n}", octets=6000 if n == 3 else 600) for n in range(4)), script=_until_the_total_limit),
        ),
        limit=1000,
        cause=Cause("appliance_timer", because="the appliance's own limit for a connection ran out"),
    ),
    _case(
        43,
        "bad-command-limit",
        "Too many bad commands",
        "Five commands after RCPT that the appliance does not know.",
        "five times `Unknown command`; `Receiving aborted` without `lost` (a guess)",
        "four 500, then `421 Exceeded bad SMTP command limit` and the appliance's FIN",
        script=_bad_commands,
    ),
    _case(
        44,
        "too-large-announced",
        "A message too large by its own SIZE",
        "MAIL announces more than the limit and is answered 552; QUIT.",
        "`Receiving Failed: Message size exceeds limit`; no MID",
        "552 to MAIL, QUIT",
        sessions=(Session((Message("too-large-announced", octets=9000),), script=_too_large_announced),),
        listener=Listener(size_limit=4000),
    ),
    _case(
        45,
        "too-large-unannounced",
        "A message that turns out too large",
        "MAIL has no SIZE; the final dot is answered 552; QUIT.",
        "`Receiving Failed: Message size exceeds limit`, `Message finished ... aborted` (a guess)",
        "552 to the final dot, QUIT",
        sessions=(Session((Message("too-large-unannounced", octets=9000),), script=_too_large_unannounced),),
        listener=Listener(size_limit=4000),
    ),
    _case(
        46,
        "too-many-header-lines",
        "A header of more than 1000 lines",
        "The client sends it all; the appliance answers 552 in the middle, takes the rest for commands, and leaves.",
        "`Receiving aborted` (a guess)",
        "552 in the body, four 500, `421 Exceeded bad SMTP command limit`, then RST and FIN in either direction",
        sessions=(Session((Message("header-lines", headers=LONG_HEADER),), script=_too_many_header_lines),),
        unchecked=("body",),
    ),
    _case(
        47,
        "connection-limit",
        "One connection too many from one address",
        "While one connection is open, a second one is answered 421 in the place of a greeting.",
        "`System limit reached: connection limit`, `Receiving Failed: Connection limit exceeded`",
        "`421 too many connections` in place of the greeting",
        sessions=(
            Session((Message("connection-limit"),), pause=0.6),
            Session(script=_second_connection, start=1.0),
        ),
        listener=Listener(connections=1),
    ),
    _case(
        48,
        "refused-at-the-dot",
        "The message is refused at its final dot",
        "The final dot is answered 554; QUIT.",
        "`Receiving Failed: Message loop`, `Message finished ... aborted` (a guess)",
        "554 to the final dot, QUIT",
        script=_refused_at_the_dot,
        listener=Listener(refuse_end="554 #5.4.6 Message loop"),
    ),
    _case(
        50,
        "slow-answer-to-rcpt",
        "The appliance is slow to answer RCPT, and the sender gives up",
        "The answer to RCPT would take 100 s; the client closes after 70.",
        "`lost`, `Receiving aborted`",
        "RCPT, 70 s of nothing, the sender's FIN",
        script=_no_patience_at_rcpt,
        listener=Listener(delays=(("rcpt", 100.0),)),
        limit=150,
    ),
    _case(
        51,
        "slow-answer-to-the-dot",
        "The appliance is slow to answer the final dot, and the sender gives up",
        "The answer to the dot would take 100 s; the client closes after 70.",
        "`lost`, `Receiving aborted`",
        "the dot, 70 s of nothing, the sender's FIN",
        script=_no_patience_at_the_dot,
        listener=Listener(delays=(("end_of_data", 100.0),)),
        limit=150,
    ),
    _case(
        52,
        "appliance-kills-connection",
        "The appliance kills the connection",
        "After RCPT the appliance's administrator kills the connection.",
        "`SMTP server connection killed`, `Receiving aborted` (a guess)",
        "the appliance's FIN after the 250 to RCPT, without a word",
        script=_until_closed,
        listener=Listener(kill="rcpt"),
        expected=(("why", "unknown"), ("verdict", "undetermined")),
        cause=Cause(None, because="the appliance killed it; the log says so, the wire does not"),
    ),
    _case(
        53,
        "appliance-dies",
        "The appliance's process dies",
        "After RCPT the listener is killed by kill -9; its kernel closes.",
        "nothing more: the log ends after the RCPT",
        "the appliance's FIN after the 250 to RCPT",
        script=_until_closed,
        listener=Listener(die="rcpt"),
    ),
    _case(
        54,
        "appliance-window-closed",
        "The appliance stops reading in the body",
        "The appliance reads no more when the body begins; its window closes; its timer runs out.",
        "`disconnected ...`, `Receiving aborted`",
        "a window of 0 and the sender's probes, for 300 s",
        sessions=(Session((Message("window-closed", octets=200_000),), script=_to_a_deaf_ear),),
        listener=Listener(deaf="body"),
        limit=LIMIT_OF_SILENCE,
    ),
    _case(
        55,
        "no-answer-to-the-dot",
        "The appliance never answers the final dot",
        "The appliance takes the dot and says nothing until its timer runs out.",
        "`disconnected ...`, `Receiving aborted`",
        "the dot, 300 s of nothing that the appliance owed, 421",
        script=_no_answer_to_the_dot,
        listener=Listener(forget_end=True),
        limit=LIMIT_OF_SILENCE,
    ),
    _case(
        60,
        "swaks-delivers",
        "swaks delivers a message",
        "swaks hands over a message and says QUIT.",
        "`ready`, `done`",
        "an accepted message, QUIT, 221",
        client="swaks.",
        script=_swaks(),
    ),
    _case(
        61,
        "swaks-quits-after-rcpt",
        "swaks leaves by QUIT after RCPT",
        "`swaks --quit-after RCPT`.",
        "`Receiving aborted by sender`",
        "QUIT after the 250 to RCPT",
        client="swaks.",
        script=_swaks("--quit-after", "RCPT"),
    ),
    _case(
        62,
        "swaks-drops-after-rcpt",
        "swaks drops the connection after RCPT",
        "`swaks --drop-after RCPT`.",
        "`lost`, `Receiving aborted`",
        "the sender's FIN after the 250 to RCPT",
        client="swaks.",
        script=_swaks("--drop-after", "RCPT"),
    ),
    _case(
        63,
        "msmtp-delivers",
        "msmtp delivers a message",
        "msmtp hands over a message and says QUIT.",
        "`ready`, `done`",
        "an accepted message, QUIT, 221",
        client="msmtp.",
        script=_msmtp,
    ),
    _case(
        64,
        "debug-log-with-auth",
        "AUTH, one message delivered, a second one ended by a FIN, with an injection debug log",
        "The client authenticates, delivers a message, and closes after the RCPT of the next one.",
        "`SMTP Auth: ... succeeded`, `ready`, `done`, then `lost` and `Receiving aborted`; every octet in"
        " `injection_debug.log`, the credentials masked",
        "AUTH, an accepted message, then the sender's FIN after the 250 to RCPT",
        sessions=(Session((Message("debug-log-first"), Message("debug-log-second")), script=_authenticated),),
        listener=Listener(auth=True, debug_log=True),
        logs=("mail.log", "injection_debug.log"),
    ),
    _case(
        70,
        "delivered-but-logged-aborted",
        "A log that calls a delivered message aborted",
        "A message is delivered; the log is made to say otherwise.",
        "`Receiving aborted`, which is not so",
        "`250 ok:  Message N accepted`",
        sessions=(Session((Message("logged-aborted"),),),),
        listener=Listener(wrong=(("accepted", "Receiving aborted"),)),
    ),
    _case(
        71,
        "quit-but-logged-as-network-trouble",
        "A log that calls a QUIT `Receiving aborted`",
        "QUIT after RCPT; the log is made to say otherwise.",
        "`Receiving aborted`, which is not so",
        "QUIT, 221",
        sessions=_stop("quit-logged", "rcpt", "quit"),
        listener=Listener(wrong=(("Receiving aborted by sender", "Receiving aborted"),)),
    ),
    _case(
        72,
        "fin-but-logged-by-sender",
        "A log that calls a FIN `Receiving aborted by sender`",
        "FIN in the body; the log is made to say otherwise.",
        "`Receiving aborted by sender` without `lost`, which is not so",
        "the sender's FIN in the body, no QUIT",
        sessions=_stop("fin-logged", "body", "fin", 6000),
        listener=Listener(wrong=(("Receiving aborted", "Receiving aborted by sender"), ("lost", ""))),
        unchecked=("lost",),
    ),
    _case(
        73,
        "rst-but-logged-accepted",
        "A log that calls a reset message accepted",
        "RST in the body; the log is made to say `ready`.",
        "`ready`, `done`, which is not so",
        "the sender's RST in the body",
        sessions=_stop("rst-logged", "body", "rst", 6000),
        listener=Listener(wrong=(("Receiving aborted", "accepted"),)),
    ),
)
