"""Which operators of PyTorch a bundle may call: those that compute."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtpipe.errors import BundleError

# Files, the screen, what other bundles use too, and what is for torch's own tests.
_NOT = frozenset(
    {
        *("save", "from_file", "warn", "wait", "record_stream", "set_data"),
        *("seed", "manual_seed", "initial_seed", "set_grad_enabled", "set_"),
    }
)
# Of those whose name begins with an underscore, which check nothing: what torch's own
# modules call.
_PRIVATE = frozenset(
    {
        *("_set_item", "_unwrap_optional", "_convolution", "_weight_norm"),
        *("_pack_padded_sequence", "_pad_packed_sequence", "_get_tracing_state"),
        *("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
        *("_nested_tensor_from_mask", "_nested_tensor_from_mask_left_aligned"),
    }
)
# What stands between the operators: values, branches, loops, calls.
_LANGUAGE = frozenset(
    {
        *("Constant", "If", "Loop", "CallFunction", "CallMethod", "RaiseException"),
        *("GetAttr", "SetAttr", "hasattr", "CreateObject", "isinstance", "TupleSlice"),
        *("ListConstruct", "ListUnpack", "DictConstruct", "TupleConstruct"),
        *("TupleUnpack", "TupleIndex", "StringIndex", "ModuleContainerIndex"),
        *("EnumName", "EnumValue", "NumToTensor", "ConstantChunk", "Uninitialized"),
        *("unchecked_cast", "unchecked_unwrap_optional", "rangelist", "tolist"),
        *("device", "dtype", "layout", "itemsize", "nbytes", "data", "requires_grad"),
        *("abs", "max", "min", "is_cpu", "is_cuda", "is_meta", "is_mps", "is_nested"),
        *("is_quantized", "is_sparse", "index", "name", "type", "shape", "Return"),
    }
)


def refuse_operators(path: Path, graph: Any) -> None:
    """Raise unless a graph calls operators alone that compute.

    Parameters
    ----------
    path : Path
        Of the bundle, for the error.
    graph : torch.Graph
        Of a function, compiled and not yet run: however its text was written, this is
        what would run.

    Raises
    ------
    BundleError
        Naming the first other one.
    """
    for kind in _kinds(graph):
        space, _, name = kind.partition("::")
        if space == "aten":
            private = re.match("_(?!_)", name) and name not in _PRIVATE
            allowed = not (private or name in _NOT or "_unsafe" in name)
        else:
            allowed = space == "prim" and name in _LANGUAGE
        if not allowed:
            called = name if space == "aten" else kind
            raise BundleError(f"{path} is refused: its program calls {called!r}")


def _kinds(graph: Any) -> Iterator[str]:
    """Yield what each node of a graph, and of the graphs in it, is."""
    graphs = [graph]
    while graphs:
        for node in graphs.pop().nodes():
            yield node.kind()
            graphs += node.blocks()
            for name in node.attributeNames():
                if node.kindOf(name) == "g":
                    graphs.append(node.g(name))
                elif node.kindOf(name) == "gs":
                    graphs += node.gs(name)
