"""The layout of FigStep (Gong et al., AAAI 2025): large bold monospaced type that starts in the upper left corner.

What it draws is the text that it gets, line by line: `instruction-form` before it makes a heading of the query, over a
numbered list with nothing in it. Where the original runs off the edge this one is set smaller.
"""

from __future__ import annotations

from converters.text_to_image.drawing.layout import FontSize, Gap, Layout, LayoutOptions, Side


class FigStep(Layout):
    name = "figstep"
    summary = "the text as FigStep draws it: 760x760 px, bold monospaced type of 80 px"

    class Options(LayoutOptions):
        width: Side = 760
        height: Side = 760
        margin: Gap = 10
        font: str = "DejaVuSansMono-Bold"
        max_font_size: FontSize = 80
        centred: bool = False
        keep_lines: bool = True
