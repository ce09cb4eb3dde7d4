"""One container: what it is, and what is done to it. Every method may raise ``ApiError`` and ``Unreachable``."""

from __future__ import annotations

from typing import Literal, overload

from rung.client import asked, words
from rung.client.aio.api import Answer, Api
from rung.client.aio.streams import Collected, Output, Pieces, Text, Watch
from rung.client.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Unpack

    Command = str | Sequence[str]

#: A stream of Docker's: hijacked connections are asked for as any protocol is (RFC 9110 section 7.8).
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "tcp")]


class Container:
    """``attrs`` is what the engine said last; ``reload`` asks again."""

    def __init__(self, api: Api, attrs: dict[str, Any]) -> None:
        self._api = api
        self.attrs = attrs

    def __repr__(self) -> str:
        return f"<Container {self.short_id} {self.name}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Container) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        return str(self.attrs["Id"])

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def name(self) -> str:
        return str(self.attrs["Name"]).removeprefix("/")

    @property
    def status(self) -> str:
        """``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited`` or ``dead``."""
        return str(self.attrs["State"]["Status"])

    @property
    def exit_code(self) -> int:
        """That of its last end."""
        return int(self.attrs["State"]["ExitCode"])

    @property
    def health(self) -> str:
        """``starting``, ``healthy``, ``unhealthy``, or ``none`` where nothing checks it."""
        return str((self.attrs["State"].get("Health") or {}).get("Status", "none"))

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.attrs["Config"].get("Labels") or {})

    @property
    def image(self) -> str:
        """The image's name, as it was asked for."""
        return str(self.attrs["Config"]["Image"])

    @property
    def ports(self) -> dict[str, list[dict[str, str]] | None]:
        """``{"80/tcp": [{"HostIp": ..., "HostPort": ...}]}``."""
        return dict(self.attrs["NetworkSettings"].get("Ports") or {})

    @property
    def _path(self) -> str:
        return f"/containers/{self.id}"

    async def reload(self) -> None:
        """Ask the engine again."""
        self.attrs = await self._api.json("GET", f"{self._path}/json")

    async def start(self) -> None:
        await self._api.do("POST", f"{self._path}/start")

    async def stop(self, timeout: int | None = None, signal: str | None = None) -> None:
        """Its stop signal; after ``timeout`` seconds (10 where nothing says another) SIGKILL."""
        await self._api.do("POST", f"{self._path}/stop", {"t": timeout, "signal": signal}, patient=True)

    async def restart(self, timeout: int | None = None) -> None:
        await self._api.do("POST", f"{self._path}/restart", {"t": timeout}, patient=True)

    async def kill(self, signal: str | int | None = None) -> None:
        await self._api.do("POST", f"{self._path}/kill", {"signal": signal})

    async def pause(self) -> None:
        await self._api.do("POST", f"{self._path}/pause")

    async def unpause(self) -> None:
        await self._api.do("POST", f"{self._path}/unpause")

    async def rename(self, name: str) -> None:
        await self._api.do("POST", f"{self._path}/rename", {"name": name})

    async def remove(self, *, v: bool = False, force: bool = False) -> None:
        """``v``: its anonymous volumes as well. ``force``: even while it runs."""
        await self._api.do("DELETE", self._path, {"v": v, "force": force}, patient=True)

    async def wait(self, *, condition: str = "not-running", timeout: float | None = None) -> dict[str, Any]:
        """Until it is ``not-running``, at its ``next-exit``, or ``removed``: ``{"StatusCode": 0}``."""
        async with await self.wait_begun(condition=condition) as answer:
            return await waited(answer, timeout)

    async def wait_begun(self, *, condition: str) -> Answer:
        """A wait that the engine has taken note of: what happens from now on is not missed."""
        return await self._api.open("POST", f"{self._path}/wait", {"condition": condition}, patient=True)

    @overload
    async def logs(self, *, stream: Literal[False] = False, **more: Unpack[words.LogWords]) -> bytes: ...
    @overload
    async def logs(self, *, stream: Literal[True], **more: Unpack[words.LogWords]) -> Text: ...
    async def logs(self, *, stream: bool = False, **more: Unpack[words.LogWords]) -> bytes | Text:
        """What it has written. ``stream``: an iterator of bytes instead; with ``follow`` as long as it runs."""
        query = {"stdout": True, "stderr": True, **more}
        output = Output(await self._api.open("GET", f"{self._path}/logs", query))
        if stream:
            return Text(output)
        collected = Collected()
        await output.collect(collected)
        return bytes(collected.all)

    async def attach(
        self, *, stdin: bool = False, stdout: bool = True, stderr: bool = True, logs: bool = False, stream: bool = True
    ) -> Output:
        """Its streams: iterate for its output, ``send`` to its input."""
        query = {"stdin": stdin, "stdout": stdout, "stderr": stderr, "logs": logs, "stream": stream}
        return Output(await self._api.open("POST", f"{self._path}/attach", query, headers=UPGRADE))

    @overload
    async def exec_run(
        self, cmd: Command, *, demux: Literal[False] = False, **more: Unpack[words.ExecWords]
    ) -> words.ExecResult: ...
    @overload
    async def exec_run(self, cmd: Command, *, demux: Literal[True], **more: Unpack[words.ExecWords]) -> words.Split: ...
    async def exec_run(
        self, cmd: Command, *, demux: bool = False, **more: Unpack[words.ExecWords]
    ) -> words.ExecResult | words.Split:
        """Run a command in it to its end. ``more``: see ``exec_open``. ``demux``: stdout and stderr apart."""
        collected = Collected()
        async with await self.exec_open(cmd, **more) as run:
            await run.output.collect(collected)
            exit_code = await run.exit_code()
        if demux:
            return words.Split(exit_code, (collected.stdout, collected.stderr))
        return words.ExecResult(exit_code, bytes(collected.all))

    async def exec_open(self, cmd: Command, **more: Unpack[words.ExecWords]) -> Exec:
        """Start a command in it and hold its streams."""
        made = await self._api.json("POST", f"{self._path}/exec", body=words.execution(cmd, more))
        path = f"/exec/{made['Id']}"
        body = {"Detach": False, "Tty": more.get("tty", False)}
        return Exec(self._api, path, Output(await self._api.open("POST", f"{path}/start", body=body, headers=UPGRADE)))

    async def put_archive(self, path: str, data: asked.Body) -> bool:
        """Unpack a tar archive into its folder ``path``."""
        await self._api.do("PUT", f"{self._path}/archive", {"path": path}, body=data, patient=True)
        return True

    async def get_archive(self, path: str) -> tuple[Pieces, dict[str, Any]]:
        """A file or folder of its as a tar archive, and what it is: name, size, mode."""
        from base64 import b64decode

        from rung import jsonc

        answer = await self._api.open("GET", f"{self._path}/archive", {"path": path})
        stat = answer.head.get("x-docker-container-path-stat")
        return Pieces(answer), jsonc.loads(b64decode(stat)) if stat else {}

    async def export(self) -> Pieces:
        """Its file system as a tar archive."""
        return Pieces(await self._api.open("GET", f"{self._path}/export"))

    async def diff(self) -> list[dict[str, Any]]:
        """What it has changed in its image: ``Path``, ``Kind`` (0 changed, 1 added, 2 deleted)."""
        return await self._api.json("GET", f"{self._path}/changes") or []

    async def commit(
        self,
        repository: str | None = None,
        tag: str | None = None,
        *,
        message: str | None = None,
        author: str | None = None,
        changes: list[str] | None = None,
        pause: bool = True,
    ) -> str:
        """An image of what it is now: its id. ``changes``: a Dockerfile's lines, ``CMD ["x"]``."""
        named = {"container": self.id, "repo": repository, "tag": tag, "comment": message, "author": author}
        query = {**named, "changes": changes, "pause": "1" if pause else "0"}
        made = await self._api.json("POST", "/commit", query, body={}, patient=True)
        return str(made["Id"])

    @overload
    async def stats(self, *, stream: Literal[False] = False) -> dict[str, Any]: ...
    @overload
    async def stats(self, *, stream: Literal[True]) -> Watch: ...
    async def stats(self, *, stream: bool = False) -> dict[str, Any] | Watch:
        """What it uses: once, or once a second."""
        path = f"{self._path}/stats"
        if stream:
            return Watch(await self._api.open("GET", path, {"stream": True}))
        found: dict[str, Any] = await self._api.json("GET", path, {"stream": "0"})
        return found

    async def top(self, ps_args: str | None = None) -> dict[str, Any]:
        """Its processes: ``Titles``, ``Processes``."""
        found: dict[str, Any] = await self._api.json("GET", f"{self._path}/top", {"ps_args": ps_args})
        return found

    async def update(self, **changes: Any) -> dict[str, Any]:
        """Its limits: ``mem_limit``, ``nano_cpus``, ``pids_limit``, ``restart_policy`` ..."""
        found: dict[str, Any] = await self._api.json("POST", f"{self._path}/update", body=words.changes(changes))
        return found

    async def resize(self, height: int, width: int) -> None:
        """Its terminal's size."""
        await self._api.do("POST", f"{self._path}/resize", {"h": height, "w": width})

    async def exists(self) -> bool:
        """Whether the engine still has it."""
        try:
            await self.reload()
        except NotFound:
            return False
        return True


class Exec:
    """A command that runs in a container; ``output`` is its streams."""

    def __init__(self, api: Api, path: str, output: Output) -> None:
        self._api, self._path = api, path
        self.output = output

    async def inspect(self) -> dict[str, Any]:
        """What the engine says of it: ``Running``, ``ExitCode``, ``Pid``."""
        found: dict[str, Any] = await self._api.json("GET", f"{self._path}/json")
        return found

    async def exit_code(self) -> int:
        """How it ended; -1 while it has not."""
        code = (await self.inspect())["ExitCode"]
        return -1 if code is None else int(code)

    async def __aenter__(self) -> Exec:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.output.close()


async def waited(answer: Answer, timeout: float | None = None) -> dict[str, Any]:
    """What a wait has brought. Raises ``TimeoutError``."""
    import time

    from rung import jsonc

    found = await answer.whole(None if timeout is None else time.monotonic() + timeout)
    outcome: dict[str, Any] = jsonc.loads(found)
    return outcome
