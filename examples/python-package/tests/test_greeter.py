import pytest

from greeter import greetings


def test_everybody_is_greeted_in_order():
    assert greetings("Ada: Hello\nLinus: Hei\n") == ["Hello, Ada!", "Hei, Linus!"]


def test_nobody_is_greeted_when_nobody_is_there():
    assert greetings("") == []


def test_a_list_is_refused():
    with pytest.raises(ValueError):
        greetings("- Ada\n")
