"""One HTML page that needs nothing but itself: style and figures inside, no script, no network."""

from collections.abc import Iterable, Sequence
from html import escape

from carousel.report.tables import numeric

SHORT = 20  # letters that a cell is not broken at

STYLE = """
:root { color-scheme: light; --ink: #101828; --soft: #475467; --line: #e4e7ec; --good: #1a7f4b;
  --bad: #b42318; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 54rem; color: var(--ink);
  background: #fff; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 44rem; }
.lead { color: var(--soft); margin-bottom: 1.25rem; overflow-wrap: anywhere; }
.verdict { padding: .75rem 1rem; border-left: 4px solid; font-weight: 600; background: #f9fafb; }
.good { color: var(--good); } .bad { color: var(--bad); }
.wide { overflow-x: auto; }
table { margin: 0 0 1.5rem; border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .2rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; }
td { white-space: nowrap; } td.long { white-space: normal; min-width: 8rem; }
.bars { max-width: 43rem; } .bars th { color: var(--ink); font-weight: 400; white-space: nowrap; }
.bars td, .bars th { padding: .15rem .8rem .15rem 0; border: 0; vertical-align: middle; }
td.bar { width: 100%; padding-right: 0; }
td.bar i { display: block; height: .8rem; min-width: 1px; background: #0b6e99;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
figure { margin: 1rem 0; }
figure svg { width: 100%; height: auto; max-width: 43rem; display: block; }
figcaption { color: var(--soft); font-size: .92rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
@media (max-width: 34rem) { body { padding: 1.25rem .8rem 3rem; font-size: 15px; }
  table { font-size: .75rem; } td { white-space: normal; } th, td { padding-right: .3rem; }
  td.number, .bars td { white-space: nowrap; } }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; }
  table { font-size: 8.5pt; } td { white-space: normal; } .wide { overflow: visible; }
  .bars td { white-space: nowrap; }
  h2, h2 + p, caption { break-after: avoid; } figure, .wide, .bars, tr { break-inside: avoid; } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def code(text: str) -> str:
    """A line that can be copied."""
    return f"<p><code>{escape(text)}</code></p>"


def figure(svg: str, caption: str) -> str:
    """A drawing with what it shows, which is its description for who cannot see it too."""
    drawing = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1)
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; columns that hold numbers only stand to the right."""
    kinds = [_kind([row[k] for row in rows]) for k in range(len(head))]
    names = f"<thead>{_row(head, kinds, 'th')}</thead>" if any(head) else ""
    body = "\n".join(_row(row, kinds, "td") for row in rows)
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return f'<div class="wide"><table>{caption}{names}<tbody>{body}</tbody></table></div>'


def bars(rows: Iterable[tuple[str, float, str]]) -> str:
    """A bar for each of (name, part of 1, text)."""
    lines = "\n".join(
        f"<tr><th>{escape(name)}</th><td class=number>{escape(text)}</td>"
        f'<td class=bar><i style="width:{100 * part:.2f}%"></i></td></tr>'
        for name, part, text in rows
    )
    return f"<table class=bars><tbody>{lines}</tbody></table>"


def _kind(cells: Sequence[str]) -> str:
    """How a column is set: numbers to the right, what is long may be broken into lines."""
    if numeric(cells):
        return "number"
    return "long" if any(len(text) > SHORT for text in cells) else ""


def _row(cells: Sequence[str], kinds: Sequence[str], tag: str) -> str:
    marks = (f" class={kind}" if kind else "" for kind in kinds)
    pairs = zip(marks, cells, strict=True)
    return f"<tr>{''.join(f'<{tag}{mark}>{_cell(text)}</{tag}>' for mark, text in pairs)}</tr>"


def _cell(text: str) -> str:
    if text in ("yes", "no"):
        return f'<span class="{"good" if text == "yes" else "bad"}">{text}</span>'
    return escape(text)
