"""A worker that tolerates a silent broker for four seconds instead of sixty."""

from celery.__main__ import main

import config.celery

if __name__ == "__main__":
    config.celery._SILENCE_SECONDS = 4
    main()
