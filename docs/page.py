"""Tables, and sections between markers, of the pages that scripts write."""

import re


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(row, key):
    """A number of a row of a table of texts; None where the cell is empty."""
    return float(row[key]) if row[key] else None


def share(flags, digits=0):
    """How many of some flags are set, in words."""
    flags = list(flags)
    return f"{sum(flags)} of {len(flags)} ({100 * sum(flags) / len(flags):.{digits}f} %)" if flags else "-"


def fill(path, sections):
    """Replaces what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a page by the text of each name."""
    page = path.read_text(encoding="utf-8")
    for name, text in sections.items():
        between = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        page, count = between.subn(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page)
        if count != 1:
            raise SystemExit(f"{path.name} has no section {name}, or several")
    path.write_text(page, encoding="utf-8")
