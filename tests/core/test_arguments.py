import pytest

from popgym.core.arguments import as_options, readable, whole_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (-(10**12), "-1000000000000"),
        (int(1e30), "1e+30"),
        (-(10**30), "-1e+30"),
        (10**400, "a number of 1,329 bits"),
        (2.5, "2.5"),
        ("3", "'3'"),
        (True, "True"),
    ],
)
def test_numbers_in_messages_can_be_read(value, text):
    assert readable(value) == text


def test_a_number_that_is_refused_is_shown_so_that_it_can_be_read():
    with pytest.raises(ValueError, match=r"^k must be a whole number from 1 to 51, got 1e\+30$"):
        whole_number("k", int(1e30), 1, 51)


def test_options_are_a_new_dict():
    given = {"k": 8}
    assert as_options("env_options", given) == given
    assert as_options("env_options", given) is not given
    assert as_options("env_options", None) == {}
    with pytest.raises(TypeError, match=r'^env_options must be a dict .*"k": 8.*, got \[1\]$'):
        as_options("env_options", [1])
