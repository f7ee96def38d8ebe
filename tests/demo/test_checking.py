"""`accredit demo --check`: every scenario over HTTP, and an exit code that tells of surprises."""

import json

import pytest

from accredit.server.demo.scenarios import SCENARIOS

from .conftest import run_command


@pytest.fixture
def data_dir(tmp_path):
    return str(tmp_path / "demo")


def test_every_scenario_ends_as_it_should_and_a_surprise_is_told_also_on_a_demo_that_goes_on(data_dir):
    """An integration that its owner switched off stays off when the demo begins again, so honest visits are refused."""
    first = run_command("demo", "--check", "--port", "0", "--data-dir", data_dir)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stderr == ""
    for scenario in SCENARIOS:
        assert scenario.title in first.stdout
    assert f"{len(SCENARIOS)} scenarios, no surprise." in first.stdout
    switched_off = run_command("integration", "set", "credit-report", "enabled=false", "--data-dir", data_dir)
    assert switched_off.returncode == 0, switched_off.stderr

    second = run_command("demo", "--check", "--port", "0", "--data-dir", data_dir, "--json")
    told = json.loads(second.stdout)
    seen = {each["id"]: each for each in told["scenarios"]}
    assert [*seen] == [scenario.scenario_id for scenario in SCENARIOS]
    assert second.returncode == 1
    assert seen["signed"]["seen"] == [{"answer": "admission_refused", "reason": "integration_disabled", "who": None}]
    assert seen["signed"]["held"] is False
    assert seen["original"]["held"] is True
    assert seen["boot_signed"]["held"] is True
    assert told["surprises"] == sum(not each["held"] for each in told["scenarios"]) > 5

    shown = run_command("demo", "--check", "--port", "0", "--data-dir", data_dir)
    assert shown.returncode == 1
    assert "surprises: A signed visit, " in shown.stdout


def test_scenarios_are_told_apart_and_say_who_does_what():
    ids = [scenario.scenario_id for scenario in SCENARIOS]
    assert len(set(ids)) == len(ids)
    for scenario in SCENARIOS:
        assert scenario.expected
        assert scenario.deed.endswith((".", ".”"))
        assert scenario.lesson.endswith(".")
