"""What the error codes of Ashby and Justifacts mean.

Ashby's codes are from its public API reference and from answers that have been seen. Justifacts publishes
none, but speaks Ashby's protocol, so the same codes are expected, in any spelling (``read_code``).

| set | meaning |
| --- | --- |
| ``KEY_CODES`` | the key is refused |
| ``BODY_CODES`` | the message is refused: the same message would be refused again |
| ``ORDER_CODES`` | this order is refused: its package, its candidate, the paying account, its state |
| ``NOT_FOUND_CODES`` | the subject of the message does not exist |
| ``SERVER_CODES`` | the server failed; whether it carried the call out is not known |
| ``TEMPORARY_CODES`` | ... and a later call may succeed |
| any other code, or none | whether the call was carried out is not known |
"""

import re

#: The code for an order that Justifacts does not have (``docs/protocol.md``).
ASSESSMENT_NOT_FOUND = "assessment_not_found"
_SAME_AS_ASSESSMENT_NOT_FOUND = frozenset(
    f"{thing}_{end}"
    for thing in ("assessment", "order", "check", "background_check", "reference", "reference_id")
    for end in ("not_found", "unknown", "does_not_exist")
) | {"unknown_assessment", "unknown_order", "unknown_reference", "no_such_assessment", "no_such_order"}

NOT_FOUND_CODES = frozenset([ASSESSMENT_NOT_FOUND, "not_found", "resource_not_found"])

KEY_CODES = frozenset(
    """
    missing_endpoint_permission unauthorized forbidden invalid_api_key api_key_invalid api_key_deactivated
    invalid_credentials unauthenticated authentication_failed authentication_required access_denied
    invalid_key invalid_verification_key verification_key_invalid api_key_not_found permission_denied
    """.split()  # noqa: SIM905
)

BODY_CODES = frozenset(
    """
    invalid_input invalid_parameter invalid_parameters invalid_request invalid_body bad_request
    validation_error validation_failed missing_parameter missing_parameters missing_field unprocessable_entity
    invalid_field invalid_value invalid_json malformed_request
    """.split()  # noqa: SIM905
)

ORDER_CODES = frozenset(
    """
    assessment_type_not_found invalid_assessment_type assessment_type_not_available unknown_assessment_type
    package_not_found package_not_available package_unavailable package_inactive package_not_sold
    invalid_package unknown_package candidate_not_found invalid_candidate invalid_email
    invalid_candidate_email missing_email invalid_name out_of_credit insufficient_credit insufficient_funds
    payment_required account_suspended account_inactive account_closed not_allowed too_late cannot_cancel
    cannot_be_cancelled not_cancellable cancellation_not_allowed assessment_cannot_be_cancelled
    already_complete already_completed assessment_already_complete assessment_already_completed
    assessment_complete assessment_completed unknown_method method_not_found unknown_endpoint
    endpoint_not_found not_implemented not_supported
    """.split()  # noqa: SIM905
)

#: In answer to ``assessment.cancel``: the order is cancelled already.
ALREADY_CANCELLED_CODES = frozenset(
    """
    already_cancelled already_canceled assessment_already_cancelled assessment_already_canceled
    order_already_cancelled order_already_canceled assessment_is_cancelled assessment_cancelled
    """.split()  # noqa: SIM905
)

#: In answer to ``assessment.start``: an earlier call may have placed the order, so it is looked up.
DUPLICATE_CODES = frozenset(
    """
    already_being_assessed candidate_already_being_assessed already_in_progress assessment_in_progress
    assessment_already_in_progress already_exists already_started duplicate duplicate_request duplicate_order
    duplicate_assessment duplicate_reference duplicate_reference_id assessment_already_exists
    order_already_exists reference_already_exists reference_id_already_exists reference_already_used
    assessment_already_started idempotency_conflict idempotency_key_in_use idempotency_key_reused
    request_in_progress
    """.split()  # noqa: SIM905
)

#: The server stopped waiting. The call may still be carried out.
TIMEOUT_CODES = frozenset(
    "timeout timed_out request_timeout gateway_timeout upstream_timeout deadline_exceeded".split()  # noqa: SIM905
)

TEMPORARY_CODES = TIMEOUT_CODES | frozenset(
    """
    temporarily_unavailable temporary_failure temporary_error service_unavailable unavailable server_busy busy
    too_many_requests rate_limited rate_limit rate_limit_exceeded throttled maintenance under_maintenance
    try_again try_again_later retry_later
    """.split()  # noqa: SIM905
)

SERVER_CODES = TEMPORARY_CODES | frozenset(
    """
    generic_internal_error internal_error internal_server_error server_error unknown_error unexpected_error
    unhandled_exception system_error database_error backend_error upstream_error bad_gateway generic_error
    """.split()  # noqa: SIM905
)

#: With ``success: false``: the other side has decided, and nothing was carried out.
DECISION_CODES = KEY_CODES | BODY_CODES | ORDER_CODES | NOT_FOUND_CODES | ALREADY_CANCELLED_CODES

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_LETTER = re.compile(r"[^a-z0-9]+")


def read_code(value: object) -> str:
    """A code in the spelling of the sets above: ``Assessment-Not-Found``, ``assessmentNotFound`` and
    ``ASSESSMENT_NOT_FOUND`` are the same. Empty for a value that is neither text nor a whole number."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    code = _NO_LETTER.sub("_", _CAMEL.sub("_", str(value)[:200]).lower()).strip("_")[:100]
    return ASSESSMENT_NOT_FOUND if code in _SAME_AS_ASSESSMENT_NOT_FOUND else code
