"""The measured table: what is in it, that it agrees with exact formulas, and how it is kept."""

import csv
import subprocess
import sys

import pytest

import popgym.envs
from popgym.envs.scores import COLUMNS, TABLE, Score, measured, read_scores, write_scores
from tests.envs import exact

LEVELS = ("Easy", "Medium", "Hard")
RECALL = {"Easy": (52, 2), "Medium": (104, 4), "Hard": (208, 13)}  # cards, kinds
PAIRS = {"Easy": (2, 26), "Medium": (2, 52), "Hard": (13, 4)}  # kinds, cards of each

# (family, player, what it earns exactly by level)
EXACT = [
    *((name, "perfect", dict.fromkeys(LEVELS, 1.0)) for name in ("RepeatPrevious", "RepeatFirst")),
    *((name, "perfect", dict.fromkeys(LEVELS, 1.0)) for name in ("Autoencode", "CountRecall")),
    *((name, "random", dict.fromkeys(LEVELS, -0.5)) for name in ("RepeatPrevious", "RepeatFirst")),
    ("Autoencode", "random", dict.fromkeys(LEVELS, -0.5)),
    ("CountRecall", "random", {"Easy": 2 / 27 - 1, "Medium": 2 / 27 - 1, "Hard": 2 / 17 - 1}),
    *((name, "random", dict.fromkeys(LEVELS, 0.0)) for name in ("HigherLower", "MultiarmedBandit")),
    ("MultiarmedBandit", "oracle", {"Easy": 9 / 11, "Medium": 19 / 21, "Hard": 29 / 31}),
    ("HigherLower", "memoryless", dict.fromkeys(LEVELS, exact.HIGHER_LOWER_MEMORYLESS)),
]


def assert_agrees(name, player, expected):
    score = popgym.envs.reference_scores(name)[player]
    assert abs(score.mean - expected) <= 4 * score.standard_error + 1e-6


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("family, player, expected", EXACT)
def test_what_was_measured_agrees_with_the_exact_return(family, player, expected, level):
    assert_agrees(family + level, player, expected[level])


@pytest.mark.parametrize(
    "family, decks, formula",
    [
        ("RepeatPrevious", (1, 2, 3), exact.repeat_previous_memoryless),
        ("RepeatFirst", (1, 8, 16), exact.repeat_first_memoryless),
        ("Autoencode", (1, 2, 3), exact.autoencode_memoryless),
    ],
)
def test_memoryless_scores_agree_with_the_formulas(family, decks, formula):
    for level, number in zip(LEVELS, decks, strict=True):
        assert_agrees(family + level, "memoryless", formula(number))


@pytest.mark.parametrize("level, decks", [("Easy", 1), ("Medium", 2), ("Hard", 3)])
def test_counting_cards_agrees_with_the_sum_over_all_that_may_be_left(level, decks):
    assert_agrees(f"HigherLower{level}", "perfect", exact.higher_lower_perfect(decks))


@pytest.mark.parametrize("level", LEVELS)
def test_the_clock_agrees_with_the_hypergeometric_distribution(level):
    assert_agrees(f"CountRecall{level}", "clock", exact.count_recall_clock(*RECALL[level]))


@pytest.mark.parametrize("level", LEVELS)
def test_concentration_agrees_with_dynamic_programming_over_all_ways_to_play(level):
    # in Medium that takes 8 s and gives .8333256
    best = 0.8333256 if level == "Medium" else exact.concentration_perfect(*PAIRS[level])
    assert_agrees(f"Concentration{level}", "perfect", best)


@pytest.mark.parametrize("name", list(measured()))
def test_scores_lie_within_the_bounds_of_returns(name):
    low, high = popgym.envs.find(name).task().return_bounds
    scores = popgym.envs.reference_scores(name)
    assert next(iter(scores)) == "random"
    for score in scores.values():
        assert low - 1e-6 <= score.mean <= high + 1e-6
        assert 0 <= score.standard_error < (high - low) / 20


def test_scores_are_found_by_name_id_and_class_and_are_the_callers_to_keep():
    scores = popgym.envs.reference_scores("RepeatPreviousEasy")
    assert scores["perfect"].mean == 1.0 and scores["perfect"].how == "Remembers the last k suits."
    assert popgym.envs.reference_scores("popgym-RepeatPreviousEasy-v0") == scores
    scores.clear()
    assert popgym.envs.reference_scores(popgym.envs.RepeatPreviousEasy)
    assert popgym.envs.reference_scores("RepeatPrevious") is None
    escape = [popgym.envs.reference_scores(f"LabyrinthEscapeEasy{v}") for v in ("", "V1")]
    assert all(scores["random"].episodes >= 1000 for scores in escape)


def test_a_table_that_was_written_reads_the_same_to_six_places(tmp_path):
    path = tmp_path / "scores.csv"
    table = {
        "A": {"random": Score(-0.1234567, 0.25, 12, 'Says "no, no"; then yes.')},
        "B": {"random": Score(1.0, 0.0, 5, "ψ ≤ 1"), "perfect": Score(2.0, 0.5, 7, "")},
    }
    write_scores(path, table)
    table["A"]["random"] = table["A"]["random"]._replace(mean=-0.123457)
    assert read_scores(path) == table
    assert [entry.name for entry in tmp_path.iterdir()] == ["scores.csv"]


def test_a_table_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "scores.csv"
    write_scores(path, {"A": {"random": Score(0.0, 0.0, 1, "")}})
    before = path.read_bytes()
    with pytest.raises(ValueError):
        write_scores(path, {"B": {"random": Score("much", 0.0, 1, "")}})
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_the_table_has_one_row_for_an_environment_and_a_player():
    with TABLE.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    pairs = [tuple(row[:2]) for row in rows]
    assert len(set(pairs)) == len(pairs)
    assert {environment for environment, _ in pairs} == measured().keys()


def test_the_table_is_not_read_before_it_is_asked_for():
    script = "import popgym.envs.scores as s; print(s.measured.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "0", done.stderr
