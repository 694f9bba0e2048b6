"""A language of wide letters: every text that is marked for translation comes back in it, so that a
text which nobody marked is still in plain letters, and is found."""

import json
import re
import string
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import models
from django.utils import translation

from assessments.models import (
    Attempt,
    Difference,
    Event,
    Heartbeat,
    InboundCall,
    Order,
    Reconciliation,
    Update,
)
from assessments.statuses import RESULTS, SENDING_LABEL
from integrations.fields import Secret
from integrations.models import (
    AshbyApiKey,
    Connection,
    CustomField,
    Errand,
    Job,
    Membership,
    Organization,
    Package,
)

_WIDE = {ord(letter): ord(letter) + 0xFEE0 for letter in string.ascii_letters}
# What a translator leaves as it stands: places, tags, entities.
_KEPT = re.compile(r"(%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]*>|&\w+;)")


def wide(message: str) -> str:
    """As the translator would write it; plain where no language is active (history, the wire)."""
    if translation.get_language() is None:
        return message
    parts = _KEPT.split(message)
    return "".join(part if place % 2 else part.translate(_WIDE) for place, part in enumerate(parts))


def speak_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the language in the place of Django's catalogues; lazy texts come through it too."""
    spoken = {
        "gettext": wide,
        "pgettext": lambda context, message: wide(message),
        "ngettext": lambda one, many, number: wide(one if number == 1 else many),
        "npgettext": lambda context, one, many, number: wide(one if number == 1 else many),
    }
    for name, function in spoken.items():
        monkeypatch.setattr(translation._trans, name, function)


class Reader(HTMLParser):
    """What people read of a page, or have read to them; not what the wire said, which stands in
    ``pre``, ``code`` and the list of a card's metadata."""

    _QUIET = frozenset({"script", "style", "pre", "code"})
    _SPOKEN = frozenset({"title", "alt", "aria-label", "placeholder", "data-copied"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._quiet = 0
        self._in_card = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_card = self._in_card or "ashby-card" in given.get("class", "").split()
        self._quiet += self._is_quiet(tag)
        is_button = tag == "input" and given.get("type") in ("submit", "button", "reset")
        if "admin/img/" in given.get("src", ""):
            given.pop("alt", None)  # Django's own, and it does not mark them.
        spoken = self._SPOKEN | ({"value"} if is_button else set())
        self.texts += [given[name] for name in spoken & given.keys()]

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= self._is_quiet(tag)
        self._in_card = self._in_card and tag != "article"

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.texts.append(data)

    def _is_quiet(self, tag: str) -> bool:
        return tag in self._QUIET or (tag == "dl" and self._in_card)


class Data:
    """What may stand in plain letters, since it is nobody's to translate: what the database holds as
    text. Of single words only names, and the codes of the machine; else “Received”, stored once, would
    excuse every “Received” that somebody forgot to mark."""

    _NAMES = (
        *((Order, name) for name in ("candidate_first_name", "candidate_last_name", "job_name")),
        *((Order, name) for name in ("justifacts_status", "result", "job_id")),
        (Update, "summary"),
        *((Organization, "name"), (Package, "name"), (Job, "title"), (CustomField, "name")),
        *((User, "username"), (AshbyApiKey, "set_by"), (Connection, "verification_key_set_by")),
        *(
            (Errand, "asked_by"),
            (Reconciliation, "asked_by"),
            (Difference, "text"),
            (Membership, "added_by"),
            (Heartbeat, "name"),
        ),
    )
    _CODES = (
        *((Attempt, "outcome"), (InboundCall, "outcome"), (InboundCall, "name"), (Event, "kind")),
        *((Job, "status"), (Group, "name")),
    )
    #: Products, what a start is answered, Justifacts' results, and short words that are the same everywhere.
    _PROPER = ("Ashby", "Justifacts", "UTC", "HTTP", SENDING_LABEL, *RESULTS)
    _WORD = re.compile(r"[A-Za-z]{2,}")
    # Addresses, ids, times: whatever has a digit in it, or is an address.
    _TOKEN = re.compile(r"https?://\S+|\S+@\S+|\S*\d\S*")

    def __init__(self) -> None:
        known = {_even(text) for text in (*self._PROPER, *self._single_words(), *_sentences(), *_lists())}
        self._known = sorted(known - {""}, key=len, reverse=True)
        self._sentences = [text for text in known if " " in text]

    def unmarked(self, page: str) -> list[str]:
        """The texts of a page that are in plain letters and are no data."""
        reader = Reader()
        reader.feed(page)
        return [text for text in map(_even, reader.texts) if self._is_plain(text)]

    def _is_plain(self, text: str) -> bool:
        if not self._WORD.search(text) or _is_json(text):
            return False
        text = self._without_a_shortened_end(text)
        # A name can be a part of an address, and an address a part of a sentence.
        left = (
            self._without_known(self._without_tokens(text)),
            self._without_tokens(self._without_known(text)),
        )
        return all(self._WORD.search(rest) for rest in left)

    def _without_tokens(self, text: str) -> str:
        return self._TOKEN.sub(" ", text)

    def _without_known(self, text: str) -> str:
        for known in self._known:
            if known in text:
                text = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", " ", text)
        return text

    def _without_a_shortened_end(self, text: str) -> str:
        """Before a “…” the beginning of a known text may stand."""
        if text.endswith("…"):
            for start in range(len(text)):
                if any(known.startswith(text[start:-1]) for known in self._sentences):
                    return text[:start]
        return text

    def _single_words(self) -> Iterator[str]:
        for model, name in (*self._NAMES, *self._CODES):
            yield from map(_plain, model._default_manager.values_list(name, flat=True).distinct())


def _sentences() -> Iterator[str]:
    """Every text of several words in any column of any table, and its sentences."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField) and not field.choices:
                values = model._default_manager.values_list(field.name, flat=True).distinct()
                for text in (text for text in map(_plain, values) if " " in text.strip()):
                    yield from (text, *re.split(r"(?<=[.!?]) ", text))


def _plain(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value or "")


def _lists() -> Iterator[str]:
    """Of the few lists that are stored: what a worker found out, and the choices of a question."""
    for lines in Errand.objects.values_list("lines", flat=True):
        yield from (line[name] for line in lines for name in ("side", "text"))
    for choices in CustomField.objects.values_list("possible_values", flat=True):
        yield from (choice[name] for choice in choices for name in ("key", "value"))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _even(text: str) -> str:
    return " ".join(text.split())
