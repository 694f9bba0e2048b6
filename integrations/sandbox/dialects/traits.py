"""The traits of dialects: ways in which a partner's messages may differ in form, not in meaning.

docs/protocol.md, "Reading what arrives", says how the portal reads such messages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trait:
    """``explanation``: for the /dialects page. ``probability``: the default share of messages with the trait.
    ``is_fault``: the call may fail, so that the portal has to repeat it."""

    explanation: str
    probability: float = 1.0
    is_fault: bool = False


_SHARED = {
    "latin1": Trait("Bodies in ISO-8859-1, as their Content-Type declares."),
    "created_statuses": Trait("Answers success with 201 or 202; a cancel with 204 and no body."),
    "errors_as_objects": Trait(
        "Errors in other envelopes: objects in a list, an error object, a plain text."
    ),
    "proxy_pages": Trait(
        "A proxy answers with an HTML page (200, 403, 404, 502); nothing is done.", 0.15, True
    ),
    "proxy_pages_after": Trait(
        "A proxy answers with an HTML page after the call was carried out.", 0.15, True
    ),
    "unknown_codes": Trait(
        "Answers 200 with success: false and an unknown code; nothing is done.", 0.15, True
    ),
    "unknown_codes_after": Trait(
        "Answers 200 with success: false and an unknown code, although the call was carried out.",
        0.15,
        True,
    ),
}

TRAITS: dict[str, dict[str, Trait]] = {
    "justifacts": {
        "numeric_ids": Trait("Order numbers and package ids are JSON numbers."),
        "empty_parts": Trait(
            "Parts without content: empty texts, null values, empty objects, a numeric label."
        ),
        "bare_values": Trait("A part is its bare value, not an object.", 0.5),
        "text_times": Trait("Timestamps are digits in a string."),
        "iso_times": Trait("Timestamps are ISO 8601, in several zones."),
        "float_times": Trait("Timestamps are fractions, such as 1772452800123.0."),
        "second_times": Trait("Timestamps are seconds, with ten digits."),
        "no_times": Trait("Timestamps are missing, null, zero or unreadable."),
        "capital_references": Trait("The reference is returned in capitals, sometimes in braces."),
        "no_references": Trait("The reference is null or missing in answers.", 0.5),
        "utf8_bom": Trait("Bodies begin with a byte order mark."),
        "wrong_content_type": Trait("JSON with the type text/plain or text/html; pushes also as a form."),
        "shouting": Trait("Statuses and results with other case, spacing and punctuation."),
        "extra_fields": Trait("Undocumented fields."),
        "new_order_number": Trait("An order is issued again under another number.", 0.3),
        "unknown_statuses": Trait("Undocumented statuses, also after completion (a dispute).", 0.5),
        "late_results": Trait("A result changes after completion, with an earlier timestamp or none.", 0.5),
        **_SHARED,
    },
    "ashby": {
        "numeric_ids": Trait("Candidate, application and job ids are JSON numbers."),
        "dirty_names": Trait("Names and addresses with tabs, line ends, no-break spaces, invisible marks."),
        "empty_containers": Trait(
            "hiringTeam and additional_fields are empty texts, lists, objects or null."
        ),
        "odd_statuses": Trait("The application's status is another text, an object, a number or null."),
        "long_job_names": Trait("Job names of 3,000 characters."),
        "capital_ids": Trait("assessment_type_id and assessment_id in capitals."),
        "no_content_type": Trait("Calls without a Content-Type."),
        "edge_403": Trait("The edge answers 403 with the text “error code: 1010”.", 0.15, True),
        "warnings": Trait("Successful answers carry warnings.", 0.5),
        **_SHARED,
    },
}

#: Many traits at once that do not contradict each other.
DIFFICULT_DAY: dict[str, tuple[str, ...]] = {
    "justifacts": (
        *("numeric_ids", "empty_parts", "bare_values", "text_times", "iso_times", "no_times", "shouting"),
        *("capital_references", "latin1", "wrong_content_type", "extra_fields", "created_statuses"),
        *("proxy_pages", "proxy_pages_after", "unknown_codes", "unknown_codes_after", "errors_as_objects"),
        *("unknown_statuses", "late_results", "new_order_number"),
    ),
    "ashby": (
        *("dirty_names", "empty_containers", "odd_statuses", "long_job_names", "capital_ids", "latin1"),
        *("no_content_type", "created_statuses", "warnings", "errors_as_objects"),
        *("proxy_pages", "proxy_pages_after", "edge_403", "unknown_codes", "unknown_codes_after"),
    ),
}
PRESETS = {"difficult_day": DIFFICULT_DAY}


def explanations() -> dict[str, dict[str, str]]:
    """What each trait of each side means."""
    return {side: {name: one.explanation for name, one in traits.items()} for side, traits in TRAITS.items()}
