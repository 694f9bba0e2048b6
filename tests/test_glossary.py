"""Code, pages and documents use no word of the table in ``docs/glossary.md``, "Do not use"."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_PACKAGES = ("assessments", "benchmarks", "config", "integrations", "tests")
_GLOSSARY = "docs/glossary.md"
#: The areas, and whether they hold identifiers or texts.
_AREAS = {"identifiers": "identifiers", "pages": "texts", "documents": "texts", "docstrings": "texts"}
#: These keep an old name on purpose, as an alias for one version.
_ALIASES = ("management/commands/forget.py", "management/commands/after_restore.py")
#: The nodes that hold a docstring, a name or a text.
_READ = (
    *(ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.arg, ast.alias),
    *(ast.ExceptHandler, ast.Name, ast.Attribute, ast.Constant),
)
_PART_OF_A_NAME = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class Rule:
    """One row of the table. ``forms`` are lower-case words or phrases."""

    forms: tuple[str, ...]
    instead: str
    where: str
    fine_in: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.forms[0]


@dataclass(frozen=True)
class Piece:
    """A text, or the words of an identifier with its name, and where it is."""

    path: str
    line: int
    text: str
    name: str = ""


def rules() -> tuple[Rule, ...]:
    """The table of the glossary. Raises ``AssertionError`` if it cannot be read."""
    section = (_ROOT / _GLOSSARY).read_text().split("\n## Do not use\n")[1].split("\n## ")[0]
    rows = [line.strip().strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    header, _, *entries = [[cell.strip() for cell in row] for row in rows]
    assert header == ["Do not use", "Use instead", "Where", "Fine in"]
    assert {row[2] for row in entries} <= {"identifiers", "texts", "everywhere"}
    return tuple(
        Rule(_listed(forms.lower()), instead, where, _listed(fine_in))
        for forms, instead, where, fine_in in entries
    )


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in cell.split(",") if item.strip())


def old_words(text: str, area: str) -> list[tuple[Rule, re.Match[str]]]:
    """Each form of the table that a text uses as a whole word or phrase, however its words are separated."""
    pattern, by_form = _pattern(_AREAS[area])
    return [(by_form[" ".join(match[0].lower().split())], match) for match in pattern.finditer(text)]


@cache
def _pattern(where: str) -> tuple[re.Pattern[str], dict[str, Rule]]:
    by_form = {form: rule for rule in rules() if rule.where in (where, "everywhere") for form in rule.forms}
    # The longest first: a phrase counts before the word with which it begins.
    forms = (re.escape(form).replace(r"\ ", r"\s+") for form in sorted(by_form, key=len, reverse=True))
    # Not after a slash or a dot: files that older versions have written keep their names.
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(forms)})(?![\w-])", re.IGNORECASE), by_form


def findings(area: str) -> list[str]:
    """Each use of an old word in an area: a line that says where and what."""
    found = []
    for piece in _pieces(area):
        for rule, match in old_words(piece.text, area):
            if not any(part in piece.path for part in rule.fine_in):
                line = piece.line + piece.text.count("\n", 0, match.start())
                used = piece.name or " ".join(match[0].split())
                found.append(f"{piece.path}:{line}: {used} -> {rule.instead}")
    return found


def _pieces(area: str) -> Iterator[Piece]:
    read = {"identifiers": _identifiers, "pages": _pages, "documents": _documents, "docstrings": _prose}
    return read[area]()


@dataclass(frozen=True)
class Source:
    """What a file names and says. ``names`` are those that it defines, each with its line."""

    path: str
    text: str
    names: tuple[tuple[int, str], ...]
    docstrings: tuple[ast.Constant, ...]
    strings: tuple[ast.Constant, ...]


@cache
def _sources() -> tuple[Source, ...]:
    """Our own code without migrations and aliases."""
    paths = [*_ROOT.glob("*.py"), *(path for name in _PACKAGES for path in (_ROOT / name).rglob("*.py"))]
    names = (path.relative_to(_ROOT).as_posix() for path in sorted(paths))
    return tuple(
        _source(name, (_ROOT / name).read_text())
        for name in names
        if "/migrations/" not in name and not name.endswith(_ALIASES)
    )


def _source(path: str, text: str) -> Source:
    # The tree is not kept: with all trees in memory, Python looks through them again and again for garbage.
    nodes = [node for node in _walk(ast.parse(text)) if isinstance(node, _READ)]
    docstrings = tuple(filter(None, map(_docstring, nodes)))
    known = {id(node) for node in docstrings}
    strings = (node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return Source(
        path,
        text,
        tuple((getattr(node, "lineno", 1), name) for node in nodes if (name := _defined(node))),
        docstrings,
        tuple(node for node in strings if " " in str(node.value).strip() and id(node) not in known),
    )


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """``ast.walk``, in half of its time."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        for value in node.__dict__.values():
            if isinstance(value, ast.AST):
                pending.append(value)
            elif isinstance(value, list):
                pending += (each for each in value if isinstance(each, ast.AST))


def _docstring(node: ast.AST) -> ast.Constant | None:
    match node:
        case (
            ast.Module(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            | ast.ClassDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            | ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
        ):
            return text
    return None


def _identifiers() -> Iterator[Piece]:
    """The names that our own code defines, and those of files and folders."""
    for source in _sources():
        for line, name in source.names:
            yield _as_piece(source.path, line, name)
    files = {Path(source.path) for source in _sources()} | set(_assets())
    for path in sorted(files | {folder for file in files for folder in file.parents}):
        yield _as_piece(path.as_posix(), 1, path.stem)


def _assets() -> Iterator[Path]:
    for folder in ("templates", "static", "assessments", "integrations"):
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in (".html", ".txt", ".js", ".css"):
                yield path.relative_to(_ROOT)


def _as_piece(path: str, line: int, name: str) -> Piece:
    return Piece(path, line, " ".join(part.lower() for part in _PART_OF_A_NAME.findall(name)), name)


def _defined(node: ast.AST) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.arg(arg=name) | ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
            return name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return name
    return None


def _pages() -> Iterator[Piece]:
    """Templates, style sheets and scripts, and every sentence in the code: in pages, mails and logs."""
    for path in _assets():
        yield Piece(path.as_posix(), 1, (_ROOT / path).read_text())
    for source in _sources():
        if not source.path.startswith(("tests/", "benchmarks/")):
            for node in source.strings:
                yield Piece(source.path, node.lineno, str(node.value))


def _documents() -> Iterator[Piece]:
    """Every page for readers of the repository. The changelog may quote old names, as code."""
    readmes = (path for name in _PACKAGES for path in (_ROOT / name).rglob("*.md"))
    pages = (
        *_ROOT.glob("*.md"),
        *_ROOT.glob("docs/*.md"),
        *readmes,
        _ROOT / ".env.example",
        _ROOT / "Makefile",
    )
    for path in sorted(pages):
        name, text = path.relative_to(_ROOT).as_posix(), path.read_text()
        if name == "CHANGELOG.md":
            text = re.sub(r"`[^`\n]*`", "``", text)
        if name != _GLOSSARY:
            yield Piece(name, 1, text)


def _prose() -> Iterator[Piece]:
    """Docstrings and comments."""
    for source in _sources():
        for node in source.docstrings:
            yield Piece(source.path, node.lineno, str(node.value))
        for number, line in enumerate(source.text.splitlines(), start=1):
            if comment := re.search(r"(?:^|\s)#[:!]?(.*)", line):
                yield Piece(source.path, number, comment[1])


def test_no_old_term_is_used() -> None:
    """In one test: to parse all code takes longer than to look for the words."""
    found = [line for area in _AREAS for line in findings(area)]
    assert not found, f"{len(found)} uses of old words:\n" + "\n".join(found)


def test_no_form_is_listed_twice() -> None:
    forms = [(form, rule.where) for rule in rules() for form in rule.forms]
    assert len(forms) == len(set(forms))


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("run_errand", "errand"),
        ("ErrandKind", "errand"),
        ("stands_still", "standing still"),
        ("interest", None),
    ],
)
def test_an_old_term_in_an_identifier_is_found(name: str, old: str | None) -> None:
    found = [rule.name for rule, _ in old_words(_as_piece("tasks.py", 1, name).text, "identifiers")]
    assert found == ([old] if old else [])


def test_a_phrase_is_found_across_the_end_of_a_line() -> None:
    found = old_words("The order stands\n  still since Monday.", "documents")
    assert [rule.name for rule, _ in found] == ["standing still"]


def test_definitions_sentences_and_docstrings_of_the_code_are_read() -> None:
    source = _source("a.py", 'def nudge(lane):\n    "Tell it."\n    self.told = _("Needs a human")')
    assert {name for _line, name in source.names} == {"nudge", "lane", "told"}
    assert [text.value for text in source.strings] == ["Needs a human"]
    assert [text.value for text in source.docstrings] == ["Tell it."]
