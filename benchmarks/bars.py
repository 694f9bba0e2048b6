"""The bars of the benchmark. All but two are ratios to what is measured beside the portal in the same run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """``limit``: the least or the most that a figure may be."""

    limit: float
    is_least: bool = False
    unit: str = ""

    def holds(self, figure: float) -> bool:
        return figure >= self.limit if self.is_least else figure <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.is_least else '<='} {self.limit:g}{self.unit}"


BARS = {
    # Calls a second, beside a plain Django.
    "list": Bar(0.8, is_least=True),
    "start": Bar(0.5, is_least=True),
    # The 99th percentile of a start's time with 16 clients, beside the plain Django's at rest.
    "start p99": Bar(3),
    "start p99, busy": Bar(5),
    # Polls a second, beside plain ``requests``.
    "polls": Bar(0.4, is_least=True),
    # Processor time of one order's whole life, beside the bare chain.
    "life by push": Bar(3),
    "life by push, at once": Bar(3),
    "life by poll": Bar(3),
    # The median time from a push until Ashby has it, beside the bare chain.
    "push": Bar(3),
    "push, at once": Bar(3),
    "push itself": Bar(1000, unit=" ms"),
    "memory": Bar(200, unit=" MB"),
}


class Report:
    """Prints one line for each figure, and keeps the names of the bars that do not hold."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        print(f"{'':44}{'target':>12}{'reached':>12}")

    def title(self, text: str) -> None:
        print(text, flush=True)

    def judge(self, bar: str, figure: float, label: str, remark: str = "") -> None:
        """Print a figure beside its bar."""
        is_held = BARS[bar].holds(figure)
        if not is_held and bar not in self.missed:
            self.missed.append(bar)
        shown = f"{figure:.0f}{BARS[bar].unit}" if BARS[bar].unit else f"{figure:.2f}"
        self._line(label, str(BARS[bar]), shown, "  yes" if is_held else "  NO", remark)

    def show(self, label: str, figure: str, remark: str = "") -> None:
        """Print a figure without a bar."""
        self._line(label, "", figure, "", remark)

    def _line(self, label: str, target: str, figure: str, mark: str, remark: str) -> None:
        print(f"  {label:42}{target:>12}{figure:>12}{mark:5}  {remark}".rstrip(), flush=True)
