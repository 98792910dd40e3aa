"""Name clashes with other packages `models`, `training` and `service`: one line says which hides which."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""The folder of our packages."""

_OURS: Final = ("models", "training", "service")


def is_ours(package: ModuleType) -> bool:
    """Return whether a package lies beside this one."""
    return package.__file__ is not None and Path(package.__file__).parents[1] == ROOT


def refuse(package: ModuleType) -> None:
    """Stop because another package was found in the place of ours.

    Raises:
        ImportError: Always; for `python -m` it is one line on stderr and exit code 2.
    """
    where = package.__file__ or next(iter(package.__path__))
    line = (
        f"{where} hides the package {package.__name__!r} of relu-anomaly-detector. Rename it, or keep its folder off "
        "the path: say relu-anomaly or python -P -m in the place of python -m, or set PYTHONSAFEPATH=1."
    )
    if sys.argv[:1] == ["-m"]:
        print(f"error: {line}", file=sys.stderr)
        raise SystemExit(2)
    raise ImportError(line)


class HiddenModules(MetaPathFinder):
    """An import finder that names the folder of a module which our package of the same name hides."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None; this finder is the last one, for modules that no other has found.

        Raises:
            ModuleNotFoundError: A hidden folder has the module.
        """
        top, _, name = fullname.partition(".")
        for entry in sys.path if top in _OURS and name else ():
            folder = Path(entry) / top
            if folder != ROOT / top and ((folder / f"{name}.py").is_file() or (folder / name).is_dir()):
                raise ModuleNotFoundError(
                    f"{fullname} is in {folder.resolve()}, which the package {top!r} of relu-anomaly-detector hides "
                    f"({ROOT / top}). Rename the folder.",
                    name=fullname,
                )
        return None


sys.meta_path.append(HiddenModules())
