"""The pages' own pieces: what is in them is safe, and set as its kind asks for."""

from carousel.report import html


def test_numbers_stand_to_the_right_and_what_is_long_may_be_broken():
    text = html.table(
        "T", ("a", "b", "c"), [("1.5", "word", "x" * 21), ("-", "two words", "short")]
    )
    assert "<td class=number>1.5</td><td>word</td><td class=long>" + "x" * 21 in text
    assert "<th class=number>a</th><th>b</th><th class=long>c</th>" in text


def test_bars_are_as_long_as_their_parts():
    text = html.bars([("a < b", 0.25, "25 %"), ("c", 0.0, "0 %")])
    assert "<th>a &lt; b</th><td class=number>25 %</td>" in text
    assert 'style="width:25.00%"' in text and 'style="width:0.00%"' in text
