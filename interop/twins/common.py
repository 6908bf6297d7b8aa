"""What all twins share: how they get their key and their port."""

import argparse
import os
import secrets
import sys

from flask import Flask

# A script's `__name__` is `__main__`; the folder of this file is the root of every twin.
ROOT = os.path.dirname(os.path.abspath(__file__))
TEMPLATES = os.path.join(ROOT, "..", "..", "examples", "templates")


def make_app(name):
    """Makes the Flask app of one example: with the very templates of the example, and the key of the environment."""
    app = Flask(name, template_folder=os.path.join(TEMPLATES, name), static_folder=None)
    app.root_path = ROOT
    app.config["SECRET_KEY_FILE"] = os.environ.get("FLASK_SECRET_KEY_FILE")
    app.secret_key = os.environ.get("FLASK_SECRET_KEY")
    if not app.secret_key and not app.config["SECRET_KEY_FILE"]:
        print("FLASK_SECRET_KEY is not set: sessions end with this run", file=sys.stderr)
        app.secret_key = secrets.token_urlsafe(32)
    # The same twin with the sessions of the Python package instead of Flask's own.
    if os.environ.get("TWIN_SESSIONS") == "hipflask":
        from hipflask import HipFlask

        HipFlask(app)
    return app


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--data", default="demo-data", help="folder of the database (accounts only)")
    parser.add_argument("--sessions", help="address of the session store (stored only)")
    return parser.parse_args()


def serve(app, port):
    app.run(host="127.0.0.1", port=port, threaded=True)
