"""A worker whose patience with a silent broker ends after four seconds instead of sixty."""

from celery.__main__ import main

import config.celery

if __name__ == "__main__":
    config.celery._SILENCE_SECONDS = 4
    main()
