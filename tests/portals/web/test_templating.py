"""The quicker Jinja does what Jinja does: macros, callers, functions that want the context, words with values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, render_template_string
from jinja2 import pass_context, pass_environment
from markupsafe import Markup


@pytest.fixture
def page(app: Flask) -> Iterator[Any]:
    with app.test_request_context("/"):
        yield render_template_string


def test_macros_take_arguments_callers_and_defaults(page: Any) -> None:
    source = """{% macro box(a, b="-", c="") %}[{{ a }}{{ b }}{{ c }}{{ caller() if caller else "" }}]{% endmacro %}
    {%- for n in (1, 2) %}{{ box(n) }}{{ box(n, c="<") }}{% call box("x", b=n) %}{{ n }}{% endcall %}{% endfor %}"""
    assert page(source) == "[1-][1-&lt;][x11][2-][2-&lt;][x22]"


def test_too_many_arguments_are_refused(page: Any) -> None:
    with pytest.raises(TypeError, match="not more than 1"):
        page("{% macro one(a) %}{{ a }}{% endmacro %}{{ one(1, 2) }}")
    with pytest.raises(TypeError, match="takes no keyword argument"):
        page("{% macro one(a) %}{{ a }}{% endmacro %}{{ one(1, b=2) }}")


def test_functions_that_ask_for_context_or_environment_get_it(app: Flask, page: Any) -> None:
    @pass_context
    def seen(context: Any, name: str) -> Any:
        return context.get(name)

    @pass_environment
    def escapes(environment: Any) -> bool:
        return bool(environment.autoescape)

    source = (
        "{% for n in (1,) %}{% set inner = 'in' %}{{ seen('inner') }} {{ seen('outer') }}{% endfor %} {{ escapes() }}"
    )
    assert page(source, seen=seen, escapes=escapes, outer="out") == "in out True"


def test_a_function_that_runs_dry_is_undefined(page: Any) -> None:
    def dry() -> object:
        return next(iter(()))

    assert page("{{ dry() is defined }}", dry=dry) == "False"


def test_words_escape_their_values_and_keep_markup(page: Any) -> None:
    assert page("{{ _('Hi %(name)s', name='<b>') }}") == "Hi &lt;b&gt;"
    assert page("{{ _('Hi %(name)s', name=bold) }}", bold=Markup("<b>you</b>")) == "Hi <b>you</b>"
    assert page("{{ _('100%% sure') }}") == "100% sure"
    assert page("{% trans n=2 %}{{ n }} bill{% pluralize %}{{ n }} bills{% endtrans %}") == "2 bills"


def test_imported_components_are_the_same_module_each_time(page: Any) -> None:
    source = """{% import "components/ui.html" as a %}{% import "components/ui.html" as b -%}
    {{ a.icon is sameas b.icon }}
    {%- for n in (1, 2) %}{{ a.count(n) }}{% endfor %}"""
    assert page(source) == 'True<span class="count">1</span><span class="count">2</span>'
