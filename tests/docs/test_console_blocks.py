"""Every document that shows commands shows what they do; and the runner of these blocks notices when one does not."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "\n```console\n" in path.read_text(encoding="utf-8")
]


def test_the_reference_of_the_command_line_shows_commands():
    assert ROOT / "docs" / "reference" / "cli.md" in DOCUMENTS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_do_what_the_document_shows(path, console):
    console.run_document(path.read_text(encoding="utf-8"))


def block(*lines):
    return "```console\n" + "\n".join(lines) + "\n```\n"


def test_reads_commands_with_what_they_show(parse):
    text = block("$ one \\", "  two", "first", "$ three") + "prose\n" + block("$ serve", "ready", "^C")
    assert [(each.text, each.shown, each.interrupted) for each in parse(text)] == [
        ("one \\\n  two", ["first"], False),
        ("three", [], False),
        ("serve", ["ready"], True),
    ]


def test_files_variables_and_the_directory_last(console):
    console.run_document(
        block("$ mkdir made; cd made", "$ name=Ada; echo $name > file") + block("$ cat file; echo $name", "Ada", "Ada", "$ cat")
    )


@pytest.mark.parametrize(
    "lines",
    [
        ("$ echo one", "one"),
        ("$ echo 'one   two'; echo three", "one two", "three"),
        ("$ echo one-1234-two", "one-...-two"),
        ("$ seq 9", "1", "...", "9"),
        ("$ seq 9", "...", "9"),
        ("$ false", "$ echo $?", "1"),
        ("$ (exit 3)", "$ echo $?", "3"),
        ("$ bash -c 'echo on 8400; exec sleep 60' &", "on 8400", "$ echo next", "next"),
        ("""$ bash -c 'trap "exit 0" INT; echo ready; while :; do sleep 0.1; done'""", "ready", "^C", "$ true"),
    ],
)
def test_accepts_what_happens(console, lines):
    console.run_document(block(*lines))


@pytest.mark.parametrize(
    "lines",
    [
        ("$ echo one", "two"),
        ("$ echo one; echo two", "one"),
        ("$ echo one", "one", "two"),
        ("$ echo one two", "one"),
        ("$ false",),
        ("$ false", "$ echo other"),
        ("$ (exit 3)", "$ echo $?", "1"),
        ("$ exit 0",),
        ("$ echo other &", "ready"),
        ("$ bash -c 'trap \"exit 1\" INT; echo ready; while :; do sleep 0.1; done'", "ready", "^C"),
    ],
)
def test_notices_what_does_not_happen(console, lines):
    with pytest.raises(AssertionError):
        console.run_document(block(*lines))
