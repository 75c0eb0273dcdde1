"""Jinja where pages spend their time: calls of macros, imports of components, words of the interface.

A page of fifty rows calls three thousand functions. What Jinja works out anew at each call is the same each time here;
results are what Jinja's own would be. Measured by `bench/pages.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from flask import Flask
from flask_babel import get_translations
from jinja2 import Template, pass_eval_context
from jinja2.environment import TemplateModule
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro
from markupsafe import Markup

_PLAIN = (FunctionType, MethodType, BuiltinFunctionType)


class QuickContext(Context):
    """Knows what macros and plain functions want without asking them."""

    def call(__self, __obj: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """As Jinja's: the names must not clash with keywords of the template."""
        if type(__obj) is Macro:
            args = (__self.eval_ctx, *args)
        elif type(__obj) not in _PLAIN or hasattr(__obj, "jinja_pass_arg"):
            return super().call(__obj, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        try:
            return __obj(*args, **kwargs)
        except StopIteration:
            return __self.environment.undefined("a callable raised StopIteration")


class QuickTemplate(Template):
    """All templates share the globals of the environment, so an imported one is the same module for everybody."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


@pass_eval_context
def gettext(eval_ctx: EvalContext, message: str, /, **values: Any) -> str:
    """A text of the interface with its values, which are escaped unless they are markup."""
    text: str = get_translations().gettext(message)
    if eval_ctx.autoescape:
        text = Markup(text)  # noqa: S704 - our own words
    return text % values


def init_app(app: Flask) -> None:
    """After Flask-Babel, which brings its own `_`."""
    app.jinja_env.context_class = QuickContext
    app.jinja_env.template_class = QuickTemplate
    app.jinja_env.globals.update(_=gettext, gettext=gettext)
