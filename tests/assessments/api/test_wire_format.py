"""How Ashby reaches the portal: addresses, credentials, envelope (``docs/protocol.md``)."""

import json
import uuid
from io import BytesIO
from typing import Any

import pytest

from assessments.models import InboundRequest
from integrations.catalog.mapping import set_default_package
from integrations.http.strict_json import MAX_BYTES
from integrations.models import CustomField, Package
from tests.fixtures.world import World, basic

NAMES = [
    "assessment.list",
    "assessment.start",
    "assessment.cancel",
    "assessment.customField.list",
    "customField.list",
    "customFields.fetch",
]
LIST = "/ashby/assessment.list"


@pytest.mark.parametrize(
    "address",
    [
        "/ashby/{}",
        "/ashby//{}",
        "/ashby///{}",
        "/ashby/{}/",
        "/ashby/{}//",
        "//ashby/{}",
        "//ashby//{}//",
        "///ashby/{}",
    ],
)
def test_extra_slashes_in_the_path_are_accepted(world: World, address: str) -> None:
    """The pasted base URL may end in a slash or not; a redirect would lose the POST."""
    for name in NAMES:
        body = {
            "assessment.start": world.start_body(),
            "assessment.cancel": {"assessment_id": str(world.start().pk)},
        }.get(name, {})
        answer = world.call("/", body, PATH_INFO=address.format(name))
        assert (answer.status_code, answer.json()["success"]) == (200, True), name


@pytest.mark.parametrize("address", ["/justifacts//assessment.update/", "//justifacts/assessment.update"])
def test_extra_slashes_in_the_path_of_a_push_are_accepted(world: World, address: str) -> None:
    order = world.placed()
    body = {"assessment_id": order.justifacts_order_id, "assessment_status": "Initiated"}
    assert world.call("/", body, PATH_INFO=address).status_code == 200
    assert InboundRequest.objects.get(source="justifacts").order == order


def test_the_list_holds_the_packages_on_offer(world: World) -> None:
    """Each package has a UUID of ours, and the name that the organization gave it for Ashby."""
    world.acme.executive.ashby_name = "Directors and above"
    world.acme.executive.save()
    hidden = {"switched off": {"is_active": False}, "withdrawn": {"withdrawn_at": "2026-01-01T00:00Z"}}
    for name, how in hidden.items():
        Package.objects.create(organization=world.acme.organization, justifacts_id=name, name=name, **how)
    answer = world.call(LIST, {})
    assert answer.status_code == 200
    assert sorted(answer.json()["results"], key=lambda entry: entry["name"]) == [
        {
            "assessment_type_id": str(world.acme.basic.assessment_type_id),
            "name": "Basic",
            "description": "The Basic check",
        },
        {
            "assessment_type_id": str(world.acme.executive.assessment_type_id),
            "name": "Directors and above",
            "description": "The Executive check",
        },
    ]


def test_package_ids_are_uuids_and_never_justifacts_own(world: World) -> None:
    set_default_package(world.acme.organization, world.acme.basic)
    results = world.call(LIST, {}).json()["results"]
    assert len({uuid.UUID(entry["assessment_type_id"]) for entry in results}) == 3
    assert b"JF-acme" not in world.call(LIST, {}).content


@pytest.mark.parametrize("name", ["assessment.customField.list", "customField.list", "customFields.fetch"])
def test_custom_fields_are_listed_under_three_names(world: World, name: str) -> None:
    choices = [{"key": "us", "value": "United States"}, {"key": "fr", "value": "France"}]
    organization = world.acme.organization
    country = CustomField.objects.create(
        organization=organization, name="Country", type="ValueSelect", possible_values=choices, position=1
    )
    note = CustomField.objects.create(
        organization=organization, name="Note", type="LongText", is_required=True, position=2
    )
    answer = world.call(f"/ashby/{name}", {})
    assert answer.json() == {
        "success": True,
        "fields": [
            {
                "id": str(country.field_id),
                "name": "Country",
                "type": "ValueSelect",
                "possible_values": choices,
                "isRequired": False,
            },
            {"id": str(note.field_id), "name": "Note", "type": "LongText", "isRequired": True},
        ],
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"])
def test_only_post_is_allowed(world: World, method: str) -> None:
    for headers in ({"HTTP_AUTHORIZATION": basic(world.acme.verification_key)}, {}):
        for path in (LIST, "/ashby//customFields.fetch/", "/justifacts/assessment.update"):
            answer = world.client.generic(method, path, b"{}", content_type="application/json", **headers)
            assert answer.status_code == 405, (path, headers)
            assert answer.headers["Allow"] == "POST"
            if method != "HEAD":
                assert world.error(answer) == "method_not_allowed"


def test_an_unknown_call_gets_the_error_envelope(world: World) -> None:
    for path in (
        "/ashby/",
        "/ashby",
        "/ashby/assessment",
        "/ashby/assessment.lists",
        "/ashby/assessment.list/more",
        "/ashby/Assessment.List",
        "/ashby/assessmentXlist",
        "/ashby/assessment.update",
        "/ashby/%00",
        "/ashby/a%0Ab",
        "/ashby/é%F0%9F%A6%8A",
        "/ashby/../admin/",
        "/justifacts/",
        "/justifacts/assessment.start",
    ):
        answer = world.call(path, {})
        assert (answer.status_code, world.error(answer)) == (404, "not_found"), path


def test_each_error_has_a_request_id_that_support_can_find(world: World) -> None:
    answers = [world.call("/ashby/assessment.start", {}) for _ in range(2)]
    ids = {answer.json()["errorInfo"]["requestId"] for answer in answers}
    assert len(ids) == 2
    assert set(InboundRequest.objects.values_list("request_id", flat=True)) == ids


@pytest.mark.parametrize("length", [MAX_BYTES + 1, MAX_BYTES * 3])
def test_a_body_over_256_kb_is_refused(world: World, length: int) -> None:
    answer = world.call("/ashby/assessment.start", b" " * length)
    assert (answer.status_code, world.error(answer)) == (413, "body_too_large")
    assert InboundRequest.objects.get().http_status == 413


def test_a_body_of_exactly_256_kb_is_accepted(world: World) -> None:
    answer = world.call(LIST, b"{}" + b" " * (MAX_BYTES - 2))
    assert (answer.status_code, len(answer.json()["results"])) == (200, 2)


def test_a_chunked_body_has_the_same_limit(world: World) -> None:
    """A chunked body has no Content-Length."""

    def call(path: str, content: bytes) -> Any:
        stream = {"wsgi.input": BytesIO(content), "HTTP_TRANSFER_ENCODING": "chunked"}
        return world.call(path, content, CONTENT_LENGTH="", **stream)

    body = {**world.start_body(), "padding": "x" * 100_000}
    assert call("/ashby/assessment.start", json.dumps(body).encode()).status_code == 200
    assert "padding" not in InboundRequest.objects.get().body
    assert call(LIST, b" " * (MAX_BYTES + 1)).status_code == 413


def test_a_wrong_content_length_causes_no_server_error(world: World) -> None:
    for length in ("abc", "-1", "0", "1e3", "²"):
        answer = world.call("/ashby/assessment.start", world.start_body(), CONTENT_LENGTH=length)
        assert answer.status_code < 500, length


def test_another_content_type_is_refused(world: World) -> None:
    for content_type in (
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "application",
        "application/+json",
        "application/vnd.ashby+xml",
    ):
        answer = world.call("/ashby/assessment.start", world.start_body(), CONTENT_TYPE=content_type)
        assert (answer.status_code, world.error(answer)) == (415, "unsupported_media_type"), content_type
        assert world.row_counts() == (0, 0, 0)
        assert InboundRequest.objects.latest("pk").http_status == 415


def test_json_is_accepted_in_any_encoding_and_spacing(world: World) -> None:
    for number, content_type in enumerate(
        (
            *("application/json", "Application/JSON", "application/json; charset=utf-8"),
            *(" application/json ;", "application/vnd.ashby.v1+json"),
            *("application/problem+JSON; charset=utf-8", "", ";"),
        ),
        start=1,
    ):
        answer = world.call("/ashby/assessment.start", world.start_body(), CONTENT_TYPE=content_type)
        assert (answer.status_code, world.row_counts()[0]) == (200, number), content_type


def test_read_calls_need_no_body(world: World) -> None:
    for content in (b"", b"  \n", b"{}", b'{"anything": [1, null]}'):
        answer = world.call(LIST, content)
        assert (answer.status_code, len(answer.json()["results"])) == (200, 2), content


def test_the_answer_is_json_whatever_the_accept_header(world: World) -> None:
    for accept in ("text/html", "application/xml", "image/*", "", "*/*;q=0"):
        answer = world.call(f"{LIST}?format=html", {}, HTTP_ACCEPT=accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json"), accept
        assert world.error(world.call("/ashby/nothing", {}, HTTP_ACCEPT=accept)) == "not_found"


def test_reads_are_recorded_once_a_minute_and_shown_on_the_connection(world: World) -> None:
    for _ in range(3):
        world.call(LIST, {})
    assert InboundRequest.objects.count() == 1
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.last_inbound_call_at is not None
