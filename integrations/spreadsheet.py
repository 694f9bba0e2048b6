"""Cells of files that people open in a spreadsheet."""

#: What a spreadsheet takes for the beginning of a formula, also written in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_UNSEEN = " \u00a0\u200b\u200c\u200d\u2060\ufeff\"'"


def harmless(value: str) -> str:
    """The text, marked as text where a spreadsheet would calculate it. (OWASP, "CSV injection")"""
    return f"'{value}" if value.lstrip(_UNSEEN).startswith(_FORMULA) or value.startswith(_FORMULA) else value
