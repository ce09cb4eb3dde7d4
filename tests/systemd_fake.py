"""A systemd on a socket, for tests on hosts that have another process 1: the part of its manager that the driver asks.

It makes real cgroups where it is given hierarchies, moves the processes that a unit begins with, and answers in
systemd's words. It speaks to anyone, keeps every property it was given, and forgets a scope that has become empty,
as the real one does. The kernel tests of ``tests/kernel/systemd`` pass with it and with the real one.
"""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rung.runtime.cgroup.systemd import message
from rung.runtime.cgroup.systemd.marshal import Variant
from rung.runtime.cgroup.systemd.message import Message
from rung.runtime.cgroup.systemd.names import slice_path

MANAGER = "org.freedesktop.systemd1.Manager"
PATH = "/org/freedesktop/systemd1"


class Refused(Exception):
    """An error answer: its name and text."""


@dataclass
class FakeSystemd:
    """Serves ``address`` until closed. ``tops``: hierarchies to make cgroups in."""

    address: Path
    tops: list[Path] = field(default_factory=list)
    version: str = "257.13-1~fake"
    job_result: str = "done"
    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    _jobs: int = 0

    def __enter__(self) -> FakeSystemd:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.address))
        self._listening.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self._listening.close()
        self.address.unlink()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        buffer = b""
        while not buffer.endswith(b"BEGIN\r\n") and b"BEGIN\r\n" not in buffer:
            if not (part := connection.recv(4096)):
                return
            buffer += part
        greeting, _, buffer = buffer.partition(b"BEGIN\r\n")
        assert greeting == b"\0AUTH EXTERNAL\r\nDATA\r\n", greeting
        connection.sendall(b"DATA\r\nOK 00112233445566778899aabbccddeeff\r\n")
        while True:
            while (size := message.size(buffer)) and len(buffer) >= size:
                connection.sendall(self._answer(message.parse(buffer[:size])))
                buffer = buffer[size:]
            if not (part := connection.recv(65536)):
                return
            buffer += part

    def _answer(self, call: Message) -> bytes:
        self.calls.append(call.member)
        fields = {message.REPLY_SERIAL: Variant("u", call.serial)}
        try:
            signature, values, after = self._do(call)
        except Refused as refused:
            name, text = refused.args
            fields[message.ERROR_NAME] = Variant("s", name)
            return message.encode(message.ERROR, 1, fields, "s", (text,))
        return message.encode(message.RETURN, 1, fields, signature, values) + after

    def _do(self, call: Message) -> tuple[str, tuple[Any, ...], bytes]:
        match call.member:
            case "Hello":
                return "s", (":1.1",), b""
            case "AddMatch" | "Subscribe":
                return "", (), b""
            case "Get":
                found = {"Version": self.version, "ControlGroup": "/init.scope"}[call.body[1]]
                return "v", (Variant("s", found),), b""
            case "StartTransientUnit":
                self._start(call.body[0], dict(call.body[2]))
                return self._job(call.body[0])
            case "StopUnit":
                self._stop(self._known(call.body[0]))
                return self._job(call.body[0])
            case "AttachProcessesToUnit":
                unit, below, pids = call.body
                for place in self._places(self._known(unit)):
                    for pid in pids:
                        (place / below.strip("/") / "cgroup.procs").write_text(str(pid))
                return "", (), b""
            case "SetUnitProperties":
                self.units[self._known(call.body[0])].update({name: item.value for name, item in call.body[2]})
                return "", (), b""
            case "ResetFailedUnit":
                self._known(call.body[0])
                return "", (), b""
        raise Refused("org.freedesktop.DBus.Error.UnknownMethod", call.member)

    def _job(self, unit: str) -> tuple[str, tuple[Any, ...], bytes]:
        self._jobs += 1
        job = f"{PATH}/job/{self._jobs}"
        fields = {
            message.PATH: Variant("o", PATH),
            message.INTERFACE: Variant("s", MANAGER),
            message.MEMBER: Variant("s", "JobRemoved"),
        }
        body = (self._jobs, job, unit, self.job_result)
        return "o", (job,), message.encode(message.SIGNAL, 2, fields, "uoss", body)

    def _known(self, unit: str) -> str:
        if unit in self.units and unit.endswith(".scope") and self.tops and not self._pids(unit):
            self._stop(unit)
        if unit not in self.units:
            raise Refused("org.freedesktop.systemd1.NoSuchUnit", f"Unit {unit} not loaded.")
        return unit

    def _start(self, unit: str, properties: dict[str, Variant]) -> None:
        if unit in self.units:
            raise Refused("org.freedesktop.systemd1.UnitExists", f"Unit {unit} was already loaded.")
        self.units[unit] = {name: item.value for name, item in properties.items()}
        for place in self._places(unit):
            place.mkdir(parents=True, exist_ok=True)
            for pid in self.units[unit].get("PIDs", ()):
                (place / "cgroup.procs").write_text(str(pid))

    def _stop(self, unit: str) -> None:
        for place in self._places(unit):
            for folder, _, _ in os.walk(place, topdown=False):
                os.rmdir(folder)
        del self.units[unit]

    def _places(self, unit: str) -> list[Path]:
        inner = slice_path(unit) if unit.endswith(".slice") else f"{slice_path(self.units[unit]['Slice'])}/{unit}"
        return [top / inner.lstrip("/") for top in self.tops]

    def _pids(self, unit: str) -> list[str]:
        procs = [place / "cgroup.procs" for place in self._places(unit)]
        return [pid for file in procs if file.exists() for pid in file.read_text().split()]
