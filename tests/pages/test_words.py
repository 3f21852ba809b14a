from popgym.pages.words import count, interval, listed, number, percent, size, span

NAN = float("nan")


def test_numbers_have_a_true_minus_sign_and_no_minus_zero():
    assert [number(x, 2) for x in (-0.125, -0.001, NAN, 3)] == ["−0.12", "0.00", "–", "3.00"]


def test_an_interval_that_is_not_known_is_left_out():
    assert interval((0.5, -0.25, 1.25)) == "0.50 [−0.25, 1.25]"
    assert interval((0.5, NAN, NAN)) == "0.50"
    assert interval((3.0, 2.0, 4.0), digits=0) == "3 [2, 4]"


def test_counts_are_short():
    assert [size(x) for x in (7, 950, 12_500, 15e6, NAN)] == ["7", "950", "12.5 k", "15 M", "–"]
    assert (span([3, 3]), span({2, 3})) == ("3", "2–3")
    assert percent(0.126) == "13 %"


def test_a_noun_agrees_with_its_number():
    assert (count(1, "task"), count(2_000, "task")) == ("1 task", "2,000 tasks")
    assert count(0, "memory", "memories") == "0 memories"


def test_long_lists_are_cut():
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdef", what="tasks") == "a, b, c, d and 2 more tasks"
