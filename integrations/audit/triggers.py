"""The database's own refusal to change the audit trail, for the migrations that make its table."""

SQLITE = (
    """CREATE TRIGGER audit_line_never_changes BEFORE UPDATE ON integrations_auditevent
       BEGIN SELECT RAISE(ABORT, 'a line of the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_line_never_goes BEFORE DELETE ON integrations_auditevent
       BEGIN SELECT RAISE(ABORT, 'a line of the audit trail is never removed'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'a line of the audit trail is never changed or removed'
       USING ERRCODE = 'restrict_violation'; END $$""",
    """CREATE TRIGGER audit_line_never_changes BEFORE UPDATE OR DELETE ON integrations_auditevent
       FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()""",
)
