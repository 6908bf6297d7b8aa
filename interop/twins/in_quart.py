"""The examples once more, in Quart: `python in_quart.py EXAMPLE --port PORT`.

Quart has Flask's names, so that these are the twins in Flask themselves: what they import from `flask` comes from `quart`, and what
waits there is awaited.
"""

import ast
import os
import pathlib
import sys

import common
import quart
from hipflask import HipFlask

#: What is a coroutine in Quart.
WAITING = ("render_template", "make_response")
HERE = pathlib.Path(__file__).resolve().parent


def make_app(name):
    app = quart.Quart(name, template_folder=os.path.join(common.TEMPLATES, name), static_folder=None)
    app.secret_key = os.environ["FLASK_SECRET_KEY"]
    HipFlask(app)
    return app


class Awaiting(ast.NodeTransformer):
    """Makes coroutines of the functions of a module, and awaits what they wait for."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        is_view = bool(node.decorator_list)
        waits = any(isinstance(child, ast.Await) for child in ast.walk(node))
        if not (is_view or waits):
            return node
        fields = {name: getattr(node, name) for name in node._fields}
        return ast.copy_location(ast.AsyncFunctionDef(**fields), node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in WAITING:
            return ast.copy_location(ast.Await(node), node)
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if node.attr == "form" and isinstance(node.value, ast.Name) and node.value.id == "request":
            return ast.copy_location(ast.Await(node), node)
        return node


def load(name):
    text = (HERE / f"{name}.py").read_text("utf-8").replace("from flask import", "from quart import")
    tree = ast.fix_missing_locations(Awaiting().visit(ast.parse(text)))
    names = {"__name__": name}
    common.make_app = make_app
    exec(compile(tree, f"{name}.py", "exec"), names)
    return names["app"]


if __name__ == "__main__":
    load(sys.argv[1]).run(host="127.0.0.1", port=int(sys.argv[3]))
