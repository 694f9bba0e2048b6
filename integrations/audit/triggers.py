"""Triggers with which the database refuses changes of the audit log, for migrations. The table had another
name when they were written."""

SQLITE = (
    """CREATE TRIGGER audit_line_never_changes BEFORE UPDATE ON integrations_auditevent
       BEGIN SELECT RAISE(ABORT, 'an entry of the audit log is never changed'); END""",
    """CREATE TRIGGER audit_line_never_goes BEFORE DELETE ON integrations_auditevent
       BEGIN SELECT RAISE(ABORT, 'an entry of the audit log is never removed'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'an entry of the audit log is never changed or removed'
       USING ERRCODE = 'restrict_violation'; END $$""",
    """CREATE TRIGGER audit_line_never_changes BEFORE UPDATE OR DELETE ON integrations_auditevent
       FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()""",
)
