"""The different values of a column of all orders, such as the names of jobs."""

from typing import Literal

from django.db import connection

#: Jumps in the column's index from each value to the next one: there are few different ones.
_SELECT = """
    WITH RECURSIVE found (value) AS (
        SELECT MIN({column}) FROM assessments_order
        UNION ALL
        SELECT (SELECT MIN({column}) FROM assessments_order WHERE {column} > found.value)
        FROM found WHERE found.value IS NOT NULL
    )
    SELECT value FROM found WHERE value <> ''
"""


def distinct_values(column: Literal["job_name", "result"]) -> list[str]:
    """The values, without the empty one."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT.format(column=column))
        return [value for (value,) in cursor.fetchall()]
