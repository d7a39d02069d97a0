"""Bundles modules into one source text, for a Python that cannot read Threadline's files."""

from importlib import resources

PACKAGE = __package__


def text_of(name: str) -> str:
    return resources.files(PACKAGE).joinpath(f"{name}.py").read_text("utf-8")


def bundle(*names: str) -> str:
    """The last one is run, after the ones before it were made to be found by its imports."""
    *imported, last = names
    parts = ["import sys, types"]
    for name in imported:
        parts.append(f"sys.modules[{PACKAGE + '.' + name!r}] = types.ModuleType({name!r})")
        parts.append(f"exec({text_of(name)!r}, sys.modules[{PACKAGE + '.' + name!r}].__dict__)")
    return "\n".join([*parts, text_of(last)])
