"""One kind of thing, loaded once for an operation: what is asked for together in one batch, however it is asked for."""

import asyncio
from asyncio import Future
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

from vaultstream import dependencies
from vaultstream.adapters.telemetry.tracer import span
from vaultstream.errors import VaultError

K = TypeVar("K")
V = TypeVar("V")
_T = TypeVar("_T")


class Loader(Generic[K, V]):
    """Values by key. A whole level of a query waits for one future, and for none where all is known.

    Each caller has a future of their own, so that one who goes away takes nothing from the others: graphql-core
    cancels what stands beside an error, which may be what another place waits for too.
    """

    def __init__(
        self,
        load: Callable[[list[K]], Coroutine[Any, Any, Sequence[V]]],  # Any: as coroutines are typed
        *,
        name: Callable[[K], Hashable] | None = None,
        nothing: V | None = None,
    ) -> None:
        """`name` tells keys apart that do not hash; `nothing` is what no key (None) gives."""
        self._known: dict[Hashable, Any] = {None: nothing}  # Any: V, and `nothing`
        self._seen: list[Iterable[tuple[Hashable, Any]]] = []  # Any: V
        self._name = name
        self._load = load

    @cached_property
    def _asks(self) -> "_Asks[K, V]":
        """Made when there is something to load: much of what is asked for came along with something else."""
        return _Asks(self._load, self._known, self._name)

    def saw(self, values: Iterable[tuple[K, V]]) -> None:
        """Keep what came along with something else, by keys that hash, unless it is known; nobody looks at the values
        before somebody asks.
        """
        self._seen.append(values)

    def load(self, key: K | None) -> "Future[V]":
        """The value of one key."""
        (name,), known = self._names([key]), self._all_known()
        if key is not None and name not in known and not self._at_once({name: key}):
            return self._asked((key,), lambda: known[name])
        told: Future[V] = asyncio.get_running_loop().create_future()
        told.set_result(known[name])
        return told

    def many(self, keys: Sequence[K | None]) -> "list[V] | Future[list[V]]":
        """The values of all keys, in their order: at once where they are known."""
        names, known = self._names(keys), self._all_known()
        missing = set(names).difference(known)
        if missing:
            wanted = {name: key for name, key in zip(names, keys, strict=True) if key is not None and name in missing}
            if not self._at_once(wanted):
                return self._asked(tuple(wanted.values()), lambda: [known[name] for name in names])
        return [known[name] for name in names]

    async def all(self, keys: Sequence[K]) -> list[V]:
        """The values of all keys, in their order; not one turn later, for who asks so has gathered them already."""
        names, known = self._names(keys), self._all_known()
        wanted = {name: key for name, key in zip(names, keys, strict=True) if name not in known}
        if wanted and not self._at_once(wanted):
            dependencies.read_now()
            await self._asks.batch_load_fn([tuple(wanted.values())])
        return [known[name] for name in names]

    def _all_known(self) -> dict[Hashable, Any]:  # Any: as above
        for values in self._seen:
            for key, value in values:
                self._known.setdefault(key, value)
        self._seen.clear()
        return self._known

    def _names(self, keys: Sequence[K | None]) -> Sequence[Hashable]:
        name = self._name
        return keys if name is None else [None if key is None else name(key) for key in keys]

    def _at_once(self, wanted: Mapping[Hashable, K]) -> bool:
        """Whether these could be loaded from what is at hand; nothing has been asked of anybody where not."""
        if dependencies.foreseen() is None:
            return False
        loading = self._load(list(wanted.values()))
        try:
            with dependencies.Unwaiting():
                loading.send(None)
        except StopIteration as loaded:
            self._known.update(zip(wanted, loaded.value, strict=True))
            return True
        except (dependencies.NotAtHand, VaultError):  # an error is told by whoever waits
            return False
        finally:
            loading.close()
        raise RuntimeError("a load waits for what it did not say that it reads")

    def _asked(self, keys: tuple[K, ...], answer: Callable[[], _T]) -> "Future[_T]":
        told: Future[_T] = asyncio.get_running_loop().create_future()

        def tell(ask: "Future[None]") -> None:
            error = ask.exception()
            if told.done():
                return
            if error is not None:
                told.set_exception(error)
            else:
                told.set_result(answer())

        self._asks.load(keys).add_done_callback(tell)
        return told


class _Asks(DataLoader[tuple[K, ...], None], Generic[K, V]):
    """Gathers what is asked for in one turn of the event loop: each ask is a tuple of keys."""

    cache = False

    def __init__(
        self,
        load: Callable[[list[K]], Coroutine[Any, Any, Sequence[V]]],  # Any: as in Loader
        known: dict[Hashable, Any],  # Any: as in Loader
        name: Callable[[K], Hashable] | None,
    ) -> None:
        super().__init__()
        self._load = load
        self._known = known
        self._name = name
        self._flights: dict[Hashable, Future[None]] = {}

    async def batch_load_fn(self, asks: Sequence[tuple[K, ...]]) -> list[None]:
        """Load what nobody has loaded nor is loading; wait for the rest."""
        name = self._name
        wanted: dict[Hashable, K] = {name(key) if name else key: key for ask in asks for key in ask}
        while missing := [each for each in wanted if each not in self._known]:
            if mine := [each for each in missing if each not in self._flights]:
                await self._fly({each: wanted[each] for each in mine})
            else:
                await asyncio.wait({self._flights[each] for each in missing})
        return [None] * len(asks)

    async def _fly(self, wanted: dict[Hashable, K]) -> None:
        flight: Future[None] = asyncio.get_running_loop().create_future()
        self._flights |= dict.fromkeys(wanted, flight)
        try:
            with span("load") as told:
                if told is not None:
                    told.name = f"load {getattr(self._load, 'func', self._load).__name__}"
                    told.attributes["keys"] = len(wanted)
                values = await self._load(list(wanted.values()))
            self._known.update(zip(wanted, values, strict=True))
        finally:
            for each in wanted:
                del self._flights[each]
            flight.set_result(None)
