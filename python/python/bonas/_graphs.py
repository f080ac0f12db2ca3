"""Architectures as graphs of networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import UnsupportedError

if TYPE_CHECKING:
    from ._bonas import Architecture


def to_networkx(architecture: Architecture) -> Any:
    """Return the cells as one directed graph; nodes and edges have the attribute ``op``."""
    try:
        import networkx
    except ImportError:
        raise UnsupportedError("to_networkx needs the package networkx: pip install networkx") from None
    cells = architecture.cells
    graph = networkx.MultiDiGraph(space=architecture.space.name, key=architecture.key, text=architecture.text)
    for cell in cells:
        name = cell["name"]

        def node(number: int, name: str = name) -> Any:
            return number if len(cells) == 1 else (name, number)

        for number, op in enumerate(cell["nodes"]):
            graph.add_node(node(number), op=op, cell=name)
        for edge in cell["edges"]:
            graph.add_edge(node(edge["from"]), node(edge["to"]), op=edge["op"])
    return graph
