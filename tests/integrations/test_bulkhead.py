"""A few places for each organization and side."""

import threading

from integrations.bulkhead import Bulkhead


def test_never_more_than_its_places_and_everybody_has_their_own() -> None:
    bulkhead = Bulkhead(2)
    with bulkhead.place("acme") as first, bulkhead.place("acme") as second, bulkhead.place("acme") as third:
        assert (first, second, third) == (True, True, False)
        with bulkhead.place("globex") as theirs:
            assert theirs
    with bulkhead.place("acme") as again:
        assert again


def test_who_found_no_place_is_remembered_once() -> None:
    bulkhead = Bulkhead(1)
    with bulkhead.place("acme"):
        assert not bulkhead.was_turned_away("acme")
        with bulkhead.place("acme"):
            pass
    assert bulkhead.was_turned_away("acme")
    assert not bulkhead.was_turned_away("acme")


def test_a_place_is_free_again_after_a_failure() -> None:
    bulkhead = Bulkhead(1)
    try:
        with bulkhead.place("acme"):
            raise ValueError
    except ValueError:
        pass
    with bulkhead.place("acme") as mine:
        assert mine


def test_threads_that_come_at_once_share_the_places() -> None:
    bulkhead, inside, most = Bulkhead(3), [0], [0]
    lock, go, done = threading.Lock(), threading.Event(), threading.Barrier(16)

    def come() -> None:
        go.wait()
        with bulkhead.place("acme") as mine:
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
