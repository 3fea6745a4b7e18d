"""The picture of ``make failover``: what a reader looks for is in it, in both schemes of colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from failing_over import picture
from made_up import failing_over, row, undisturbed

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def seen():
    return row(failing_over(), undisturbed())


def shapes(drawn, kind, name="rect"):
    root = ElementTree.fromstring(drawn)
    return [shape for shape in root.iter(f"{SVG}{name}") if shape.get("class") == kind]


def test_it_holds_every_instant_and_every_kind_of_answer(seen):
    drawn = picture.draw(seen)
    words = [text.text for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    for mark in ("outage begins", "outage ends", "probes have noticed", "failed over", "failed back"):
        assert any(mark in word for word in words), mark
    for kind in ("one", "two", "broken"):
        assert shapes(drawn, kind), kind
    assert len(shapes(drawn, "lag", "polyline")) == 1


def test_the_legend_lists_what_the_picture_has_and_nothing_else(seen):
    refused = row(failing_over(status=503), undisturbed(status=503))
    for one, more in ((seen, []), (refused, ["refused"])):
        drawn = picture.draw(one)
        words = [text.text for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
        listed = [kind for kind, text in picture.ANSWERS.items() if text in words]
        assert listed == ["one", "two", "broken", *more]
        assert all(len(shapes(drawn, kind)) > 1 for kind in listed), "a bar beside the legend's box"
        assert {kind for kind in picture.ANSWERS if shapes(drawn, kind)} == set(listed)


def test_words_of_marks_lie_on_rows_of_their_own_and_within_the_card(seen):
    drawn = picture.draw(seen)
    marked = [mark.words for mark in picture.marks(seen)]
    found = [text for text in ElementTree.fromstring(drawn).iter(f"{SVG}text") if text.text in marked]
    assert len(found) == 5
    assert len({text.get("y") for text in found}) == 4
    for rect in ElementTree.fromstring(drawn).iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("x")) <= float(rect.get("x")) + float(rect.get("width")) <= picture.WIDTH


@pytest.mark.parametrize("dark", [False, True])
def test_ink_and_bars_stand_out_from_the_card(dark):
    colours = picture.DARK if dark else picture.LIGHT
    assert contrast(colours["ink"], colours["card"]) > 7
    assert contrast(colours["soft"], colours["card"]) > 4.5
    for kind in ("one", "broken", "lag"):
        assert contrast(colours[kind], colours["card"]) > 3, kind


def test_the_readers_screen_chooses(seen):
    assert "prefers-color-scheme: dark" in picture.draw(seen)
    assert "prefers-color-scheme" not in picture.draw(seen, dark=True)


def contrast(one, other):
    """WCAG's ratio of two colours."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour):
    parts = [int(part, 16) / 255 for part in re.findall("..", colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))
