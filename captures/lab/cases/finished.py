"""Sessions in which nothing went wrong: the lab's control group."""

from __future__ import annotations

from .plan import Case, Message, Session

CASES = (
    Case(
        name="delivered-with-quit",
        title="One message delivered, then QUIT",
        done="One message is handed over whole, the appliance accepts it, the client says QUIT and waits for the 221.",
        client="Python's smtplib: `ehlo`, `mail`, `rcpt`, `data`, `quit`.",
        log_says="`ready N bytes`, `Message finished ... done`, `ICID close`; nothing was aborted",
        wire_shows="`250 ok:  Message N accepted`, QUIT, 221, FIN from both ends",
        sessions=(Session((Message("delivered-with-quit"),)),),
        first_icid=10287,
        first_mid=1398,
    ),
)
