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


def test_a_rejected_caller_is_remembered_once() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead.slot("acme"):
        assert not bulkhead.had_rejections("acme")
        with bulkhead.slot("acme"):
            pass
    assert bulkhead.had_rejections("acme")
    assert not bulkhead.had_rejections("acme")


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
