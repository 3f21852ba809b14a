from popgym.cli.tables import lines_of

WIDTHS = (5, 3, 40, 12)
ROW = ("name", "1", "what it is, said in rather many words ok", "popgym-name")


def test_a_row_is_one_line_where_it_fits_and_where_there_is_no_width():
    line = "name   1    what it is, said in rather many words ok  popgym-name"
    assert [*lines_of(ROW, WIDTHS, None)] == [*lines_of(ROW, WIDTHS, 66)] == [line]


def test_long_words_go_on_below_their_column_and_the_row_in_a_line_of_its_own():
    assert [*lines_of(ROW, WIDTHS, 45)] == [
        "name   1    what it is, said in rather many",
        "            words ok",
        "    popgym-name",
    ]


def test_all_rows_are_broken_at_the_same_columns():
    short = ("n", "2", "short", "popgym-n")
    assert [*lines_of(short, WIDTHS, 45)] == ["n      2    short", "    popgym-n"]


def test_a_column_without_room_for_some_words_begins_a_line():
    assert [*lines_of(ROW, WIDTHS, 31)] == [
        "name   1",
        "    what it is, said in rather",
        "    many words ok",
        "    popgym-name",
    ]
