"""``popgym envs``."""


def test_one_environment_is_described(run_command):
    status, out, _ = run_command("envs", "VelocityOnlyCartPoleEasy")
    assert status == 0
    lines = dict(line.split(":", 1) for line in out.splitlines() if ":" in line)
    assert lines["ids"].split() == [
        "popgym-VelocityOnlyCartpoleEasy-v0,", "popgym-VelocityOnlyCartpoleEasy-v1",
    ]  # fmt: skip
    assert lines["length"].strip() == "200"
    assert "perfect +1.000" in lines["scores"]


def test_the_list_has_a_line_for_each_environment_if_the_terminal_is_wide(run_command):
    status, out, _ = run_command("envs")
    assert status == 0
    assert sum(line.startswith("RepeatPrevious") for line in out.splitlines()) == 3
