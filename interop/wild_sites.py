"""Applications of others, served by gunicorn: as they are, with the lines of docs/in_the_wild.md, and with Hipflask looking on.

`scripts/test interop` installs each with the versions that `wild/NAME.txt` asks for, in a folder of its own.
"""

import contextlib
import json
import os
import re
import subprocess
import sys

from moving_site import Browser
from pages import Page
from servers import HERE, free_port, started

PAGE = Page("in_the_wild.md")
INSTALLED = HERE.parent / ".venv" / "wild"
PASSWORD = "correct horse"
KEY = "of-the-tests-only-1d7c40b6f2a94e08"
# Who serves the sessions: the application's own, Hipflask, the application's own under its eyes.
STOCK, OURS, SHADOW = "stock", "ours", "shadow"


def looking_on(text):
    """Returns the lines that switch over, as they are when they only look on."""
    text = text.replace("import HipFlask\n", "import HipFlask, Shadow\n")
    shadow = 'shadow=Shadow("report", cost=1)'
    return text.replace("HipFlask()", f"HipFlask({shadow})").replace("HipFlask(app", f"HipFlask({shadow}, app=app")


class Site:
    """An application with its files in a folder."""

    name: str
    cookie = "session"
    log_in_page: str
    log_out_page: str
    # Who is not logged in is sent away from it.
    own_page: str

    def __init__(self, folder, **env):
        assert (INSTALLED / self.name / "list").is_file(), f"{self.name} is not installed: run scripts/test interop"
        self.folder = folder
        # Bytecode that is kept halves the time of the next start.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | env
        self.env = env | {"PYTHONPATH": os.pathsep.join(map(str, self.places()))}
        self.write()

    def places(self):
        return [self.folder, INSTALLED / self.name]

    def write(self):
        """Writes the files of the application, in each kind."""
        raise NotImplementedError

    def server(self, kind):
        """Returns what gunicorn serves, and what its environment says."""
        raise NotImplementedError

    def run(self, program):
        subprocess.run([sys.executable, HERE / "wild" / program], check=True, cwd=self.folder, env=self.env)

    @contextlib.contextmanager
    def served(self, kind):
        """Serves the application and yields its port."""
        port = free_port()
        app, env = self.server(kind)
        arguments = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4", app]

        def check():
            assert Browser(port).get(self.log_in_page).status == 200

        with started(arguments, check, patience=120, cwd=self.folder, env=self.env | env):
            yield port

    def is_in(self, browser):
        return browser.get(self.own_page).status == 200

    def log_out(self, browser):
        return browser.get(self.log_out_page)

    def report(self):
        """Returns what Hipflask has seen while it looked on."""
        return json.loads((self.folder / "report" / "report.json").read_text())


class PgAdmin(Site):
    name = "pgadmin4"
    cookie = "pga4_session"
    log_in_page = "/login"
    log_out_page = "/logout?next=/browser/"
    own_page = "/browser/"

    def places(self):
        return [*super().places(), INSTALLED / self.name / "pgadmin4"]

    def write(self):
        data = self.folder / "data"
        settings = {
            "DATA_DIR": str(data),
            "LOG_FILE": str(data / "log"),
            "SQLITE_PATH": str(data / "pgadmin4.db"),
            "SESSION_DB_PATH": str(data / "sessions"),
            "STORAGE_DIR": str(data / "storage"),
            "UPGRADE_CHECK_ENABLED": False,
        }
        stock = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        ours = PAGE.block("python", "config_local.py").text.replace("/var/lib/pgadmin", str(data))
        (self.folder / "config_local.py").write_text(stock + ours)
        program = PAGE.block("python", "pgadmin_hipflask.py").text
        (self.folder / "pgadmin_hipflask.py").write_text(program)
        (self.folder / "pgadmin_shadow.py").write_text(looking_on(program))

    def server(self, kind):
        app = {STOCK: "pgAdmin4:app", OURS: "pgadmin_hipflask:app", SHADOW: "pgadmin_shadow:app"}[kind]
        return app, {"PGADMIN_SETUP_EMAIL": "ann@example.org", "PGADMIN_SETUP_PASSWORD": PASSWORD}

    @staticmethod
    def token(browser):
        return re.search(r'"csrfToken": "([^"]+)"', browser.get("/login").text)[1]

    def log_in(self, browser, token=None):
        form = {"email": "ann@example.org", "password": PASSWORD, "internal_button": "Login"}
        return browser.post("/authenticate/login", csrf_token=token or self.token(browser), **form)

    @staticmethod
    def ask(browser, path, data=None):
        """Asks as the page's scripts do, and returns the status and what the answer holds."""
        script = browser.get("/browser/js/utils.js").text
        token = re.search(r"pgAdmin\['csrf_token'\] = '([^']+)'", script)[1]
        headers = {"X-pgA-CSRFToken": token, "Content-Type": "application/json"}
        answer = browser.ask(path, None if data is None else json.dumps(data).encode(), headers)
        return answer.status, json.loads(answer.text)


class Superset(Site):
    name = "superset"
    log_in_page = "/login/"
    log_out_page = "/logout/"
    own_page = "/superset/welcome/"

    def __init__(self, folder, redis=None):
        self.redis = redis
        super().__init__(folder)
        self.run("begin_superset.py")

    def write(self):
        settings = {
            "SECRET_KEY": KEY,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{self.folder / 'superset.db'}",
            "TALISMAN_ENABLED": False,
            "LANGUAGES": {code: {"flag": code, "name": code} for code in ("en", "de")},
        }
        stock = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        if self.redis:
            stock += 'from redis import Redis\n\nSESSION_SERVER_SIDE = True\nSESSION_TYPE = "redis"\n'
            stock += f"SESSION_REDIS = Redis.from_url({self.redis!r})\n"
        lines = PAGE.block("python", "superset_config.py").text
        for kind, text in {STOCK: "", OURS: lines, SHADOW: looking_on(lines)}.items():
            (self.folder / f"{kind}.py").write_text(stock + text)
        self.env["SUPERSET_CONFIG_PATH"] = str(self.folder / f"{STOCK}.py")

    def server(self, kind):
        return "superset.app:create_app()", {"SUPERSET_CONFIG_PATH": str(self.folder / f"{kind}.py")}

    @staticmethod
    def token(browser):
        return re.search(r'id="csrf_token"\s+value="([^"]+)"', browser.get("/login/").text)[1]

    def log_in(self, browser, token=None):
        return browser.post("/login/", csrf_token=token or self.token(browser), username="ann", password=PASSWORD)

    @staticmethod
    def language(browser):
        """Returns the language that the session holds, as a page shows it."""
        return re.search(r"&#34;locale&#34;: &#34;(\w+)&#34;", browser.get("/superset/welcome/").text)[1]


class Ckan(Site):
    name = "ckan"
    cookie = "ckan"
    log_in_page = "/user/login"
    log_out_page = "/user/_logout"
    own_page = "/user/edit/ann"
    # As `ckan` and its documentation make them.
    WSGI = """
from logging.config import fileConfig

from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

config = CKANConfigLoader("ckan.ini").get_config()
application = make_app(config)
"""

    def __init__(self, folder, database, redis=None):
        self.database, self.redis = database, redis
        super().__init__(folder)
        self.run("begin_ckan.py")

    def write(self):
        settings = {
            "use": "egg:ckan",
            "ckan.site_id": "default",
            "ckan.site_url": "http://127.0.0.1",
            "sqlalchemy.url": self.database.replace("postgres:", "postgresql:"),
            # Nothing is there: pages that search find nothing.
            "solr_url": "http://127.0.0.1:9/solr",
            "SECRET_KEY": KEY,
            "ckan.plugins": "",
            "SESSION_TYPE": "redis" if self.redis else "cookie",
        }
        if self.redis:
            settings["ckan.redis.url"] = self.redis
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.folder / "ckan.ini").write_text(f"[DEFAULT]\ndebug = false\n[app:main]\n{lines}")
        in_cookies, in_redis = PAGE.all_of("diff", "wsgi.py")
        ours = (in_redis if self.redis else in_cookies).applied(self.WSGI)
        for name, text in {"wsgi": self.WSGI, "wsgi_ours": ours, "wsgi_shadow": looking_on(ours)}.items():
            (self.folder / f"{name}.py").write_text(text)

    def server(self, kind):
        return {STOCK: "wsgi", OURS: "wsgi_ours", SHADOW: "wsgi_shadow"}[kind], {}

    @staticmethod
    def token(browser, page="/user/login"):
        return re.search(r'name="_csrf_token" content="([^"]+)"', browser.get(page).text)[1]

    def log_in(self, browser, token=None):
        return browser.post("/user/login", _csrf_token=token or self.token(browser), login="ann", password=PASSWORD)

    @staticmethod
    def edit(browser, about, **form):
        """Sends the form of the user's page, which flashes a message for the next page."""
        form = {"_csrf_token": Ckan.token(browser, "/user/edit/ann")} | form
        return browser.post("/user/edit/ann", name="ann", email="ann@example.org", about=about, save="", **form)

    @staticmethod
    def messages(browser):
        return [text.strip() for text in re.findall(r'class="alert[^>]*>\s*([^<]+)', browser.get("/about").text)]
