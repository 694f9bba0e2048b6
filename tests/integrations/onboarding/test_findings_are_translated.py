"""What a worker writes for the set-up page is marked for translation, as tests/test_translation.py says."""

import pytest

from integrations.models import ConnectionJob
from integrations.onboarding import jobs as connection_jobs
from tests.fixtures.pseudo_locale import Data, speak_wide
from tests.fixtures.world import World


def test_findings_of_workers_are_translated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the set-up page are stored: data is known before they are."""
    data, organization = Data(), world.acme.organization
    world.portal_is_public()
    scopes = ["candidates:write", "offers:write"]
    world.ashby("apiKey.info", {"success": True, "results": {"title": "7", "scopes": scopes}})
    sold = [{"assessment_type_id": "JF-acme-1", "name": "Executive", "description": ""}]
    world.justifacts("assessment.list", {"success": True, "results": sold})
    listed = [{"id": "1", "title": "Basic", "status": "Open"}]
    world.ashby("job.list", {"success": True, "results": listed, "moreDataAvailable": False})
    speak_wide(monkeypatch)
    for kind in ConnectionJob.Kind:
        job = connection_jobs.request_job(organization, kind, "Ada")
        connection_jobs.run_job(job.pk)
        job.refresh_from_db()
        assert job.succeeded, job.findings
        for line in job.findings:
            assert data.unmarked(line["text"].replace("offers:write", "")) == []
