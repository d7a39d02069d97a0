"""A short form of the soak: the long one is `make soak`."""

import pytest

from tests.proofs.soak import growth, story

CROWD = 40
pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


async def test_a_program_that_answers_for_long_holds_no_more_than_at_first() -> None:
    found = await story(turns=600, conversations=CROWD)
    # Caches of a young process still fill; what grows with every turn grows by hundreds here.
    assert [grown for grown in growth(found, CROWD) if not grown.startswith("memory")] == []
    assert found[-1].memory < found[0].memory * 1.5
