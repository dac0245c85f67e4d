"""Messages from the parts of a body."""

from __future__ import annotations

import itertools
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from server.edges.grpc.messages import Messages, framed


@given(
    messages=st.lists(st.binary(max_size=50), max_size=20), cuts=st.lists(st.integers(0, 1100), max_size=30)
)
def test_messages_are_the_same_in_any_parts(messages, cuts):
    body = b"".join(map(framed, messages))
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    reader = Messages(100, "identity")
    found = [each for begin, end in itertools.pairwise(places) for each in reader.feed(body[begin:end])]
    assert found == messages
    assert reader.missing == 0


def test_parts_of_a_few_bytes_take_no_more_than_they_have():
    body = framed(bytes(range(256)) * 400)
    reader = Messages(len(body), "identity")
    tracemalloc.start()
    try:
        for place in range(0, 60_000, 2):
            reader.feed(body[place : place + 2])
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert reader.missing == len(body) - 60_000
    assert held < 120_000
