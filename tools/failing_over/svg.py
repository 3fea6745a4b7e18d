"""As much of SVG as a picture of an outage needs."""

from __future__ import annotations

from typing import List, Sequence, Tuple
from xml.sax.saxutils import escape

Point = Tuple[float, float]


class Drawing:
    """Shapes by the class that a style gives them. Coordinates are pixels from the top left."""

    def __init__(self, width: int, height: int, style: str, title: str) -> None:
        self._size, self._style, self._title = (width, height), style, title
        self._shapes: List[str] = []

    def box(self, x: float, y: float, width: float, height: float, kind: str, hint: str = "") -> None:
        """A rectangle; nothing for one without a size."""
        if width > 0 and height > 0:
            within = f"<title>{escape(hint)}</title>" if hint else ""
            self._add(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}">{within}</rect>'
            )

    def line(self, start: Point, end: Point, kind: str) -> None:
        self._add(
            f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" '
            f'x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
        )

    def path(self, points: Sequence[Point], kind: str) -> None:
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._add(f'<polyline class="{kind}" points="{joined}"/>')

    def area(self, points: Sequence[Point], base: float, kind: str) -> None:
        """What lies between a line and a base below it."""
        if points:
            around = [(points[0][0], base), *points, (points[-1][0], base)]
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in around)
            self._add(f'<polygon class="{kind}" points="{joined}"/>')

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        self._add(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def done(self) -> str:
        width, height = self._size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img"><title>{escape(self._title)}</title>'
        )
        style = f"<style>{self._style}</style>"
        return "\n".join([head, style, *self._shapes, "</svg>"]) + "\n"

    def _add(self, shape: str) -> None:
        self._shapes.append(shape)
