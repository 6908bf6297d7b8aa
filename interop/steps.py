"""What the scripted client does at each example, as data.

`says` is a text that the answer must have, so that two sides that are wrong in the same way do not pass.
"""

import dataclasses
import itertools


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    path: str
    form: dict | None = None
    says: str = ""
    # Only the twin signs users up where both share a database: it cannot verify Argon2id hashes.
    twin_only: bool = False


@dataclasses.dataclass(frozen=True)
class Plant:
    """Puts a cookie into the jar, as an editor of cookies would."""

    name: str
    value: str


@dataclasses.dataclass(frozen=True)
class Forge:
    """Puts a session into the jar that some app with the same key signed `age` seconds ago."""

    session: object
    age: int = 0


@dataclasses.dataclass(frozen=True)
class Tamper:
    """Changes one character of the session cookie, its payload's second."""


@dataclasses.dataclass(frozen=True)
class Visitor:
    """Goes on as another visitor, with a jar of their own."""

    name: str


def get(path, says=""):
    return Request("GET", path, says=says)


def post(path, says="", **form):
    return Request("POST", path, form, says)


def sign_up(username, email="", password="correct horse", says=""):
    form = {"username": username, "email": email or f"{username}@example.com", "password": password}
    return Request("POST", "/signup", form, says, twin_only=True)


def log_in(username, password="correct horse"):
    return post("/login", username=username, password=password)


COUNTER = [
    get("/count", "No counter set!"),
    get("/get_count", "No counter set!"),
    get("/clear_count", "Counter cleared!"),
    get("/start_counter", "New counter started!"),
    get("/start_counter", "New counter started!"),
    get("/get_count", "0"),
    *[get("/count", str(number)) for number in range(1, 13)],
    get("/get_count", "12"),
    get("/no_such_page"),
    post("/count"),
    get("/count/"),
    Tamper(),
    get("/get_count", "No counter set!"),
    get("/count", "No counter set!"),
    get("/start_counter"),
    get("/count", "1"),
    get("/clear_count"),
    get("/count", "No counter set!"),
    Forge({"count": 41, "other": ("kept", b"bytes", 1.5, None)}),
    get("/count", "42"),
    get("/clear_count"),
    get("/get_count", "No counter set!"),
    Forge({"count": "many"}),
    get("/count", "No counter set!"),
    Forge({"count": 41}, age=31 * 86400 - 60),
    get("/get_count", "41"),
    Forge({"count": 41}, age=31 * 86400 + 1),
    get("/get_count", "No counter set!"),
    Forge({"count": 41}, age=-60),
    get("/get_count", "No counter set!"),
    Plant("session", "no.cookie.at.all"),
    get("/get_count", "No counter set!"),
    Plant("session", ""),
    get("/get_count", "No counter set!"),
]

SIGN_IN = [
    get("/profile"),
    get("/sign-out"),
    get("/sign-in", "Sign in"),
    post("/sign-in"),
    post("/sign-in", username="julian", password="wrong"),
    post("/sign-in", username="nobody", password="example"),
    post("/sign-in", username="Julian", password="example"),
    post("/sign-in", username="julian", password="example"),
    get("/profile", "julian@example.com"),
    get("/sign-in", "Sign out"),
    post("/sign-in", username="clarissa", password="wrong"),
    get("/profile", "julian"),
    post("/sign-in", username="clarissa", password="sweetpotato22"),
    get("/profile", "Sweet potatoes, mostly."),
    get("/sign-out"),
    get("/profile"),
    Forge({"USERNAME": "julian"}),
    get("/profile", "Some guy who likes small servers."),
    Forge({"USERNAME": "nobody"}),
    get("/profile"),
    Forge({"USERNAME": ["julian"]}),
    get("/profile"),
    post("/profile"),
    get("/sign-out/"),
]

COOKIES = [
    get("/get", "No user name set!"),
    get("/cookie", "Theme cookie set!"),
    get("/get", "No user name set!"),
    get("/", "Get the user name"),
    get("/get", "User Name is John"),
    get("/cookie"),
    get("/", "Get the user name"),
    Tamper(),
    get("/get", "No user name set!"),
    Forge({"username": "<b>&amp; Zoë 🐢"}),
    get("/get", "Zoë 🐢"),
    Forge({"username": 7}),
    get("/get", "No user name set!"),
]

LIFETIME = [
    get("/", "Not logged in"),
    get("/logout"),
    get("/login"),
    get("/", "Logged in as user 12345"),
    get("/no_such_page"),
    post("/login"),
    get("/login"),
    get("/logout"),
    get("/", "Not logged in"),
    get("/login"),
    Tamper(),
    get("/", "Not logged in"),
    Forge({"_permanent": True, "user_id": 7}, age=3590),
    get("/", "Logged in as user 7"),
    Forge({"_permanent": True, "user_id": 7}, age=3601),
    get("/", "Not logged in"),
    Forge({"user_id": 7}, age=3601),
    get("/", "Not logged in"),
    Forge({"user_id": 7}, age=-5),
    get("/", "Not logged in"),
    Forge({"user_id": 2**70}),
    get("/", f"Logged in as user {2**70}"),
]

SHOP = [
    get("/", "$0 $0"),
    post("/add", item="teapot"),
    post("/add", item="tea"),
    get("/", "Total $29 $29"),
    post("/credit"),
    get("/", "To pay $19 $19"),
    post("/add", item="gold"),
    post("/add"),
    get("/add"),
    Plant("total", "1"),
    get("/", "Total $1 $29"),
    Plant("credit", "999999999"),
    get("/", "To pay $0 $19"),
    post("/credit"),
    get("/", "$999999999 $20"),
    *[step for text in ("-5", "1e3", "٣", "1234567890", "x", "") for step in (Plant("total", text), get("/"))],
    Tamper(),
    get("/", "Total $0 $0"),
    post("/add", item="cup"),
    get("/", "$9 $9"),
    post("/clear"),
    get("/", "Total $0 $0"),
    post("/clear"),
    Forge({"total": True, "credit": -1}),
    get("/", "$0 $0"),
    Forge({"total": 999_999_998, "credit": 1.0}),
    post("/add", item="tea"),
    get("/", "$4 $999999999"),
]

ACCOUNTS = [
    Visitor("ada"),
    get("/", "You are not logged in."),
    get("/welcome"),
    get("/login", "Please log in first"),
    get("/login"),
    get("/users/1"),
    get("/users/1/edit"),
    post("/users/1/edit", email="x@example.com", bio=""),
    post("/users/1/delete"),
    get("/", "Please log in first Please log in first"),
    get("/logout"),
    post("/logout"),
    get("/signup", "You have been logged out"),
    # Validation.
    sign_up("", email=" ", password="", says="Use 3 to 30 letters"),
    sign_up("a b", email="no address", password="short", says="Enter an e-mail address"),
    sign_up("a" * 31, email="a@b@c", password="é" * 37, says="Use 8 to 72 characters"),
    sign_up('"<i>', email='"<i>@b', says='"<i>'),
    sign_up("ada"),
    get("/login", "Account created, now log in"),
    get("/login"),
    sign_up("ada"),
    get("/signup", "Username already taken"),
    sign_up("ADA"),
    get("/signup", "Username already taken"),
    sign_up("  bob.b-b_ ", email=" bob@example.com\t", password="é" * 36),
    # Wrong passwords, then the right one.
    log_in("ada", "wrong"),
    get("/login", "Wrong username or password"),
    log_in("", ""),
    log_in("nobody"),
    log_in("ada", "correct horse" * 6),
    get("/login", "Wrong username or password Wrong username or password Wrong username or password"),
    log_in(" Ada "),
    get("/welcome", "You are logged in"),
    get("/welcome", "Welcome, ada"),
    get("/", "You are logged in as ada."),
    get("/login"),
    get("/signup"),
    log_in("ada"),
    sign_up("eve"),
    get("/welcome", "You are logged in already"),
    # The profile.
    get("/users/1", "ada@example.com"),
    get("/users/2", "bob.b-b_"),
    get("/users/99"),
    get("/users/ada"),
    get("/users/-1"),
    get("/users/1234567890123456789012"),
    get("/users/1/edit", "Save"),
    post("/users/1/edit", email="nonsense", bio="<b>" + "x" * 500, says="Use at most 500 characters"),
    post("/users/1/edit", email=" ada@new.example.com ", bio="Line one\r\nline <two> & 🐢\r\n"),
    get("/users/1", "Line one line <two> & 🐢"),
    get("/users/1/edit", "ada@new.example.com"),
    get("/users/2/edit"),
    get("/welcome", "Not Authorized"),
    get("/users/99/edit"),
    post("/users/2/edit", email="hacked@example.com", bio=""),
    post("/users/2/delete"),
    get("/users/2/delete"),
    get("/welcome", "Not Authorized"),
    # A second visitor beside the first.
    Visitor("bob"),
    get("/welcome"),
    log_in("bob.b-b_", "é" * 36),
    get("/users/1", "line <two>"),
    get("/users/2", "bob@example.com"),
    Visitor("ada"),
    Tamper(),
    get("/welcome"),
    get("/login", "Please log in first"),
    log_in("ada"),
    get("/welcome"),
    # A deleted user is logged out everywhere.
    Visitor("ada at home"),
    log_in("ada"),
    get("/welcome"),
    Visitor("ada"),
    post("/users/1/delete"),
    get("/signup", "Account deleted"),
    log_in("ada"),
    get("/login", "Wrong username or password"),
    Visitor("ada at home"),
    get("/welcome"),
    sign_up("ada"),
    get("/login", "Account created"),
    Visitor("bob"),
    get("/users/1"),
    get("/users/3", "ada"),
    post("/logout"),
    get("/welcome"),
    # Sessions of other apps.
    *[
        step
        for user_id in ("2", True, 99, 2**63, -(2**80), 2.0, None, [2])
        for step in (Forge({"user_id": user_id}), get("/welcome"), get("/login", "Please log in first"))
    ],
    Forge({"user_id": 2, "_flashes": [("info", "From <elsewhere>")], "theme": "dark"}),
    get("/welcome", "From <elsewhere>"),
    post("/logout"),
]


def of_demo(steps):
    """Yields steps of `accounts` as the demo's visitors take them, up to the sessions of other apps."""
    seen = set()
    for step in itertools.takewhile(lambda step: not isinstance(step, Forge), steps):
        match step:
            case Request(says="Not Authorized"):  # is what a page with 403 says
                yield dataclasses.replace(step, says="Welcome")
            case Visitor("ada at home") if step in seen:  # has a session that the demo has ended, and Flask has not
                yield Visitor("eve")
            case Visitor():
                seen.add(step)
                yield step
            case _:
                yield step


# The demo's sessions are Flask-Login's, so what other apps have forged are texts.
DEMO = [
    *of_demo(ACCOUNTS),
    *[
        step
        for user_id in ("99", "-1", "nobody", "", None)
        for step in (Forge({"_user_id": user_id}), get("/welcome"), get("/login", "Please log in first"))
    ],
    Forge({"_user_id": "2", "_flashes": [("info", "From <elsewhere>")], "theme": "dark"}),
    get("/welcome", "From <elsewhere>"),
    post("/logout"),
]

STEPS = {
    "counter": COUNTER,
    "sign_in": SIGN_IN,
    "cookies": COOKIES,
    "lifetime": LIFETIME,
    "shop": SHOP,
    "accounts": ACCOUNTS,
    "demo": DEMO,
}
