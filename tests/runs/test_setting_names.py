"""Settings by name."""

import dataclasses

from popgym.runs.setting_names import described
from popgym.runs.settings import Settings


def test_every_setting_has_its_default_and_a_text():
    rows = {each.name: each for each in described(Settings)}
    assert list(rows) == [item.name for item in dataclasses.fields(Settings)]
    assert all(each.text.endswith(".") for each in rows.values())
    assert rows["lr"].default == "0.001"
    assert rows["env"].default == ""
    assert rows["wrappers"].default == "[]"
    assert rows["lr"].text == "Learning rate of Adam."
