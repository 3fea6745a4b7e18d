"""Counts of what clients do, by labels that they choose: exact for those heard of last, bounded for all."""

from azext_mhsmregion.emulator.turns import KEPT, Turns


def test_each_client_counts_from_nought():
    turns = Turns()
    assert [turns.next(client) for client in ("a", "a", "b", "a", "b")] == [0, 1, 0, 2, 1]


def test_labels_without_end_take_no_more_than_what_is_kept():
    turns = Turns()
    for number in range(KEPT + 500):
        turns.next(f"client-{number}")
    assert len(turns._next) == KEPT == 10_000


def test_who_was_heard_of_last_is_kept():
    turns = Turns(kept=2)
    assert [turns.next(client) for client in ("a", "b", "a", "c", "a")] == [0, 0, 1, 0, 2]


def test_a_client_that_was_forgotten_gets_no_number_twice():
    turns = Turns(kept=1)
    said = {"a": [], "b": []}
    for client in ("a", "a", "a", "b", "a", "b", "b", "a"):
        said[client].append(turns.next(client))
    assert all(len(set(numbers)) == len(numbers) for numbers in said.values()), said
