"""The parts of a bundle's file, looked at before any of them is used.

What torch would read of a file may differ from what Python reads of it: a zip archive
can list a name twice, or have two lists. So torch is given an archive that is written
anew from the parts that were looked at, and nothing else.
"""

import io
import lzma
import pickle
import pickletools
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

from rtpipe.errors import BundleError

CARD = "extra/card.json"
_LARGEST_CARD = 2**21  # bytes; the names and hashes of 20,000 recordings
_ROOM, _TIMES = 2**25, 4  # bytes all parts may have, and for each byte of the file
_PART = re.compile(
    r"data\.pkl|constants\.pkl|(\.data/)?version|byteorder|\.data/serialization_id|"
    rf"\.format_version|\.storage_alignment|(data|constants)/\d+|{re.escape(CARD)}|"
    r"code/[\w/]+\.py(\.debug_pkl)?",
    re.ASCII,
)
_UNUSED = ".debug_pkl"  # places in sources; pickles, too
_UNREADABLE = (
    *(OSError, RuntimeError, EOFError, UnicodeDecodeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError),
)
# What a pickle of torch's may name: bytes of a number, by the name of its storage.
_STORAGES = {
    "FloatStorage": 4,
    "DoubleStorage": 8,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
    "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
}


def read_card_text(path: Path) -> bytes:
    """Return the card of a bundle as it is stored.

    Raises
    ------
    BundleError
        If the file is no bundle; the text says what is wrong with it.
    """
    with _Archive(path) as archive:
        return archive.read(CARD)


def read_parts(path: Path) -> dict[str, bytes]:
    """Return what a bundle's file has, by its name there, but for the folder of all.

    Raises
    ------
    BundleError
        If it holds what no bundle has, or more than fits its size.
    """
    with _Archive(path) as archive:
        names = [name for name in archive.sizes if not name.endswith(_UNUSED)]
        if odd := [name for name in names if not _PART.fullmatch(name)]:
            raise BundleError(f"{path} is refused: it holds {odd[0]!r:.80}")
        if sum(archive.sizes.values()) > _ROOM + _TIMES * path.stat().st_size:
            raise BundleError(f"{path} is refused: unpacked it is far larger")
        return {name: archive.read(name) for name in names}


def packed(parts: dict[str, bytes]) -> bytes:
    """Return an archive of the parts, as torch reads it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(f"bundle/{name}", content)
    return buffer.getvalue()


def refuse_odd_pickles(path: Path, parts: dict[str, bytes]) -> None:
    """Raise unless the pickles hold tensors, and objects of the program's own, alone.

    Raises
    ------
    BundleError
        If one names what is not torch's, or a tensor reaches beyond its numbers, which
        torch would take from the memory behind them.
    """
    for name, folder in (("data.pkl", "data"), ("constants.pkl", "constants")):
        sizes = {
            part.partition("/")[2]: len(content)
            for part, content in parts.items()
            if part.startswith(f"{folder}/")
        }
        if name not in parts:
            raise BundleError(f"{path} is no bundle: it has no {name}")
        content = parts[name]
        try:
            for operation, argument, _ in pickletools.genops(content):
                place = argument if "PUT" in operation.name else 0
                if not 0 <= int(place or 0) <= len(content):
                    raise BundleError("a place that is none")
            _Checked(content, sizes).load()
        except Exception as error:  # whatever a broken pickle makes of a reader
            said = str(error).splitlines()
            what = said[0][:80] if said else type(error).__name__
            raise BundleError(f"{path} is refused: its {name} has {what}") from None


class _Archive:
    """A zip archive of one folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "_Archive":
        path = self._path
        try:
            self._zip = zipfile.ZipFile(path)
        except IsADirectoryError:
            raise BundleError(f"{path} is a folder, not a bundle") from None
        except FileNotFoundError:
            raise BundleError(f"there is no bundle {path}") from None
        except _UNREADABLE as error:
            raise BundleError(f"{path} is no bundle: {error!s:.200}") from None
        try:
            self._list()
        except BaseException:
            self._zip.close()
            raise
        return self

    def _list(self) -> None:
        """Note what there is; raise if it cannot be a bundle's."""
        path, listed = self._path, self._zip.infolist()
        if any(each.flag_bits & 1 for each in listed):
            raise BundleError(f"{path} is no bundle: it is encrypted")
        self._listed = {each.filename.partition("/")[2]: each for each in listed}
        self.sizes = {name: each.file_size for name, each in self._listed.items()}
        alike = {each.filename.casefold() for each in listed}
        folders = {each.filename.partition("/")[0] for each in listed}
        if len(alike) < len(listed) or len(folders) > 1:
            raise BundleError(f"{path} is refused: parts of it have the same name")

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        path = self._path
        if name not in self.sizes:
            raise BundleError(
                f"{path} is no bundle: it has no {name.rpartition('/')[2]}; `rtpipe "
                "train` makes bundles"
            )
        if name == CARD and self.sizes[name] > _LARGEST_CARD:
            raise BundleError(f"{path} is refused: its card is too long to be read")
        try:
            return self._zip.read(self._listed[name])
        except _UNREADABLE as error:
            raise BundleError(f"{path} is no bundle: {error!s:.200}") from None


class _Checked(pickle.Unpickler):
    """Goes through a pickle of torch's with stand-ins, none of which does anything."""

    def __init__(self, content: bytes, sizes: dict[str, int]) -> None:
        super().__init__(io.BytesIO(content))
        self._sizes = sizes
        self._own = type("Own", (), {"__setstate__": lambda self, state: None})

    def find_class(self, module: str, name: str) -> Any:
        known: dict[str, Callable[..., Any]] = {
            "collections.OrderedDict": lambda *_: None,
            "torch._utils._rebuild_tensor_v2": _rebuilt,
            "torch.jit._pickle.restore_type_tag": lambda value, _: value,
        }
        called = f"{module}.{name}"
        if called in known:
            return known[called]
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch.jit._pickle" and re.fullmatch("build_[a-z]+list", name):
            return lambda values: values
        if re.match(r"__torch__\.(?!torch\.classes\b)", called):
            return self._own
        raise BundleError(f"{called!r}")

    def persistent_load(self, pid: Any) -> tuple[int, int]:
        """Return the bytes of a number of a storage, and how many it has."""
        kind, width, key, _, n_numbers = pid
        if kind != "storage" or not 0 <= n_numbers * width <= self._sizes[key]:
            raise BundleError("numbers that are not there")
        return width, n_numbers


def _rebuilt(
    storage: tuple[int, int],
    offset: int,
    shape: Sequence[int],
    strides: Sequence[int],
    *_more: object,
) -> None:
    """Raise unless a tensor lies within its numbers, each of which it has once."""
    _, n_numbers = storage
    last = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    within = min([*shape, *strides, offset], default=0) >= 0 and (
        prod(shape) == 0 or offset + last < n_numbers
    )
    if not within or prod(shape) > n_numbers:
        raise BundleError("a tensor that reaches beyond its numbers")
