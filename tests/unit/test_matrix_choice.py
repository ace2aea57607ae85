"""What the everyday run of the tests leaves out: combinations, but no value of a parameter."""

from hypothesis import given
from hypothesis import strategies as st

from examples import chosen

cases = st.lists(st.fixed_dictionaries({"codec": st.sampled_from([".gz", ".zst"]), "damage": st.integers(0, 20)}))


@given(st.text(), cases)
def test_each_value_of_a_matrix_is_in_what_stays_of_it(name: str, cases: list[dict[str, object]]) -> None:
    """And the same cases stay each time, in every process."""
    stays = chosen(name, cases)
    assert chosen(name, cases) == stays <= set(range(len(cases)))
    for parameter in ("codec", "damage"):
        assert {cases[number][parameter] for number in stays} == {case[parameter] for case in cases}


def test_combinations_are_left_out() -> None:
    """Of 2 times 50 cases at most so many stay as there are values."""
    every = [{"codec": codec, "damage": damage} for codec in (".gz", ".zst") for damage in range(50)]
    stays = chosen("test", every)
    assert 50 <= len(stays) <= 52
    assert len({every[number]["codec"] for number in sorted(stays)[:25]}) == 2
