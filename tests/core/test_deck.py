import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

from popgym.core import cards
from popgym.core.deck import Deck, DeckEmptyError


def players(**options):
    deck = Deck(**options)
    deck.add_players("ann", "bob")
    return deck


def test_a_deck_has_each_card_and_tells_its_kinds_as_the_rules_do():
    deck = Deck(2)
    assert len(deck) == deck.num_cards == 104 and deck.idx.tolist() == list(range(104))
    for card in (0, 5, 51, 103):
        assert deck.ranks_idx[card] == cards.rank(card)
        assert deck.suits_idx[card] == cards.suit(card)
        assert deck.colors_idx[card] == cards.color(card)
    assert (deck.ranks[51], deck.suits[51], deck.colors[51]) == ("k", "h", "r")


def test_cards_are_dealt_from_the_end_and_come_back_with_a_reset():
    deck = players()
    deck.deal("ann", 3)
    deck.deal("bob", 2)
    assert deck["ann"] == [49, 50, 51] and deck["bob"] == [47, 48]
    assert (len(deck), deck.hand_size("ann")) == (47, 3)
    deck.discard("ann", 0)
    deck.discard_hands("bob")
    assert deck.hands == {"ann": [50, 51], "bob": []} and len(deck) == 47
    deck.discard_all()
    deck.reset(shuffle=False)
    assert len(deck) == 52 and deck.hands == {"ann": [], "bob": []}


def test_more_cards_than_there_are_are_not_dealt():
    deck = players()
    with pytest.raises(DeckEmptyError, match="53 cards cannot be dealt: 52 are left"):
        deck.deal("ann", 53)


def test_a_shuffle_begins_with_the_same_order_each_time():
    deck = players()
    orders = []
    for _ in range(2):
        deck.reset(rng=np.random.default_rng(4))
        orders.append(deck.idx.tolist())
    assert orders[0] == orders[1] != sorted(orders[0]) == list(range(52))


def test_fields_of_a_hand_are_shown():
    deck = players()
    deck.deal("ann", 2)
    assert deck.show("ann").tolist() == [["b", "r"], ["c", "h"], ["k", "k"]]
    assert deck.show("ann", ["ranks_idx", "idx"], pad_to=3).tolist() == [[12, 12, 0], [50, 51, 0]]
    with pytest.raises(ValueError, match=r"fields must be among .*, got 'values'"):
        deck.show("ann", ["values"])


def test_a_hand_has_the_value_that_was_defined():
    deck = players()
    deck.deal("ann", 2)
    with pytest.raises(ValueError, match="call define_hand_value first"):
        deck.value("ann")
    deck.define_hand_value(lambda ranks, suits: (sum(ranks), list(suits)), ["ranks_idx", "suits"])
    assert deck.value("ann") == (24, ["c", "h"]) and deck.value_idx([0])[0] == 0


def test_a_clone_shares_nothing():
    deck = players()
    clone = deck.clone()
    clone.deal("ann", 5)
    assert len(deck) == 52 and deck["ann"] == []


def test_the_space_of_cards():
    assert Deck().get_obs_space(["suits"]) == Discrete(4)
    assert Deck().get_obs_space(["colors", "ranks"], 2) == MultiDiscrete([2, 13, 2, 13])
