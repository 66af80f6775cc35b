"""What a bundle's objects hold is what its program takes it for.

torch believes the file: where it holds two numbers and the program takes three, the
third would be looked for in the memory behind them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from rtpipe.errors import BundleError


def refuse_odd_attributes(path: Path, module: Any, graphs: Iterable[Any]) -> None:
    """Raise unless each attribute that a program reads is of the type it says.

    Parameters
    ----------
    path : Path
        Of the bundle, for the error.
    module : torch.ScriptModule
        As torch has loaded it.
    graphs : iterable of torch.Graph
        Of all its functions.

    Raises
    ------
    BundleError
        Naming the first that is not.
    """
    wanted: dict[str, dict[str, Any]] = {}
    for graph in graphs:
        for node in graph.findAllNodes("prim::GetAttr", recurse=True):
            (owner,), (value,) = node.inputs(), node.outputs()
            attributes = wanted.setdefault(owner.type().annotation_str, {})
            attributes[node.s("name")] = value.type()
    waiting = [module]
    while waiting:
        each = waiting.pop()
        for name, kind in wanted.get(each._type().annotation_str, {}).items():
            value = each.getattr(name)
            if not _is(value, kind):
                raise BundleError(
                    f"{path} is refused: its {name} is no {kind.annotation_str}"
                )
            if hasattr(value, "_type"):
                waiting.append(value)


def _is(value: object, kind: Any) -> bool:
    if hasattr(value, "_type"):
        return bool(value._type().isSubtypeOf(kind))
    if isinstance(value, list | dict) and not value:  # of what it is, nobody can see
        return kind.kind() in ("ListType", "DictType", "OptionalType")
    found: Any = torch._C._jit_try_infer_type(value)
    return bool(found.success() and found.type().isSubtypeOf(kind))
