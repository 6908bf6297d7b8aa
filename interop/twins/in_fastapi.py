"""The examples once more, in FastAPI: `python in_fastapi.py EXAMPLE --port PORT`. Pages, forms and answers are those of the twins in Flask."""

import asyncio
import functools
import json
import os
import re
import sys
import urllib.parse
from datetime import timedelta

import jinja2
import uvicorn
from common import TEMPLATES
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from hipflask.asgi import SessionMiddleware
from shop import CREDIT, ITEMS, LARGEST
from sign_in import find
from werkzeug.http import dump_cookie

redirect = functools.partial(RedirectResponse, status_code=302)


async def form_of(request):
    return dict(urllib.parse.parse_qsl((await request.body()).decode()))


def templates(name, **paths):
    """Renders the templates of an example with a request's session."""
    loader = jinja2.FileSystemLoader(os.path.join(TEMPLATES, name))
    environment = jinja2.Environment(loader=loader, autoescape=True)

    def render(request, template, **context):
        page = environment.get_template(template)
        return HTMLResponse(page.render(session=request.session, url_for=paths.__getitem__, **context))

    return render


def counter(app):
    none = "No counter set!"

    def number(request):
        count = request.session.get("count")
        return count if type(count) is int else None

    @app.get("/start_counter", response_class=HTMLResponse)
    async def start_counter(request: Request):
        request.session["count"] = 0
        return "New counter started!"

    @app.get("/count", response_class=HTMLResponse)
    async def count(request: Request):
        if number(request) is None:
            return none
        request.session["count"] += 1
        return str(request.session["count"])

    @app.get("/get_count", response_class=HTMLResponse)
    async def get_count(request: Request):
        return none if number(request) is None else str(number(request))

    @app.get("/clear_count", response_class=HTMLResponse)
    def clear_count(request: Request):
        request.session.pop("count", None)
        return "Counter cleared!"


def cookies(app):
    render = templates("cookies", get_username="/get")

    @app.get("/")
    async def index(request: Request):
        request.session["username"] = "John"
        return render(request, "index.html")

    @app.get("/get")
    async def get_username(request: Request):
        return render(request, "get.html")

    @app.get("/cookie")
    async def theme_cookie():
        response = HTMLResponse("Theme cookie set!")
        response.headers.append("Set-Cookie", dump_cookie("theme", "dark"))
        return response


def lifetime(app):
    @app.get("/login")
    async def login(request: Request):
        request.session.permanent = True
        request.session["user_id"] = 12345
        return redirect("/")

    @app.get("/", response_class=HTMLResponse)
    async def index(request: Request):
        user_id = request.session.get("user_id")
        return f"Logged in as user {user_id}" if type(user_id) is int else "Not logged in"

    @app.get("/logout")
    async def logout(request: Request):
        request.session.pop("user_id", None)
        return redirect("/")


def sign_in(app):
    render = templates("sign_in", profile="/profile", sign_in="/sign-in", sign_out="/sign-out")

    @app.get("/sign-in")
    async def form(request: Request):
        return render(request, "sign_in.html")

    @app.post("/sign-in")
    async def check_sign_in(request: Request):
        form = await form_of(request)
        user = find(form.get("username", ""))
        if user is None or user["password"] != form.get("password", ""):
            return redirect("/sign-in")
        request.session["USERNAME"] = user["username"]
        return redirect("/profile")

    @app.get("/profile")
    async def profile(request: Request):
        user = find(request.session.get("USERNAME"))
        return redirect("/sign-in") if user is None else render(request, "profile.html", user=user)

    @app.get("/sign-out")
    async def sign_out(request: Request):
        request.session.pop("USERNAME", None)
        return redirect("/sign-in")


def shop(app):
    render = templates("shop", index="/", add="/add", credit="/credit", clear="/clear")

    def from_cookie(request, name):
        text = request.cookies.get(name, "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0

    def from_session(request, name):
        number = request.session.get(name)
        return number if type(number) is int and 0 <= number <= LARGEST else 0

    def summary(request, read):
        total, credit = read(request, "total"), read(request, "credit")
        return {"total": total, "credit": credit, "to_pay": max(total - credit, 0)}

    def raise_by(request, name, amount):
        response = redirect("/")
        value = str(min(from_cookie(request, name) + amount, LARGEST))
        response.headers.append("Set-Cookie", dump_cookie(name, value))
        request.session[name] = min(from_session(request, name) + amount, LARGEST)
        return response

    @app.get("/")
    async def index(request: Request):
        both = {"plain": summary(request, from_cookie), "signed": summary(request, from_session)}
        return render(request, "index.html", items=ITEMS, **both)

    @app.post("/add")
    async def add(request: Request):
        slug = (await form_of(request)).get("item")
        prices = [item["price"] for item in ITEMS if item["slug"] == slug]
        return raise_by(request, "total", prices[0]) if prices else Response(status_code=400)

    @app.post("/credit")
    async def credit(request: Request):
        return raise_by(request, "credit", CREDIT)

    @app.post("/clear")
    async def clear(request: Request):
        response = redirect("/")
        for name in ("total", "credit"):
            request.session.pop(name, None)
            response.headers.append("Set-Cookie", dump_cookie(name, "", expires=0, max_age=0))
        return response


def stored(app):
    """The pages of `stored.py` that overlap in `races.py`. What is sent there are texts."""

    def page(path):
        return app.get(path, response_class=PlainTextResponse)

    async def wait(request):
        await asyncio.sleep(int(request.query_params.get("wait", 0)) / 1000)

    @page("/set")
    async def set_value(request: Request, k: str, v: str):
        request.session.get(k)
        await wait(request)
        request.session[k] = v
        return "ok"

    @page("/get")
    async def get_value(request: Request, k: str):
        return request.session.get(k, "-")

    @page("/all")
    async def all_values(request: Request):
        return json.dumps(dict(request.session))

    @page("/append")
    async def append(request: Request, k: str, v: str):
        values = request.session.get(k, [])
        await wait(request)
        request.session[k] = [*values, v]
        return "ok"

    @page("/read")
    async def read(request: Request):
        user = request.session.get("user", "-")
        await wait(request)
        return user

    @page("/login")
    async def login(request: Request, user: str):
        request.session.renew()
        request.session["user"] = user
        return "ok"

    @page("/logout")
    async def logout(request: Request):
        request.session.clear()
        return "ok"


EXAMPLES = {example.__name__: example for example in (counter, cookies, lifetime, sign_in, shop, stored)}
SETTINGS = {
    "lifetime": {
        "permanent_session_lifetime": timedelta(minutes=60),
        "session_cookie_secure": True,
        "session_cookie_httponly": True,
        "session_refresh_untouched": True,
    }
}

if __name__ == "__main__":
    name, port = sys.argv[1], int(sys.argv[3])
    store = sys.argv[5] if sys.argv[4:] else None
    app = FastAPI(redirect_slashes=False)
    EXAMPLES[name](app)
    app.add_middleware(SessionMiddleware, secret_key=os.environ["FLASK_SECRET_KEY"], store=store, **SETTINGS.get(name, {}))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
