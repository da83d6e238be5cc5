"""What rules say stands in a page: a word, a hint or an entry that changes is seen there."""

from __future__ import annotations

from tests.messages import PAGE, page
from tests.pages import must_be_as_made


def test_the_page_of_messages_is_as_the_rules_say_them() -> None:
    must_be_as_made(PAGE, page())
