"""Admin addresses of version 0.4 lead to the pages that replaced them: bookmarks and mails hold them."""

import pytest
from django.test import Client

ORDER = "6c5d12c1-1c8f-442c-8943-c8291dcc71a6"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("my-notices/", "notification-settings/"),
        ("assessments/erasurecertificate/forget/", "assessments/erasurecertificate/erase/"),
        ("assessments/order/dry-run/7/", "assessments/order/mapping-preview/7/"),
        (f"assessments/order/{ORDER}/adopt/", f"assessments/order/{ORDER}/link-existing/"),
        (f"assessments/order/{ORDER}/place-again/", f"assessments/order/{ORDER}/resubmit/"),
        (f"assessments/order/{ORDER}/updates/3/set-aside/", f"assessments/order/{ORDER}/updates/3/skip/"),
        ("assessments/update/", "assessments/ashbyupdate/"),
        ("assessments/attempt/4/change/", "assessments/callattempt/4/change/"),
        ("assessments/event/", "assessments/orderevent/"),
        ("assessments/inboundcall/", "assessments/inboundrequest/"),
        ("assessments/watchlimits/1/change/", "assessments/stallthresholds/1/change/"),
        ("integrations/auditevent/", "integrations/auditlogentry/"),
        ("integrations/retiringverificationkey/", "integrations/previousverificationkey/"),
    ],
)
def test_an_old_admin_address_redirects_with_its_query(old: str, new: str) -> None:
    response = Client().get(f"/admin/{old}?organization=acme")
    assert (response.status_code, response["Location"]) == (301, f"/admin/{new}?organization=acme")
