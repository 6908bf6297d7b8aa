"""A day of An Otter Wiki, a wiki that keeps its pages in git: visitors read, write, log in and out, and stay away for
hours, while Hipflask looks on at the sessions that the wiki has.

    otterwiki_day.py FOLDER REPORT SEED [REDIS]

REDIS is the address of a server on which Flask-Session keeps the sessions; without it they are Flask's cookies.
"""

import io
import os
import random
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import time_machine

HOUR = 3600
VISITS = 250
NAMES = ("Ada", "Bela", "Cleo", "Dora", "Emil", "Fritz", "Gerd", "Hanna", "Ida", "Jakob", "Käthe", "Lena")
PASSWORD = "correct horse"
PAGES = ("home", "tea", "tea/green", "tea/black", "coffee")
READ = (
    *("", "/view", "/history", "/source", "/edit", "/blame", "/rename", "/delete", "/attachments"),
    *("/draft?", "/preview", "/nothing/here"),
)
OTHERS = ("/-/changelog", "/-/index", "/-/about", "/-/help", "/-/search?query=tea", "/-/settings", "/robots.txt", "/-/healthz")
STATIC = "/static/css/otterwiki.css"


class Visitor:
    def __init__(self, app, name, dice):
        self.client, self.name, self.dice = app.test_client(), name, dice
        self.email = f"{name[0].lower()}@example.org"
        self.is_known = False

    def get(self, path):
        return self.client.get(path)

    def post(self, path, **form):
        page = self.client.get("/-/login").text
        token = re.search(r'name="csrf-token" content="([^"]+)"', page)
        # Who comes with an old form, or with none, is turned away.
        if self.dice.random() < 0.95 and token:
            form["csrf_token"] = token[1]
        return self.client.post(path, data=form, follow_redirects=self.dice.random() < 0.7)

    def visit(self):
        kind = self.dice.choices(
            [self.read, self.other, self.write, self.log_in, self.log_out, self.upload, self.spoil, self.lose],
            [40, 15, 15, 12, 5, 3, 4, 2],
        )[0]
        return kind()

    def read(self):
        return self.get(f"/{self.dice.choice(PAGES)}{self.dice.choice(READ)}")

    def other(self):
        return self.get(self.dice.choice((*OTHERS, STATIC)))

    def write(self):
        page = self.dice.choice(PAGES[1:])
        if self.dice.random() < 0.2:
            self.post("/-/create", pagename=page)
        if self.dice.random() < 0.3:
            self.post(f"/{page}/draft", content="half a thought", revision="")
        text = f"# {page}\n\n{'tea, ' * self.dice.randrange(400)}"
        return self.post(f"/{page}/save", content=text, commit="" if self.dice.random() < 0.1 else "a change")

    def log_in(self):
        if not self.is_known:
            self.is_known = True
            form = {"email": self.email, "name": self.name, "password1": PASSWORD, "password2": PASSWORD}
            return self.post("/-/register", **form)
        password = PASSWORD if self.dice.random() < 0.8 else "wrong"
        remember = {"remember": "1"} if self.dice.random() < 0.4 else {}
        return self.post("/-/login", email=self.email, password=password, next="/tea", **remember)

    def log_out(self):
        return self.get("/-/logout")

    def upload(self):
        file = (io.BytesIO(b"a leaf"), f"leaf{self.dice.randrange(3)}.txt")
        return self.post("/home/attachments", file=file, message="a leaf")

    def spoil(self):
        """Comes with a cookie that somebody has changed, or of another site."""
        held = self.client.get_cookie("session")
        value = held.value if held else "eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"
        at = self.dice.randrange(len(value))
        spoilt = self.dice.choice((value[:at], f"{value[:at]}x{value[at + 1 :]}", "a.b.c", "", '"', f"{value}{value}"))
        self.client.set_cookie("session", spoilt)
        return self.read()

    def lose(self):
        self.client.delete_cookie("session")
        return self.read()


def wiki(folder, redis):
    """Returns the wiki as its package makes it, on an empty repository."""
    repository = folder / "repository"
    repository.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    settings = {
        "REPOSITORY": str(repository),
        "SECRET_KEY": "of-the-tests-only-1d7c40b6f2a94e08",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'wiki.sqlite'}",
        "EMAIL_NEEDS_CONFIRMATION": False,
        # So that sessions end while their visitors are away.
        "PERMANENT_SESSION_LIFETIME": 3 * HOUR,
    }
    (folder / "settings.cfg").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    os.environ["OTTERWIKI_SETTINGS"] = str(folder / "settings.cfg")
    import otterwiki.views
    from otterwiki.server import app

    if redis:
        from flask_session import Session
        from redis import Redis

        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=Redis.from_url(redis))
        Session(app)
    return app


def main(folder, report, seed, redis=None):
    warnings.simplefilter("ignore")
    dice = random.Random(int(seed))
    app = wiki(Path(folder), redis)
    from hipflask import HipFlask, Shadow

    HipFlask(app, shadow=Shadow(report, cost=1))
    visitors = [Visitor(app, name, dice) for name in NAMES]
    statuses = {}
    with time_machine.travel(time.time(), tick=True) as clock:
        for _ in range(VISITS):
            clock.shift(dice.expovariate(VISITS / (24 * HOUR)))
            status = dice.choice(visitors).visit().status_code
            statuses[status] = statuses.get(status, 0) + 1
    print(statuses)


if __name__ == "__main__":
    main(*sys.argv[1:])
