"""A short form of chaos: the long one is `make chaos`."""

import pytest

from tests.proofs.chaos import TROUBLES, story

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


async def test_under_chaos_every_message_is_answered_once_whole_and_in_order() -> None:
    """No message may be answered twice, lost, posted twice, or ignored without a reason."""
    audit, counts, _ = await story(turns=400, conversations=100, seed=1)
    assert audit.violations == []
    assert audit.counts["messages said"] >= 400
    assert set(TROUBLES) <= set(counts)
