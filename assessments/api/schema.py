"""The shapes of the protocol, for the API description only: ``integrations.partner_protocol`` parses."""

from rest_framework import serializers

from integrations.partner_protocol.messages import CUSTOM_FIELD_TYPES, DATA_TYPES


class Nothing(serializers.Serializer):
    pass


class ErrorInfo(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    requestId = serializers.CharField()


class Failure(serializers.Serializer):
    success = serializers.BooleanField(default=False)
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    errorInfo = ErrorInfo()
    message = serializers.CharField(required=False, help_text="With 409 and 422: shown to the Ashby user.")


class Data(serializers.Serializer):
    identifier = serializers.CharField(required=False)
    label = serializers.CharField(required=False)  # type: ignore[assignment]
    type = serializers.ChoiceField(choices=DATA_TYPES, required=False)
    value = serializers.JSONField()
    description = serializers.CharField(required=False)


class UpdateBody(serializers.Serializer):
    assessment_id = serializers.CharField(help_text="A text or a whole number.")
    reference_id = serializers.CharField(required=False, help_text="The portal's own assessment_id.")
    timestamp = serializers.IntegerField(required=False, help_text="Milliseconds since 1970, or ISO 8601.")
    assessment_status = Data(required=False)
    assessment_profile_url = Data(required=False)
    assessment_result = Data(required=False)
    cancelled_reason = Data(required=False)
    metadata = Data(many=True, required=False)


class AssessmentType(serializers.Serializer):
    assessment_type_id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)


class AssessmentListAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    results = AssessmentType(many=True)


class PossibleValue(serializers.Serializer):
    key = serializers.CharField()
    value = serializers.CharField()


class CustomFieldEntry(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=CUSTOM_FIELD_TYPES)
    possible_values = PossibleValue(many=True, required=False)
    isRequired = serializers.BooleanField()


class CustomFieldListAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    fields = CustomFieldEntry(many=True)  # type: ignore[assignment]


_ID = "A number counts as a text; a UUID may be written in any form."
_NAME = "Cleaned of invisible characters. Without a letter, or with more than 200: 422 for the recruiter."
_OPTIONAL = "Absent where it cannot be read."


class CandidatePart(serializers.Serializer):
    first_name = serializers.CharField(help_text=_NAME)
    last_name = serializers.CharField(help_text=_NAME)
    email = serializers.EmailField(max_length=254)
    ashby_id = serializers.CharField(required=False, help_text=_OPTIONAL)
    ashby_profile_url = serializers.CharField(required=False, help_text=_OPTIONAL)


class ApplicationPart(serializers.Serializer):
    ashby_id = serializers.CharField(max_length=200, help_text=_ID)
    status = serializers.CharField(required=False, help_text=_OPTIONAL)


class HiringTeamMember(serializers.Serializer):
    userId = serializers.CharField(required=False)
    firstName = serializers.CharField(required=False)
    lastName = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    role = serializers.CharField(required=False)


class JobPart(serializers.Serializer):
    ashby_id = serializers.CharField(max_length=200, help_text=_ID)
    name = serializers.CharField(required=False, help_text="Cut after 500 characters.")
    req_id = serializers.CharField(required=False, help_text=_OPTIONAL)
    ashby_job_url = serializers.CharField(required=False, help_text=_OPTIONAL)
    hiringTeam = HiringTeamMember(many=True, required=False, help_text=_OPTIONAL)


class StartBody(serializers.Serializer):
    assessment_type_id = serializers.UUIDField()
    candidate = CandidatePart()
    application = ApplicationPart()
    job = JobPart()
    additional_fields = serializers.DictField(required=False, help_text="Keys are custom field ids.")


class StartResults(serializers.Serializer):
    assessment_id = serializers.UUIDField()
    update_request = UpdateBody()


class StartAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    results = StartResults()


class AssessmentId(serializers.Serializer):
    assessment_id = serializers.CharField()


class CancelAnswer(serializers.Serializer):
    success = serializers.BooleanField()
    results = AssessmentId()
