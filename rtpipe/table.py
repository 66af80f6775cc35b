"""The settings a constructor takes, as a table that can be checked."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model


def table_of(make: Callable[..., Any]) -> type[BaseModel]:
    """Return the table whose keys are the parameters of a constructor.

    Names, types and defaults are read from the signature, so there is no second list
    of them; a key that is no parameter is refused.
    """
    kinds = get_type_hints(
        make.__init__ if inspect.isclass(make) else make, include_extras=True
    )
    fields: dict[str, Any] = {
        name: (
            kinds.get(name, Any),
            ... if each.default is each.empty else each.default,
        )
        for name, each in inspect.signature(make).parameters.items()
    }
    return create_model(
        "Settings", __config__=ConfigDict(extra="forbid", frozen=True), **fields
    )
