"""The pieces of an answer are told exactly as the contract's events would say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.contract import MessageDelta, MessageDeltaEvent, MessagePiece, RefusalDelta, TextDelta, TextValueDelta
from assistants.service.parts import Part
from assistants.service.pieces import RefusalPiece, TextPiece


@pytest.mark.parametrize("kind", [TextPiece, RefusalPiece])
@given(text=st.text(st.characters(exclude_categories=["Cs"])), index=st.integers(0, 3))
def test_a_piece_written_by_hand_is_its_event(kind: type[TextPiece | RefusalPiece], text: str, index: int) -> None:
    delta: TextDelta | RefusalDelta = TextDelta(index=index, text=TextValueDelta(value=text))
    if kind is RefusalPiece:
        delta = RefusalDelta(index=index, refusal=text)
    told = MessageDelta(id="msg_1", delta=MessagePiece(content=[delta]))
    assert Part(index, kind).told("msg_1", text) == MessageDeltaEvent("thread.message.delta", told).sse()
