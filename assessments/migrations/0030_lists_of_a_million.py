"""Indexes with which no list, filter or search of the pages reads all orders.

Those for an application and for order numbers now begin with it instead of with the organization.
"""

from django.db import migrations, models

from integrations.migrations._operations import ChangeIndexes

_AS_LISTED = ("-created_at", "-assessment_id", "organization")
_FILTERS = {
    "orders_by_status": "status",
    "orders_by_result": "result",
    "orders_by_package": "package",
    "orders_by_job": "job_id",
    "orders_by_job_name": "job_name",
    "orders_by_age": "status_since",
}
_NUMBER = ["varchar_pattern_ops", "int8_ops"]
_ADDED: dict[str, list[models.Index]] = {
    "order": [
        models.Index(fields=["-created_at", "-assessment_id", "status"], name="orders_newest"),
        models.Index(
            fields=["organization", "-created_at", "-assessment_id", "status"],
            name="orders_newest_in_organization",
        ),
        models.Index(fields=["application_id", "organization"], name="orders_by_application"),
        models.Index(
            fields=["justifacts_order_id", "organization"], name="orders_numbered", opclasses=_NUMBER
        ),
        models.Index(
            fields=["offered_order_number", "organization"],
            name="orders_with_offered_number",
            opclasses=_NUMBER,
        ),
        models.Index(
            fields=["former_order_number", "organization"],
            name="orders_with_former_number",
            opclasses=_NUMBER,
        ),
        *(models.Index(fields=[field, *_AS_LISTED], name=name) for name, field in _FILTERS.items()),
        models.Index(fields=["candidate_id"], name="orders_by_candidate"),
        models.Index(fields=["organization"], condition=models.Q(legal_hold=True), name="orders_held"),
    ],
    "orderevent": [models.Index(fields=["source", "id"], name="events_by_source")],
    "callattempt": [
        models.Index(fields=["call", "id"], name="attempts_by_call"),
        models.Index(fields=["request_id"], name="attempts_by_request"),
    ],
    "inboundrequest": [
        models.Index(fields=["source", "id"], name="inbound_by_source"),
        models.Index(fields=["request_id"], name="inbound_by_request"),
    ],
}
_REPLACED = (
    *("orders_by_date", "orders_newest_first", "orders_of_application"),
    *("orders_by_number", "orders_by_offered_number", "orders_by_former_number"),
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assessments", "0029_process_outages")]

    operations = [
        ChangeIndexes(
            *(migrations.AddIndex(model, index) for model, added in _ADDED.items() for index in added),
            *(migrations.RemoveIndex("order", name) for name in _REPLACED),
        )
    ]
