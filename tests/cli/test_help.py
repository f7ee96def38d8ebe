"""Help: on every command, with examples, and the sentence in a group's list is the command's own."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from accredit.cli.groups import LazyGroup
from accredit.cli.root import command as root

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def commands_of(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        assert found is not None
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from commands_of(found, (*path, name))


COMMANDS = [pytest.param(path, found, id=" ".join(path)) for path, found in commands_of(root)]
LEAVES = [each for each in COMMANDS if not isinstance(each.values[1], click.Group)]


@pytest.mark.parametrize(("path", "found"), COMMANDS)
def test_every_command_explains_itself(path, found, accredit):
    shown = accredit(*path, "--help").out
    assert shown.startswith(f"Usage: accredit {' '.join(path)}")
    assert found.help
    for option in found.params:
        assert not isinstance(option, click.Option) or option.help, option.opts


@pytest.mark.parametrize(("path", "found"), LEAVES)
def test_every_command_has_examples_of_itself(path, found):
    assert found.epilog is not None
    examples = [line.strip() for line in found.epilog.splitlines()[2:]]
    assert any(f"accredit {' '.join(path)}" in line for line in examples)


@pytest.mark.parametrize(("path", "found"), LEAVES)
def test_every_command_that_prints_data_can_print_json(path, found):
    if path[-1] not in ("serve", "demo"):
        assert "--json" in [name for option in found.params for name in option.opts]


@pytest.mark.parametrize(("path", "found"), LEAVES)
def test_every_command_and_option_is_in_the_reference(path, found):
    text = REFERENCE.read_text(encoding="utf-8")
    assert f"accredit {' '.join(path)}" in text
    section = text.split(f"## accredit {path[0]}\n")[1].split("\n## ")[0]
    for option in found.params:
        named = [name for name in option.opts if name.startswith("--")]
        assert not named or named[0] in COMMON or any(name in section for name in named), f"{path}: {option.opts}"


# Described once, at the top of the page.
COMMON = {"--json", "--data-dir", "--database-url", "--account", "--environment"}


@pytest.mark.parametrize("group", [each.values[1] for each in COMMANDS if isinstance(each.values[1], LazyGroup)] + [root])
def test_a_group_lists_every_module_of_its_package_with_a_sentence(group):
    ctx = click.Context(group)
    for name, sentence in group.sentences.items():
        assert sentence.endswith(".")
        found = group.get_command(ctx, name)
        assert found is not None
        assert found.name in (name, "command")
