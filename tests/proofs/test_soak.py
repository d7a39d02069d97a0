"""A short form of the soak: the long one is `make soak`."""

import pytest

from tests.proofs.soak import growth, story

CROWD = 40
pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


async def test_memory_tasks_and_files_stay_flat_over_many_turns() -> None:
    found = await story(turns=600, conversations=CROWD)
    # Caches of a young process still fill; what grows with every turn grows by hundreds here.
    assert [grown for grown in growth(found, CROWD) if not grown.startswith("memory")] == []
    assert found[-1].memory < found[0].memory * 1.5
