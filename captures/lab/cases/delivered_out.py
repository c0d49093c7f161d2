"""The appliance delivers mail itself, and the remote server, or a box before it, misbehaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from middlebox import DropFrom, ForgeReset, Packet
from middlebox.devices import Both, banner_masked, starttls_masked
from trouble import log_without_head

from .interference import SILENT, WAY
from .plan import Case, Cause, Message, Session

if TYPE_CHECKING:
    from remote import Remote

DELAYED = "`Connection Error: DCID ... details: {}`, `Delayed: ... 4.4.2`"


def ends(stage: str, how: str) -> Any:
    """An ordinary server as far as a stage, that then closes, resets or falls silent."""

    async def script(remote: Remote) -> None:
        await remote.until(stage)
        if how == "silence":
            await remote.silence()
            remote.writer.close()
        else:
            getattr(remote, how)()

    return script


def ends_in_body(how: str) -> Any:
    """The same in the middle of the body."""

    async def script(remote: Remote) -> None:
        await remote.until("data")
        await remote.body(4000)
        getattr(remote, how)()

    return script


def _refuses(stage: str, reply: str) -> Any:
    """An ordinary server as far as a stage, whose next answer is a refusal, and which then waits for the end."""

    async def script(remote: Remote) -> None:
        if stage == "connect":
            await remote.say(reply)
        else:
            await remote.until(stage)
            if stage != "end_of_data":
                await remote.hear()
            await remote.say(reply)
        await remote.reader.read()
        remote.record("fin", answer=reply[:3])
        remote.writer.close()

    return script


async def offers_starttls(remote: Remote) -> None:
    """A server that offers STARTTLS, which something on the way masks; the mail is taken in clear."""
    await remote.say("220 mx.example.net ESMTP")
    await remote.hear()
    await remote.say("250-mx.example.net", "250-STARTTLS", "250 8BITMIME")
    remote.stage = "helo"
    await remote.until("quit")
    remote.writer.close()


async def _takes(remote: Remote) -> None:
    """Takes the mail, for as long as the way lets it."""
    await remote.until("quit")
    remote.writer.close()


def _one_of_five_fails(answer: str | None) -> Any:
    """Takes mail, in words of its own to each or always the same; the fourth connection it closes after RCPT."""

    async def script(remote: Remote) -> None:
        remote.answer = answer or remote.answer
        await ends("rcpt" if remote.number == 3 else "quit", "fin")(remote)

    return script


def _five(name: str) -> tuple[Session, ...]:
    """Five connections to one address, a second or two between them, unevenly, of which two overlap."""
    begins = (0.0, 1.7, 4.1, 4.3, 7.9)
    letters = [Message(f"{name}-{n}", rcpt_to=(f"bert{n}@example.com",), octets=2000) for n in range(5)]
    return tuple(Session((letter,), start=at, patience=60) for letter, at in zip(letters, begins, strict=True))


def _second_kilobytes(flow: Any, packet: Packet) -> bool:
    """The first packet of the appliance's after 8 KB of what it says."""
    return not packet.to_appliance and bool(packet.payload) and len(flow.answered) >= 8000


def _case(number: int, name: str, title: str, remote: Any, **more: Any) -> Case:
    """What all cases of this family share."""
    given = {"client": "The appliance's own: smtplib.", "path": WAY, "family": "delivery", "server": "delivery"}
    sessions = (Session((Message(name, octets=20_000),), patience=more.pop("patience", 60)),)
    ids = {"first_icid": 17000 + 10 * number, "first_mid": 8000 + 10 * number}
    return Case(name=name, title=title, remote=remote, **{**given, **ids, "sessions": sessions, **more})


CASES = (
    _case(
        1,
        "delivery-taken",
        "The remote server takes the mail",
        _takes,
        done="The appliance delivers one message, and the remote server takes it.",
        log_says="`Message done DCID`, `Response '2.0.0 Ok ...'`, `DCID close`",
        wire_shows="the appliance is the client: MAIL, RCPT, DATA, a body, 250, QUIT",
    ),
    _case(
        2,
        "delivery-fin-after-rcpt",
        "The remote server closes after RCPT",
        ends("rcpt", "fin"),
        done="The remote server answers RCPT and closes without a word.",
        log_says=DELAYED.format("EOF"),
        wire_shows="the remote's FIN after its 250 to RCPT",
        cause=Cause(None, "the remote server", because="its FIN bears its usual TTL"),
    ),
    _case(
        3,
        "delivery-fin-in-body",
        "The remote server closes in the middle of the body",
        ends_in_body("fin"),
        done="The remote server reads 4 KB of the body and closes. What the appliance still sends draws resets.",
        log_says=DELAYED.format("EOF or [Errno 54]"),
        wire_shows="the remote's FIN or RST in the body, and its kernel's resets to what still comes",
        cause=Cause(None, "the remote server", because="FIN and resets bear its usual TTL"),
    ),
    _case(
        4,
        "delivery-rst-after-rcpt",
        "The remote server resets after RCPT",
        ends("rcpt", "rst"),
        done="The remote server answers RCPT and resets.",
        log_says=DELAYED.format("[Errno 54] Connection reset by peer"),
        wire_shows="the remote's RST after its 250 to RCPT",
        cause=Cause(None, "the remote server", because="the RST bears its usual TTL and timestamps"),
    ),
    _case(
        5,
        "delivery-rst-after-dot",
        "The remote server resets instead of answering the dot",
        ends("end_of_data", "rst"),
        done="The remote server reads the whole body with its dot and resets.",
        log_says=DELAYED.format("[Errno 54] Connection reset by peer"),
        wire_shows="a whole body, the remote's ACK, its RST",
        cause=Cause(None, "the remote server", because="the RST bears its usual TTL and timestamps"),
    ),
    _case(
        6,
        "delivery-silence-after-dot",
        "The remote server never answers the dot",
        ends("end_of_data", "silence"),
        done="The remote server reads the whole body with its dot and says nothing for 300 s.",
        log_says=DELAYED.format("timeout"),
        wire_shows="a whole body, the remote's ACK, 300 s of nothing, the appliance's FIN",
        cause=Cause(None, "the remote server", because="its kernel acknowledges all, its program says nothing"),
        patience=300,
        limit=SILENT,
    ),
    _case(
        7,
        "delivery-421-greeting",
        "The remote server greets with a 421",
        _refuses("connect", "421 4.3.2 Too many connections"),
        done="The remote server's greeting is a 421.",
        log_says="`Delayed: DCID ... ('421', ...)`",
        wire_shows="421 in place of the greeting",
        cause=Cause(None, "the remote server", because="it says so"),
    ),
    _case(
        8,
        "delivery-451-rcpt",
        "The remote server refuses a recipient for now",
        _refuses("mail", "451 4.7.1 Greylisted, try again later"),
        done="The remote server answers RCPT with 451.",
        log_says="`Delayed: DCID ... ('451', ...)`",
        wire_shows="451 in answer to RCPT",
        cause=Cause(None, "the remote server", because="it says so"),
    ),
    _case(
        9,
        "delivery-550-rcpt",
        "The remote server refuses a recipient for good",
        _refuses("mail", "550 5.1.1 User unknown"),
        done="The remote server answers RCPT with 550.",
        log_says="`Bounced: DCID ... ('550', ...)`",
        wire_shows="550 in answer to RCPT",
        cause=Cause(None, "the remote server", because="it says so"),
    ),
    _case(
        10,
        "delivery-554-dot",
        "The remote server refuses the message after its dot",
        _refuses("end_of_data", "554 5.7.1 Message refused"),
        done="The remote server reads the whole body with its dot and answers 554.",
        log_says="`Bounced: DCID ... ('554', ...)`",
        wire_shows="a whole body, 554 in answer to its dot",
        cause=Cause(None, "the remote server", because="it says so"),
    ),
    _case(
        11,
        "delivery-rst-by-device",
        "A box on the way resets a delivery",
        _takes,
        done="When 8 KB have gone out, the box sends an RST to the appliance in the remote's name, and one to the remote,"
        " with a TTL of its own.",
        log_says=DELAYED.format("[Errno 54] Connection reset by peer"),
        wire_shows="an RST bearing the remote's address, with a TTL of 63 where the remote's packets have 61",
        policy=lambda: ForgeReset(_second_kilobytes, ttl=64),
        cause=Cause("middlebox_reset", "the box", because="its TTL shows that"),
    ),
    _case(
        12,
        "delivery-dropped-by-device",
        "A box on the way swallows a delivery",
        _takes,
        done="When 8 KB have gone out, the box drops all packets of the connection.",
        log_says=DELAYED.format("timeout"),
        wire_shows="the appliance sends the same octets again and again, and nobody acknowledges them",
        policy=lambda: DropFrom(_second_kilobytes),
        limit=120,
        cause=Cause(
            "path_lost_data", "the box", False, "the box dropped them; from here a dead host looks just like that"
        ),
    ),
    _case(
        13,
        "delivery-banner-masked",
        "A firewall masks the remote server's banner and its STARTTLS",
        offers_starttls,
        done="The box turns all characters of the remote's greeting but 2, 0 and blanks into stars, and STARTTLS in its"
        " reply to EHLO into XXXXXXXA. The mail is delivered in clear.",
        log_says="`Message done DCID`",
        wire_shows="`220 *****************`, `250-XXXXXXXA`",
        policy=lambda: Both(banner_masked(True), starttls_masked(True), action="masked"),
        cause=Cause("middlebox_rewriting", "the box", because="no server greets in stars"),
    ),
    _case(
        14,
        "deliveries-log-without-head",
        "Five deliveries to one address, and a log of nothing else that tells no offset from UTC",
        _one_of_five_fails(None),
        done="The appliance delivers over five connections to one address; four messages are taken, each with a number of"
        " its own, and the fourth connection is closed after RCPT. The head of the log is cut off.",
        log_says=f"`Response '2.0.0 Ok: queued as ...'` four times; {DELAYED.format('EOF')}; no head",
        wire_shows="the same words of the remote server, an hour apart from the log's stamps; its FIN after a 250 to RCPT",
        sessions=_five("deliveries-log-without-head"),
        trouble=log_without_head(),
        family="trouble",
    ),
    _case(
        15,
        "deliveries-log-without-head-alike",
        "The same, but the remote server says the same words to each message",
        _one_of_five_fails("250 2.0.0 Message accepted for delivery"),
        done="The appliance delivers over five connections to one address; four messages are taken in the same words, and"
        " the fourth connection is closed after RCPT. The head of the log is cut off.",
        log_says=f"`Response '2.0.0 Message accepted for delivery'` four times; {DELAYED.format('EOF')}; no head",
        wire_shows="five connections to one address, of which one ends by a FIN after a 250 to RCPT",
        sessions=_five("deliveries-log-without-head-alike"),
        trouble=log_without_head(),
        family="trouble",
        expected=(("match", "ambiguous"), ("verdict", "undetermined"), ("cause_knowable", False)),
    ),
)
