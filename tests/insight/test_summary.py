"""The summary for the terminal."""

import numpy as np

from popgym.insight.summary import sparkline


def test_a_sparkline_ends_where_nothing_matters_any_more():
    assert sparkline(np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.001])) == ("▁▁▁█▁", 4)
    assert sparkline(np.array([0.5, np.nan, 0.25])) == ("█▁▅", 2)


def test_a_sparkline_without_effect_is_one_block():
    assert sparkline(np.zeros(5)) == ("▁▁", 1)
    assert sparkline(np.zeros(1)) == ("▁", 0)
    assert sparkline(np.zeros(0)) == ("", 0)


def test_a_long_sparkline_keeps_its_peaks():
    values = np.zeros(1000)
    values[500] = values[999] = 1
    line, last = sparkline(values)
    assert (len(line), last, line.count("█")) == (60, 999, 2)
