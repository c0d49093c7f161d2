"""TLS whose records pass through our own hands: a socket that can send a part of one."""

from __future__ import annotations

import io
import socket
import ssl


class RecordSocket(io.RawIOBase):
    """As much of a socket as smtplib uses, over a TLS engine in memory and a plain socket."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__()
        self.plain = plain
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out)
        self._step(self._tls.do_handshake)

    def _step(self, do, *arguments):  # type: ignore[no-untyped-def]
        """Do something that may have to wait for records of the other end."""
        while True:
            try:
                done = do(*arguments)
            except ssl.SSLWantReadError:
                self._flush()
                data = self.plain.recv(65536)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
                continue
            self._flush()
            return done

    def _flush(self) -> None:
        if self._out.pending:
            self.plain.sendall(self._out.read())

    def sendall(self, data: bytes) -> None:
        """All of it, in whole records."""
        self._step(self._tls.write, data)

    def send_part(self, data: bytes, share: float) -> int:
        """Make one record of it and send only this share of the record; returns the octets sent."""
        self._tls.write(data)
        record = self._out.read()
        part = record[: int(len(record) * share)]
        self.plain.sendall(part)
        return len(part)

    def recv(self, size: int) -> bytes:
        """What has come, decrypted; empty at the end."""
        try:
            return self._step(self._tls.read, size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def readable(self) -> bool:
        """For makefile."""
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def,override]
        """For makefile."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What smtplib reads lines from."""
        return io.BufferedReader(self)

    def setsockopt(self, *arguments) -> None:  # type: ignore[no-untyped-def]
        """For SO_LINGER."""
        self.plain.setsockopt(*arguments)

    def fileno(self) -> int:
        """Of the plain socket."""
        return self.plain.fileno()

    def close(self) -> None:
        """Close the plain socket, without a close_notify."""
        super().close()
        self.plain.close()
