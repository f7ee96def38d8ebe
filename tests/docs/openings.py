"""What is there already when a page begins: addresses, a small shop, a machine of production."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import accredit

from ..browser.parties import Answer, Party
from ..examples.languages import CARGO_CONFIG, EXAMPLES
from ..postgresql import PostgresqlServer
from .console import BINARIES, free_port

if TYPE_CHECKING:
    from .scene import Scene

_SYSTEMCTL = Path(__file__).with_name("systemctl.py")


def open_page(scene: "Scene") -> None:
    """Prepare the scene of a page."""
    prepare = _OPENINGS.get(scene.page)
    if prepare is not None:
        prepare(scene)


def _on_this_machine(scene: "Scene") -> None:
    """The addresses of the bank and of the report, as `embedding.md` has them."""
    scene.console.replaced |= {"9000": free_port(), "9001": free_port()}


class Site(Party):
    """A site whose pages are written as a test goes on. headers: of the answers, `{}` stands for nothing to add."""

    def __init__(self, host: str) -> None:
        self.pages: dict[str, Answer] = {"/favicon.ico": Answer("", 204)}
        self.asked: list[str] = []
        super().__init__(host)

    def get(self, path: str) -> Answer:
        self.asked.append(path)
        return self.pages.get(urlsplit(path).path, Answer("No such page", 404))

    @property
    def code(self) -> str:
        """The code of the frame that came last."""
        return [code for path in self.asked for code in parse_qs(urlsplit(path).query).get("code", [])][-1]


def _with_shop(scene: "Scene") -> None:
    """A running server, a bank whose key is registered, pages of the bank and of the application, and a rental's API client."""
    made = accredit.generate_deployment_key()
    scene.bank, scene.report = Site("localhost"), Site("127.0.0.1")
    scene.ending.callback(scene.bank.close)
    scene.ending.callback(scene.report.close)
    scene.report.pages["/start"] = Answer("<!doctype html><title>Report</title><h1>Credit report</h1>")
    (scene.directory / "bank.public.jwk").write_bytes(accredit.encoding.compact_json(made.public_jwk))
    policy = f"application_url={scene.report.origin}/start 'allowed_origins=[\"{scene.bank.origin}\"]'"
    for command in (
        "accredit account create 'Acme Scores' --owner-id acme",
        "accredit deployer create harbour-bank",
        f"accredit integration create credit-report --deployer harbour-bank signed_deployment=required {policy}",
        "accredit keys register bank.public.jwk --deployer harbour-bank",
        "accredit keys create --purpose api --out api.key",
        "accredit client create rental --environment sandbox",
        "accredit client secret rental --environment sandbox --out client.secret",
    ):
        code, output = scene.console.run(command)
        assert code == 0, output
    scene.console.run_document("```console\n$ accredit serve &\nAccredit ... listens on ...\n...\n```\n")
    scene.console.replaced["https://accredit.example"] = f"http://127.0.0.1:{scene.console.port}"
    scene.names["private_jwk"] = made.private_jwk
    scene.names["api_key"] = (scene.directory / "api.key").read_text().strip()
    scene.names["client_secret"] = (scene.directory / "client.secret").read_text().strip()
    scene.names["answers_jwk"] = accredit.generate_encryption_key("ECDH-ES").private_jwk


def _in_examples(scene: "Scene") -> None:
    """A copy of the samples, since compilers write beside them; what they make of other people's sources is kept for all tests."""
    shutil.copytree(EXAMPLES, scene.directory, dirs_exist_ok=True)
    config = scene.directory / ".cargo" / "config.toml"
    config.parent.mkdir()
    config.write_text(CARGO_CONFIG)
    target = scene.fixture("built") / "rust" / "target"
    scene.console.run(f"export CARGO_TARGET_DIR={target} CARGO_PROFILE_DEV_DEBUG=0")


def _at_the_sites(scene: "Scene") -> None:
    """A copy of the sites that ask who a visitor is, at addresses of their own."""
    shutil.copytree(EXAMPLES / "rest", scene.directory, dirs_exist_ok=True)
    scene.console.replaced |= {port: free_port() for port in ("9000", "9001", "9002")}


def _beside_the_service(scene: "Scene") -> None:
    """A copy of the service that decides steps, at an address of its own."""
    shutil.copytree(EXAMPLES / "steps", scene.directory, dirs_exist_ok=True)
    scene.console.replaced |= {"9100": free_port()}


def _on_a_server(scene: "Scene") -> None:
    """A machine of production: PostgreSQL, places for settings and units, and a service manager."""
    server: PostgresqlServer = scene.fixture("postgresql_server")
    console, directory = scene.console, scene.directory
    for name in ("guide", "guide_restored"):
        server.execute(f"CREATE DATABASE {name}")
        scene.ending.callback(lambda name=name: server.execute(f"DROP DATABASE {name} WITH (FORCE)"))
    scene.ending.callback(lambda: console.run("systemctl stop accredit"))
    for place in ("etc/accredit", "units", "var/lib/accredit", "var/backups", "bin"):
        (directory / place).mkdir(parents=True)
    console.replaced = {
        "postgresql://accredit@db.internal/accredit_restored": server.address.format("guide_restored"),
        "postgresql://accredit@db.internal/accredit": server.address.format("guide"),
        "https://accredit.example": f"http://127.0.0.1:{console.port}",
        "/opt/accredit/bin": str(BINARIES),
        "/etc/accredit": str(directory / "etc/accredit"),
        "/etc/systemd/system": str(directory / "units"),
        "/var/": f"{directory}/var/",
        "8401": free_port(),
        **console.replaced,
    }
    systemctl = directory / "bin" / "systemctl"
    shutil.copyfile(_SYSTEMCTL, systemctl)
    systemctl.write_text(f"#!{BINARIES / 'python'}\n{systemctl.read_text()}")
    systemctl.chmod(0o755)
    console.run(f"export UNITS={directory}/units PATH={directory}/bin:{server.binaries}:$PATH")


_OPENINGS: dict[str, Callable[["Scene"], None]] = {
    "README.md": _with_shop,
    "examples/README.md": _in_examples,
    "examples/rest/README.md": _at_the_sites,
    "docs/guide/booting.md": _on_this_machine,
    "docs/guide/embedding.md": _on_this_machine,
    "docs/guide/identifying.md": _on_this_machine,
    "docs/guide/webhooks.md": _on_this_machine,
    "docs/guide/operating.md": _on_a_server,
    "docs/guide/steps.md": _beside_the_service,
    "docs/guide/verifying.md": _on_this_machine,
    "sdk/README.md": _with_shop,
}
