"""Random sessions: every type that Flask can tag, from tiny to 3 KB, from a seed."""

import datetime
import random
import struct
import uuid

from markupsafe import Markup

TAGS = [" di", " t", " b", " m", " u", " d"]
TAG_LIKE = [*TAGS, " t__", " di__", " b____", " ", "t", " x", " D"]
USUAL_KEYS = ["user_id", "_permanent", "_flashes", "_fresh", "_id", "csrf_token", "cart", "next", "count"]
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz0123456789_",
    "abcXYZ 0189.,;:!?-+*=()[]{}",
    "\"\\/<>&'\x7f\n\r\t\b\f\x00\x01\x1f\x20",
    "äöüßéèñøÿ\x80\xa0\xff",
    "日本語テキスト漢字",
    "\u2028\u2029\ufeff\ufffd\uffff\ue000\u0301",
    "😀🐢𝒳\U00010000\U0010ffff",
    "\ud800\udbff\udc00\udfff\ud83d\ude00",
]
FLOATS = [
    0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e15, 1e16, 1e17, 123456789012345680.0, 1e-4, 1e-5, 9.999e-5, 1e22, 1e23,
    5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
INTEGERS = [0, 1, -1, 10, 255, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, -(10**100)]


class Sessions:
    """Makes one random session after the other."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def session(self):
        """Returns a session: mostly small, some of the sizes where compression starts, some large."""
        kind = self.random.random()
        if kind < 0.15:
            return {self.key(): self.scalar()}
        if kind < 0.30:
            return self.login()
        if kind < 0.40:
            return {"k": self.compressible(self.random.randint(5, 120))}
        if kind < 0.47:
            return self.large()
        if kind < 0.48:
            return {}
        return self.dictionary(3)

    def login(self):
        flashes = [("info", self.text()), ("error", Markup("<b>no</b>"))]
        session = {
            "user_id": self.random.randint(1, 10**6),
            "_permanent": True,
            "_fresh": self.random.random() < 0.5,
            "csrf_token": self.random.randbytes(20).hex(),
            "_flashes": flashes[: self.random.randint(0, 2)],
        }
        return dict(self.random.sample(list(session.items()), self.random.randint(1, 5)))

    def large(self):
        size = self.random.randint(300, 3000)
        if self.random.random() < 0.5:
            return {"cart": [self.item() for _ in range(size // 60)], "note": self.text()}
        return {"text": self.compressible(size), "more": self.random.randbytes(size // 8)}

    def item(self):
        return {
            "sku": self.random.randbytes(4).hex(),
            "n": self.random.randint(1, 9),
            "price": round(self.random.random() * 99, 2),
        }

    def compressible(self, size):
        words = [self.text() for _ in range(self.random.randint(1, 6))]
        text = ""
        while len(text) < size:
            text += self.random.choice(words) + self.random.choice(" ,.abc")
        return text[:size]

    def dictionary(self, depth):
        return {self.key(): self.value(depth) for _ in range(self.random.choice([0, 1, 1, 1, 2, 3, 5]))}

    def key(self):
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(USUAL_KEYS)
        return self.random.choice(TAG_LIKE) if kind < 0.6 else self.text()

    def value(self, depth):
        kind = self.random.random()
        if depth == 0 or kind < 0.6:
            return self.scalar()
        if kind < 0.75:
            return self.dictionary(depth - 1)
        items = [self.value(depth - 1) for _ in range(self.random.choice([0, 1, 2, 4]))]
        return items if kind < 0.88 else tuple(items)

    def scalar(self):
        make = self.random.choice(
            [
                self.text,
                self.text,
                self.integer,
                self.float,
                self.constant,
                self.bytes,
                self.markup,
                self.uuid,
                self.datetime,
            ]
        )
        return make()

    def text(self):
        alphabet = self.random.choice(ALPHABETS)
        if self.random.random() < 0.2:
            alphabet += self.random.choice(ALPHABETS)
        return "".join(self.random.choices(alphabet, k=self.random.choice([0, 1, 2, 3, 5, 8, 20])))

    def integer(self):
        if self.random.random() < 0.5:
            return self.random.choice(INTEGERS)
        return self.random.getrandbits(self.random.choice([4, 16, 60, 70, 300])) * self.random.choice([1, -1])

    def float(self):
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(FLOATS)
        if kind < 0.7:
            return struct.unpack("<d", self.random.randbytes(8))[0]
        return round(self.random.uniform(-1e6, 1e6), self.random.randint(0, 6)) * 10.0 ** self.random.randint(-20, 20)

    def constant(self):
        return self.random.choice([None, True, False])

    def bytes(self):
        return self.random.randbytes(self.random.choice([0, 1, 2, 3, 4, 16, 33]))

    def markup(self):
        return Markup(f"<em>{self.text()}</em>")

    def uuid(self):
        return uuid.UUID(int=self.random.getrandbits(128))

    def datetime(self):
        # A day from both ends of time, so that every zone still has a year.
        seconds = self.random.choice(
            [self.random.randint(-62135500000, 253402200000), self.random.randint(1_600_000_000, 1_900_000_000)]
        )
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(
            seconds=seconds, microseconds=self.random.choice([0, 1, 999999])
        )
        if self.random.random() < 0.3:
            return moment
        minutes = self.random.choice([0, 0, 60, -300, 330, 765])
        return moment.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=minutes)))
