"""The runner of console blocks notices what does not happen as it is shown."""

import pytest


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
