"""The bare page a full one is compared with: the same bytes from one flat template, values from memory, nothing else.

What differs between the rows of the page is a value of the template, escaped as usual; everything else is its text.
"""

from __future__ import annotations

import html
import re
from collections import Counter

from flask import Flask, render_template
from jinja2 import DictLoader

_VALUE = re.compile(r'((?<=>)[^<]+(?=<)|(?<=")[^"]*(?="))')


def _rows(body: str, start: str) -> tuple[str, list[str], str]:
    """What comes before the rows, each of them, what comes after. A row begins with `start`."""
    places = [found.start() for found in re.finditer(start, body)]
    if len(places) < 2:
        raise SystemExit(f"the page has no rows that begin with {start}")
    end = body.index("</tbody>", places[-1]) if "</tbody>" in body[places[-1] :] else places[-1]
    rows = [body[a:b] for a, b in zip(places, [*places[1:], end], strict=True)]
    return body[: places[0]], rows, body[end:]


def app_of(body: bytes, row_start: str) -> tuple[Flask, int]:
    """An application whose "/" is the page, and how many values are filled in."""
    before, rows, after = _rows(body.decode(), row_start)
    split = [_VALUE.split(row) for row in rows]  # text, value, text, value ... text
    shape = Counter(tuple(parts[::2]) for parts in split).most_common(1)[0][0]
    alike = [parts for parts in split if tuple(parts[::2]) == shape]
    varying = [n for n in range(1, len(alike[0]), 2) if len({parts[n] for parts in alike}) > 1]
    pieces = [
        f"{{{{ row[{varying.index(n)}] }}}}" if n in varying else f"{{% raw %}}{part}{{% endraw %}}"
        for n, part in enumerate(alike[0])
        if part
    ]
    template = (
        f"{{% raw %}}{before}{{% endraw %}}{{% for row in rows %}}{''.join(pieces)}{{% endfor %}}"
        f"{{% raw %}}{after}{{% endraw %}}"
    )
    memory = [[html.unescape(parts[n]) for n in varying] for parts in alike]
    memory = [memory[n % len(memory)] for n in range(len(rows))]
    app = Flask("bare")
    app.jinja_loader = DictLoader({"page.html": template})  # compiled once

    @app.get("/")
    def page() -> str:
        return render_template("page.html", rows=memory)

    return app, len(varying) * len(rows)
