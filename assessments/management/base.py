"""What the commands about orders share."""

from uuid import UUID

from django.core.management import CommandError

from assessments.models import Order


def order_of(text: str) -> Order:
    """The order with this assessment id. Raises ``CommandError``."""
    try:
        order = Order.objects.select_related("organization__connection", "package").get(pk=UUID(text))
    except ValueError:
        raise CommandError(f"“{text}” is not an assessment id.") from None
    except Order.DoesNotExist:
        raise CommandError(f"There is no order {text}.") from None
    return order
