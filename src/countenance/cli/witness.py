"""A witness and mirror of others' logs, which a regulator or an association runs on a machine of its own."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from countenance.cli.bars import bar
from countenance.cli.house import Json, read_file, start_logging
from countenance.errors import CountenanceError, MalformedError, UnavailableError

if TYPE_CHECKING:
    from countenance.authority.mirror import Mirrored
    from countenance.authority.witness import Witness

witness_app = typer.Typer(help="Witness and mirror the logs of others.", no_args_is_help=True)

_log = logging.getLogger("countenance.cli")

#: A connection on which nothing is asked for so long is closed.
IDLE_SECONDS_MAX: Final = 10.0
_MIRROR_SECONDS_MIN: Final = 1.0

Directory = Annotated[Path, typer.Option("--directory", help="The witness's own directory.")]
PolicyFile = Annotated[Path, typer.Option("--policy", help="The logs it knows: a C2SP tlog-policy file.")]


@witness_app.command("make")
def make_command(
    directory: Directory,
    name: Annotated[str, typer.Option("--name", help="Its name, like an address: witness.example/w1")],
) -> None:
    """Make a witness's key in its own directory, mode 0600, and print the public one for others' policies."""
    from countenance.authority.witness import make

    typer.echo(make(directory, name).as_vkey())


@witness_app.command("serve")
def serve_command(  # noqa: PLR0917 — each is one option
    directory: Directory,
    policy: PolicyFile,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8010,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="The TLS certificate, a PEM file.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The key of the TLS certificate, a PEM file.")] = None,
    mirror_every: Annotated[
        float | None,
        typer.Option("--mirror-every", min=_MIRROR_SECONDS_MIN, help="Mirror as well, so many seconds apart."),
    ] = None,
) -> None:
    """Cosign the checkpoints of the logs in the policy until stopped (C2SP tlog-witness)."""
    from countenance.authority.serving import application

    if (certificate is None) != (key is None):
        raise MalformedError("Name --certificate and --key together.", "--certificate 与 --key 须同时指定。")
    if certificate is None and not _stays_here(host):
        raise MalformedError(
            "Others reach a witness over TLS only. Name --certificate and --key, or let it listen on this machine, "
            "behind a server that has them.",
            "见证者对外仅以 TLS 提供服务。请指定 --certificate 与 --key，或仅监听本机并置于具备 TLS 的服务器之后。",
        )
    for file in (certificate, key):
        if file is not None:
            read_file(file)
    start_logging("info")
    opened = _opened(directory, policy)
    scheme = "http" if certificate is None else "https"
    shown = f"[{host}]" if ":" in host else host
    with _mirroring(opened, mirror_every):
        _run(
            application(opened),
            f"{scheme}://{shown}:{port}",
            host=host,
            port=port,
            ssl_certfile=None if certificate is None else str(certificate),
            ssl_keyfile=None if key is None else str(key),
        )


@witness_app.command("mirror")
def mirror_command(directory: Directory, policy: PolicyFile) -> None:
    """Fetch what the logs in the policy that have an address have more than before, check it and keep it.

    Ends with 1 where a log could not be mirrored; the others are all the same.
    """
    from countenance.authority.mirror import mirror_all

    opened = _opened(directory, policy)
    with bar("Mirroring") as progress:
        found = mirror_all(opened, progress)
    for origin, result in found.items():
        if isinstance(result, CountenanceError):
            typer.echo(f"{origin}: {result.en} · {result.zh}", err=True)
        else:
            typer.echo(f"{origin}: {result.size} entries, {result.size - result.before} of them new")
    if any(isinstance(each, CountenanceError) for each in found.values()):
        raise typer.Exit(1)


@witness_app.command("status")
def status_command(directory: Directory, as_json: Json = False) -> None:
    """Show what was cosigned and mirrored, and every alarm; ends with 1 where there are alarms.

    An alarm that is proven holds two checkpoints which one log signed and of which only one can be true. One that is
    not may have been sent by anybody, and goes away when the log turns out to have one history.
    """
    from countenance.authority.alarms import Alarms
    from countenance.authority.witness import cosigned_in, key_of, mirrored_of

    said: dict[str, Any] = {"vkey": key_of(directory).as_vkey(), "logs": [], "alarms": []}
    for each in cosigned_in(directory):
        mirrored = mirrored_of(directory, each.checkpoint.origin)
        said["logs"].append(
            {
                "origin": each.checkpoint.origin,
                "size": each.checkpoint.size,
                "at": each.at.isoformat(),
                "mirrored": 0 if mirrored.checkpoint is None else mirrored.checkpoint.size,
                "mirror": str(mirrored.files.directory),
            }
        )
    for alarm in Alarms(directory / "alarms").listed():
        said["alarms"].append(
            {
                "kind": alarm.kind.value,
                "proven": alarm.proven,
                "origin": alarm.origin,
                "size": alarm.size,
                "at": alarm.at.isoformat(),
                "folder": str(alarm.folder),
            }
        )
    if as_json:
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        _tell(said)
    if said["alarms"]:
        raise typer.Exit(1)


def _tell(said: dict[str, Any]) -> None:
    typer.echo(said["vkey"])
    for each in said["logs"]:
        typer.echo(f"{each['origin']}: {each['size']} cosigned at {each['at']}, {each['mirrored']} mirrored")
    for each in said["alarms"]:
        sure = "proven · 已证实" if each["proven"] else "to be looked into · 待查"
        what, zh = _MEANS[each["kind"]]
        typer.echo(f"ALARM {each['kind']} ({sure}) {each['origin']} at {each['size']}, {each['at']}: {what} · {zh}")
        typer.echo(f"  both checkpoints: {each['folder']}")
    if not said["logs"]:
        typer.echo("Nothing cosigned yet.")


#: What each kind of alarm means, for whoever has to act on it.
_MEANS: Final = {
    "fork": ("the log has two histories", "日志存在两个历史"),
    "rollback": ("the log's own address served less than before", "日志地址提供的内容少于此前"),
    "older": ("somebody sent a smaller checkpoint than was cosigned", "有人提交了小于已联署大小的检查点"),
    "proof": ("a checkpoint came whose proof does not hold", "收到证明无效的检查点"),
}


def _opened(directory: Path, policy: Path) -> "Witness":
    from countenance.app import now
    from countenance.authority.witness import Witness
    from countenance.log.policy import Policy

    return Witness(directory, Policy.parse(read_file(policy)), now)


@contextmanager
def _mirroring(witness: "Witness", every: float | None) -> Iterator[None]:
    """Mirror every so many seconds beside what is done inside; cut off at the end, for the next run to go on."""
    if every is None:
        yield
        return
    from countenance.authority.mirror import mirror_all

    closing = threading.Event()

    def act() -> None:
        while not closing.is_set():
            _log_mirrored(mirror_all(witness, lambda *_: None))
            closing.wait(every)

    threading.Thread(target=act, name="mirroring", daemon=True).start()
    try:
        yield
    finally:
        closing.set()


def _log_mirrored(found: "dict[str, Mirrored | CountenanceError]") -> None:
    for origin, result in found.items():
        if isinstance(result, CountenanceError):
            _log.error("not_mirrored", extra={"origin": origin, "kind": type(result).__name__, "why": result.en})
        elif result.size > result.before:
            _log.info("mirrored", extra={"origin": origin, "size": result.size, "before": result.before})


def _stays_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _run(application: Any, address: str, **where: Any) -> None:
    """Serve until a signal comes; requests under way are finished first."""
    import asyncio

    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Bounded(H11Protocol):
        """Closes a connection on which no request becomes whole, or comes, for a while; uvicorn would wait for ever."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.loop.call_later(IDLE_SECONDS_MAX, self.look, None)

        def look(self, before: object) -> None:
            if self.transport.is_closing():
                return
            idle = getattr(self.cycle, "response_complete", True)  # there is none before the first request
            if idle and self.cycle is before:
                self.transport.close()
            else:
                self.loop.call_later(IDLE_SECONDS_MAX, self.look, self.cycle)

    class Server(uvicorn.Server):
        """Says when it listens, so that nothing is promised before."""

        async def startup(self, sockets: list[Any] | None = None) -> None:
            try:
                await super().startup(sockets)
            except SystemExit:  # uvicorn's way to say that it cannot bind
                self.should_exit = True
                return
            typer.echo(f"Witnessing at {address}/add-checkpoint", err=True)

    config = uvicorn.Config(
        application,
        http=Bounded,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=16 * 1024,
        **where,
    )
    server = Server(config)
    server.run()
    if not server.started:
        raise UnavailableError(
            "The port is taken or may not be used. Name a free one with --port.",
            "端口被占用或无权使用。请用 --port 指定可用端口。",
        )
