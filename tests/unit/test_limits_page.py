"""Numbers that a person meets have words, and are a page's."""

from __future__ import annotations

from tests.limits import PAGE, numbers, page


def test_the_page_of_numbers_is_as_the_code_has_them() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_each_number_says_what_it_is_a_number_of() -> None:
    assert [f"{one.path}: {one.name}" for one in numbers() if not one.words] == []
