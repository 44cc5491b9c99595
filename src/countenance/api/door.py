"""The door: every route says who may come through, and nothing is read of a request before that is settled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response

from countenance import access
from countenance.errors import MalformedError, NotAllowedError
from countenance.operations.parts import Caller, Holder, House
from countenance.reception.body import PLAIN_BYTES_MAX, Form, Sent, checked, read
from countenance.reception.metrics import Metrics
from countenance.reception.pace import Pace
from countenance.reception.threads import Threads
from countenance.settings import Settings
from countenance.vocabulary import Role

Answer = TypeVar("Answer")
Asked = TypeVar("Asked", bound=Form)


@dataclass(frozen=True, slots=True)
class Open:
    """Marks a route that needs no credential, and says why it does not."""

    why: str


@dataclass(frozen=True, slots=True)
class ByReceipt:
    """Marks a route that takes a receipt instead of a credential, and says what its holder may do there."""

    may: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the interface; `roles` has no default, so that a route nobody thought about does not exist."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    roles: tuple[Role, ...] | Open | ByReceipt
    tag: str
    answer: Any = None
    status: int = 200
    kind: type[Response] = JSONResponse
    example: Any = None
    form: type[Form] | None = None
    form_example: Mapping[str, Any] = field(default_factory=dict)
    multipart: bool = False
    query: type[Form] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty list of roles: it would be read as everybody by one and as nobody by another."""
        if self.roles == ():
            message = "A route names the roles that may call it, or says why it is open."
            raise ValueError(message)

    @property
    def label(self) -> str:
        """Return the route as logs and metrics name it: a template, never a path."""
        return f"{self.method} {self.path}".replace(":path}", "}")


class Door:
    """What stands behind every route: the house, its settings, and the threads that work."""

    def __init__(
        self,
        house: House,
        settings: Settings,
        ready: Callable[[], Mapping[str, bool]],
        metrics: Metrics,
        threads: Threads,
    ) -> None:
        """Stand before the house."""
        self.house = house
        self.settings = settings
        self.ready = ready
        self.metrics = metrics
        self.threads = threads
        self.work = threads.work
        # A receipt is shown from anywhere and by anybody: whoever shows many in a row waits, and nobody else does.
        self.pace = Pace(settings.receipt_requests_per_minute)

    def enter(self, token: str | None) -> Caller:
        """Return who holds `token`; raises NotAllowedError."""
        with self.house.database.transaction() as tx:
            return access.authenticate(tx, token, self.house.clock())

    def open_receipt(self, token: str | None) -> Holder:
        """Return what receipt `token` opens; raises NotAllowedError."""
        with self.house.database.transaction() as tx:
            return access.holder(tx, token, self.house.clock())


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came through: where it goes and who calls, if anybody, by credential or by receipt."""

    door: Door
    route: Route
    request: Request
    somebody: Caller | Holder | None

    @property
    def house(self) -> House:
        """Return the house."""
        return self.door.house

    @property
    def caller(self) -> Caller:
        """Return who calls; raises NotAllowedError on an open route, where nobody was asked."""
        if not isinstance(self.somebody, Caller):
            raise _nobody()
        return self.somebody

    @property
    def holder(self) -> Holder:
        """Return who came with a receipt; raises NotAllowedError on any other route."""
        if not isinstance(self.somebody, Holder):
            raise _nobody()
        return self.somebody

    async def work(self, act: Callable[[], Answer]) -> Answer:
        """Run blocking work in a thread; its time is counted under the route."""
        return await self.door.work(act, picture=self.route.multipart)

    async def sent(self) -> Sent:
        """Read the body, up to the operator's limit, or far less where no picture comes; raises LimitError beyond."""
        most = self.door.settings.body_bytes_max
        if not self.route.multipart:
            most = min(most, PLAIN_BYTES_MAX)
        return await read(self.request, most, multipart=self.route.multipart)

    def asked(self, form: type[Asked]) -> Asked:
        """Return the query as `form`; raises MalformedError naming the parameter that is wrong."""
        return checked(form, dict(self.request.query_params))


class Guard:
    """Lets a request through one route, or raises NotAllowedError before a byte of its body is read."""

    def __init__(self, route: Route) -> None:
        """Stand at one route."""
        self._route = route

    async def __call__(self, request: Request) -> None:
        """Settle who calls, in which role, and that nothing unknown is asked in the query."""
        request.scope["countenance.route"] = self._route.label
        door: Door = request.app.state.door
        somebody = await self._somebody(door, request)
        known = set() if self._route.query is None else set(self._route.query.model_fields)
        asked = [name for name, _ in request.query_params.multi_items()]
        if len(set(asked)) != len(asked) or not set(asked) <= known:
            raise MalformedError(
                "A query parameter is unknown or comes twice. See /v1/openapi.json.",
                "查询参数未知或重复。请查看 /v1/openapi.json。",
            )
        request.state.call = Call(door, self._route, request, somebody)

    async def _somebody(self, door: Door, request: Request) -> Caller | Holder | None:
        """Return who comes through, nobody on an open route; raises NotAllowedError, or LimitError for one too fast."""
        roles = self._route.roles
        if isinstance(roles, Open):
            return None
        if isinstance(roles, ByReceipt):
            door.pace.step(request.client.host if request.client else None)
        token = bearer(request)
        if token is None:
            raise _nobody()
        if isinstance(roles, ByReceipt):
            return await door.work(lambda: door.open_receipt(token))
        caller = await door.work(lambda: door.enter(token))
        access.require(caller, *roles)
        return caller


def bearer(request: Request) -> str | None:
    """Return the one bearer token of a request, or None where there is none, several, or another scheme."""
    given = request.headers.getlist("authorization")
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.isascii() else None


def _nobody() -> NotAllowedError:
    return NotAllowedError(
        "No valid credential came with the request. Send one as 'Authorization: Bearer …'; an officer can issue it.",
        "请求未携带有效凭证。请在 Authorization: Bearer … 中提供，由保护负责人签发。",
        known=False,
    )


def _current(request: Request) -> Call:
    """Return the call its guard let in; a route without a guard fails here, and so answers nobody."""
    call = request.state.call
    if not isinstance(call, Call):  # pragma: no cover - guards write nothing else
        raise _nobody()
    return call


Calling = Annotated[Call, Depends(_current)]


def device_of(caller: Caller, named: str | None) -> str | None:
    """Return the device a request comes from: a device's own, or the one that an officer names.

    Raises NotAllowedError where a device names another than itself.
    """
    if caller.role is not Role.DEVICE:
        return named
    if named is not None and named != caller.device_id:
        raise NotAllowedError(
            "A device's credential speaks for that device alone. Leave `device` out, or use the other's credential.",
            "设备凭证只能代表该设备本身。请省略 device，或使用另一设备的凭证。",
        )
    return caller.device_id


def hang(app: FastAPI, route: Route, described: Mapping[str, Any]) -> None:
    """Add a route to the application, behind its guard."""
    app.add_api_route(
        route.path,
        route.endpoint,
        methods=[route.method],
        status_code=route.status,
        response_model=route.answer,
        response_class=route.kind,
        dependencies=[Depends(Guard(route))],
        tags=[route.tag],
        name=route.endpoint.__name__,
        **described,
    )
