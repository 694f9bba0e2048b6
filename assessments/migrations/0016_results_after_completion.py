"""Results that change after completion, order numbers that change, and who cancelled an order."""

from django.db import migrations, models

import integrations.encryption.fields
from integrations.migrations._operations import StatementsLast


class Migration(StatementsLast):
    dependencies = [
        ("assessments", "0015_hold_reason_encrypted"),
        ("integrations", "0010_poll_days_after_completion"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="applied_messages",
            field=integrations.encryption.fields.PersonalJSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="order",
            name="asked_about",
            field=integrations.encryption.fields.PersonalJSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="order",
            name="cancelled_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "nobody"),
                    ("ashby", "Ashby"),
                    ("justifacts", "Justifacts"),
                    ("person", "a person"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="former_order_number",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="order",
            name="justifacts_time_is_ours",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="order",
            name="offered_order_number",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="order",
            name="waiting_questions",
            field=integrations.encryption.fields.PersonalJSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AlterField(
            model_name="order",
            name="attention_concern",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "nothing"),
                    ("placing", "placing the order"),
                    ("delivery", "telling Ashby"),
                    ("cancel", "cancelling at Justifacts"),
                    ("number", "the order number at Justifacts"),
                    ("result", "what Justifacts said after the end"),
                ],
                default="",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["organization", "offered_order_number"], name="orders_by_offered_number"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["organization", "former_order_number"], name="orders_by_former_number"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("erased_at", None), ("next_call", ""), ("status", "complete")),
                fields=["completed_at"],
                name="orders_completed_at_rest",
            ),
        ),
    ]
