"""Who is on stage in a run: the contenders on each database, started when a row first asks for them, and whose turn it is."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from accredit.server.store.migrate import migrate
from bench.load import Taken, Target
from bench.machine import Cores, pinned
from bench.postgres import PostgreSQL, postgresql
from bench.scene import APPLICATION_URL, ORIGIN, OWNER_ID, PUBLIC_URL, Scene, set_up
from bench.servers import serve_accredit, serve_module

_TEMPLATE = "template"
_ROOT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. seconds: of one turn. rounds: how often each has its turn. long: the rows that take long too."""

    seconds: float
    rounds: int
    peers: bool
    long: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """Where each contender has its database. peer: an address for SQLAlchemy."""

    ours: Mapping[str, str]
    plain: Mapping[str, str]
    peer: str


class Contest:
    """The contenders on one database engine."""

    def __init__(self, stage: "Stage", engine: str, scene: Scene, settings: Settings) -> None:
        self.engine = engine
        self.scene = scene
        self.settings = settings
        self._stage = stage

    @cached_property
    def ours(self) -> Target:
        """`accredit serve`."""
        return self._stage.open.enter_context(serve_accredit(self._stage.cores, self.settings.ours))

    @cached_property
    def plain(self) -> Target:
        """The plain handler."""
        visits = {"embed": self.scene.embed(self.scene.token_for_many()), "boot": self.scene.boot()}
        forms = {door: visit.partition(b"\r\n\r\n")[2].decode() for door, visit in visits.items()}
        asked = {kind: self.scene.asking.create(sealed=kind == "sealed").decode() for kind in ("plain", "sealed")}
        given = {"environ": dict(self.settings.plain), "forms": forms, "asked": asked}
        return self._stage.open.enter_context(serve_module(self._stage.cores, "plain", given))

    @cached_property
    def peer(self) -> Target | None:
        """The FastAPI service; None when the run goes without peers."""
        if not self._stage.plan.peers:
            return None
        given = {
            "database_url": self.settings.peer,
            "public_jwk": self.scene.public_jwk,
            "owner_id": OWNER_ID,
            "audience": PUBLIC_URL,
            "application_url": APPLICATION_URL,
            "origins": [ORIGIN],
            "api_secret": self.scene.api_secret,
            "identity_secret": self.scene.identity_secret,
            "tokens": {
                "jwks": self.scene.asking.jwks,
                "issuer": self.scene.asking.issuer,
                "audience": self.scene.asking.audience,
            },
        }
        return self._stage.open.enter_context(serve_module(self._stage.cores, "fastapi_service", given))


@dataclass
class Stage:
    """One run. open: closes what was opened. tell: hears what is under way. takings: every measurement under load."""

    plan: Plan
    cores: Cores
    directory: Path
    open: ExitStack
    tell: Callable[[str], None]
    takings: list[Taken] = field(default_factory=list)

    @cached_property
    def scene(self) -> Scene:
        """What every database on SQLite begins with."""
        self.tell("setting up on SQLite")
        return asyncio.run(set_up(self._environ(ACCREDIT_DATA_DIR=str(self.directory / _TEMPLATE))))

    @cached_property
    def sqlite(self) -> Contest:
        """The contenders on SQLite, each with a file of its own."""
        peer = f"sqlite+aiosqlite:///{self.directory / 'peer.sqlite'}"
        return Contest(self, "SQLite", self.scene, Settings(self.data_dir("ours"), self.data_dir("plain"), peer))

    @cached_property
    def database_server(self) -> PostgreSQL:
        """A PostgreSQL server."""
        self.tell("starting PostgreSQL")
        with pinned(self.cores.server, self.cores.load):
            return self.open.enter_context(postgresql(self.directory.parent))

    @cached_property
    def postgresql(self) -> Contest:
        """The contenders on PostgreSQL, each with a database of its own on one server."""
        server = self.database_server
        self.tell("setting up on PostgreSQL")
        ours = self._environ(ACCREDIT_DATABASE_URL=server.create("ours"), ACCREDIT_ROOT_KEY=_ROOT_KEY)
        migrate(ours["ACCREDIT_DATABASE_URL"])
        scene = asyncio.run(set_up(ours))
        plain = ours | {"ACCREDIT_DATABASE_URL": server.create("plain", template="ours")}
        peer = server.create("peer").replace("postgresql:", "postgresql+asyncpg:")
        return Contest(self, "PostgreSQL", scene, Settings(ours, plain, peer))

    def data_dir(self, name: str) -> dict[str, str]:
        """The environment of a server with a data directory of its own, of that name, on which the scene is set up."""
        assert self.scene
        path = self.directory / name
        shutil.copytree(self.directory / _TEMPLATE, path)
        return self._environ(ACCREDIT_DATA_DIR=str(path))

    def empty_data_dir(self, name: str) -> dict[str, str]:
        """The environment of a server that was never started before."""
        return self._environ(ACCREDIT_DATA_DIR=str(self.directory / name))

    def take_turns(self, row: str, turns: Mapping[str, Callable[[], Taken]]) -> dict[str, list[Taken]]:
        """Each contender's measurements, round by round."""
        taken: dict[str, list[Taken]] = {name: [] for name in turns}
        for number in range(self.plan.rounds):
            for name, turn in turns.items():
                self.tell(f"{row}: {name}, round {number + 1} of {self.plan.rounds}")
                taken[name].append(turn())
        self.takings += [each for several in taken.values() for each in several]
        return taken

    def _environ(self, **members: str) -> dict[str, str]:
        return {"ACCREDIT_PUBLIC_URL": PUBLIC_URL, **members}
