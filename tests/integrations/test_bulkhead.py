"""A few places for each organization and side."""

import threading

from integrations.bulkhead import Bulkhead


def test_never_more_than_its_places_and_everybody_has_their_own() -> None:
    bulkhead = Bulkhead(2)
    with bulkhead.slot("acme") as first, bulkhead.slot("acme") as second, bulkhead.slot("acme") as third:
        assert (first, second, third) == (True, True, False)
        with bulkhead.slot("globex") as theirs:
            assert theirs
    with bulkhead.slot("acme") as again:
        assert again


def test_the_work_of_rejected_callers_is_left_to_a_slot_holder_once() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead.slot("acme"):
        assert bulkhead.take_rejected("acme") == []
        for work in (["first"], [], ["second", "third"]):
            with bulkhead.slot("acme", work):
                pass
    assert bulkhead.take_rejected("globex") == []
    assert bulkhead.take_rejected("acme") == ["first", "second", "third"]
    assert bulkhead.take_rejected("acme") == []


def test_a_place_is_free_again_after_a_failure() -> None:
    bulkhead = Bulkhead(1)
    try:
        with bulkhead.slot("acme"):
            raise ValueError
    except ValueError:
        pass
    with bulkhead.slot("acme") as mine:
        assert mine


def test_threads_that_come_at_once_share_the_places() -> None:
    bulkhead, inside, most = Bulkhead(3), [0], [0]
    lock, go, done = threading.Lock(), threading.Event(), threading.Barrier(16)

    def come() -> None:
        go.wait()
        with bulkhead.slot("acme") as mine:
            if mine:
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
            # Nobody leaves before everybody has come.
            done.wait(10)

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert most == [3]
