"""Cookies that are wrong in many ways, and some that look wrong and are not.

Works on text as Flask sees it: the header's bytes as Latin-1 characters.
"""

import base64
import hashlib
import json
import random
import re
import string
import zlib

from itsdangerous import TimestampSigner
from itsdangerous.encoding import base64_encode, int_to_bytes

BASE64 = string.ascii_letters + string.digits + "-_"
# Payloads that only someone with the key can write; JSON that Python reads, or does not, and odd tags.
# Two spaces stand between them.
PAYLOADS = re.split(
    r"\n|  ",
    r"""null  true  1  ""  "ab"  []  [[]]  {}  [["a",1],["b",[2]]]  ["ab","cd"]  ["abc"]  [1]  [null]  {"a":1}x  {"a":1,}  {'a':1}
{a:1}  {"a"}  {"a":}  [1,2  {"a":NaN}  {"a":-Infinity}  {"a":Infinity}  {"a":nan}  {"a":-NaN}  {"a":1e400}  {"a":-1e400}
{"a":1e-400}  {"a":-0}  {"a":-0.0}  {"a":-0e5}  {"a":01}  {"a":+1}  {"a":.5}  {"a":1.}  {"a":1.e5}  {"a":1e}  {"a":1E+05}
{"a":0x10}  {"a":1_0}  {"a":-}  {"a":123456789012345678901234567890}  {"a":1,"a":2}  {"b":1,"a":2,"b":3}  {"\u0061":1,"a":2}
{"z":1,"a":{"y":1,"b":2}}  {"a":1}{"b":2}  {"a":"\ud83d\ude00"}  {"a":"\ud83d"}  {"a":"\ude00\ud83d"}  {"a":"\u12"}
{"a":"\u12G4"}  {"a":"\x41"}  {"a":"\/"}  {"a":"\u0000"}  {"a":"\uD83D\uDE00\uDFFF"}  {"a":"\u+123"}  {"a":"\u 123"}  {"a":tru}
{"a":TRUE}  {"a":None}  {"\t":"tab"}  {"a":[],"b":{}}  {"a":[1,]}  {"a":[,1]}  {"a"::1}  {"a":1,,"b":2}  [{"a":1}]  {"a":1/**/}
//x  {" t":[["a",1]]}  {" t":["ab"]}  {" t":"ab"}  {" t":1}  {"x":{" t":"ab"}}  {"x":{" t":{"k":1}}}  {"x":{" t":null}}
{"x":{" t":[1,{" t":[]}]}}  {"x":{" t":[1]," t":[2]}}  {"x":{" t":[1],"y":2}}  {"x":{" b":"YWI="}}  {"x":{" b":"YWI"}}
{"x":{" b":"Y W\nI="}}  {"x":{" b":"-_"}}  {"x":{" b":"!!!!"}}  {"x":{" b":""}}  {"x":{" b":1}}  {"x":{" b":"é"}}  {" b":""}
{" b":"YWI="}  {"x":{" m":"<b>"}}  {"x":{" m":1}}  {"x":{" m":null}}  {" m":"ab"}
{"x":{" u":"00000000000000000000000000000001"}}  {"x":{" u":"{12345678-1234-5678-1234-567812345678}"}}
{"x":{" u":"urn:uuid:12345678-1234-5678-1234-567812345678"}}  {"x":{" u":"12"}}  {"x":{" u":1}}  {"x":{" d":"Fri,"}}
{"x":{" d":""}}  {"x":{" d":1}}  {"x":{" d":null}}  {"x":{" d":"nonsense"}}  {" d":""}  {"x":{" di":{" t__":[1]}}}
{"x":{" di":{"ab":1}}}  {"x":{" di":{"a":1}}}  {"x":{" di":{}}}  {"x":{" di":[]}}  {"x":{" di":1}}  {" di":{" t__":1}}
{"x":{" di":{" t__":1,"z":2}}}  {"x":{" T":[1]}}  {"x":{" t__":[1]}}""",
)
PAYLOADS += [
    '{"x":{" d":"Fri, 21 Nov 2025 02:40:00 GMT"}}',
    '{"x":{" d":"Fri, 21 Nov 2025 02:40:00 +0130"}}',
    '{"x":{" d":"Mon, 21 Nov 0050 02:40:00 GMT"}}',
    '{"x":{" d":"Fri, 31 Feb 2025 02:40:00 GMT"}}',
    '{"x":{" d":"21 Nov 2025 02:40 EST"}}',
    ' \t\r\n{ "a" : 1 }\n ',
    '{"a":"\x01"}',
    '{"a":"\x7f"}',
    "\ufeff{}",
    '\x0c{"a":1}',
    '\xa0{"a":1}',
    "",
    " ",
    '{"a":' + "9" * 4300 + "}",
    '{"a":' + "9" * 4301 + "}",
    '{"a":' + "[" * 300 + "]" * 300 + "}",
    '{"a":' * 300 + "1" + "}" * 300,
    '{"a":' + '{" t":[' * 150 + "]}" * 150 + "}",
    "[" * 20_000,
    "[" * 20_000 + "]" * 20_000,
    '{"a":' * 20_000 + "1" + "}" * 20_000,
    json.dumps({"a": "a" * 60_000}),
]
RAW_PAYLOADS = [
    b'{"a":"\xff"}',
    b'{"a":"\xc3"}',
    b'{"a":"\xc0\xaf"}',
    b'{"a":"\xed\xa0\x80"}',
    b"\xff\xfe{\x00}\x00",
    '{"ä":"🐢"}'.encode(),
]


class Mutants:
    """Makes one mutant after the other from cookies that Flask signed with `secret` up to `now`."""

    def __init__(self, seed, cookies, secret, now, max_age):
        self.random = random.Random(seed)
        self.cookies = cookies
        self.secret = secret
        self.now = now
        self.max_age = max_age
        self.kinds = [
            self.flip, self.flip, self.delete, self.insert, self.truncate, self.double, self.swap_parts, self.mix_parts,
            self.other_alphabet, self.pad, self.garbage, self.last_character, self.case, self.append_raw, self.dots,
            self.unsigned_time, self.resigned_time, self.resigned_time, self.odd_time, self.odd_payload, self.odd_payload,
            self.bad_zlib, self.bad_base64, self.other_signer, self.intact, self.flipped_payload,
        ]  # fmt: skip

    def mutant(self):
        """Returns the kind of a mutant and its text; never one that a line could not hold as it is."""
        while True:
            kind = self.random.choice(self.kinds)
            text = kind(self.random.choice(self.cookies))
            # What a command does with blanks around a line is its own affair.
            if not set("\n\r") & set(text) and text == text.strip():
                return kind.__name__, text

    def signer(self, **options):
        options = {"salt": "cookie-session", "key_derivation": "hmac", **options}
        return TimestampSigner(self.secret, **options)

    def sign(self, payload, time, **options):
        """Signs parts as they are: `payload` and `time` are already base64, or should be."""
        value = payload + b"." + time
        return (value + b"." + self.signer(**options).get_signature(value)).decode("latin-1")

    def moment(self, seconds):
        return base64_encode(int_to_bytes(seconds)) if seconds else b""

    def recent(self):
        return self.moment(self.now - self.random.randint(0, 100))

    def parts(self, cookie):
        return cookie.rsplit(".", 2)

    def position(self, text):
        return self.random.randrange(len(text))

    def intact(self, cookie):
        return cookie

    def flip(self, cookie):
        at = self.position(cookie)
        return cookie[:at] + chr(ord(cookie[at]) ^ (1 << self.random.randrange(8))) + cookie[at + 1 :]

    def delete(self, cookie):
        at = self.position(cookie)
        return cookie[:at] + cookie[at + self.random.choice([1, 1, 2, 4]) :]

    def insert(self, cookie):
        at = self.position(cookie)
        return cookie[:at] + self.random.choice(BASE64 + "=.+/ ~%é\x00\x7f\xff") + cookie[at:]

    def truncate(self, cookie):
        return cookie[: self.position(cookie)]

    def double(self, cookie):
        return self.random.choice([cookie + cookie, cookie + "." + cookie, "." + cookie, cookie + "."])

    def swap_parts(self, cookie):
        parts = self.parts(cookie)
        self.random.shuffle(parts)
        return ".".join(parts)

    def mix_parts(self, cookie):
        other = self.parts(self.random.choice(self.cookies))
        return ".".join(self.random.choice(pair) for pair in zip(self.parts(cookie), other))

    def other_alphabet(self, cookie):
        payload, time, signature = self.parts(cookie)
        swapped = signature.replace("-", "+").replace("_", "/")
        return f"{payload}.{time}.{swapped}"

    def pad(self, cookie):
        return cookie + "=" * self.random.randint(1, 5) + self.random.choice(["", "", "x", "abcd", "=a", "é", "!="])

    def garbage(self, cookie):
        payload, time, signature = self.parts(cookie)
        for _ in range(self.random.randint(1, 9)):
            at = self.random.randint(0, len(signature))
            signature = signature[:at] + self.random.choice("!~#,: é\x00\x7f\xff=") + signature[at:]
        return f"{payload}.{time}.{signature}"

    def last_character(self, cookie):
        return cookie[:-1] + self.random.choice(BASE64)

    def case(self, cookie):
        at = self.position(cookie)
        return cookie[:at] + cookie[at].swapcase() + cookie[at + 1 :]

    def append_raw(self, cookie):
        return cookie + "".join(chr(self.random.randint(128, 255)) for _ in range(self.random.randint(1, 4)))

    def dots(self, cookie):
        return self.random.choice(
            [cookie.replace(".", ""), cookie.replace(".", "..", 1), ".", "..", "...", "", "a", "a.b", cookie[:-27]]
        )

    def unsigned_time(self, cookie):
        payload, _, signature = self.parts(cookie)
        return f"{payload}.{self.recent().decode()}.{signature}"

    def resigned_time(self, cookie):
        payload = self.parts(cookie)[0].encode()
        age = self.random.choice(
            [0, 1, -1, -2, -3600, self.max_age - 1, self.max_age, self.max_age + 1, self.max_age * 2, self.now]
        )
        return self.sign(payload, self.moment(max(self.now - age, 0)))

    def odd_time(self, cookie):
        payload = self.parts(cookie)[0].encode()
        time = self.recent()
        odd = [
            b"AAAA" + time, b"AAAAAAAA" + time, time + b"=", time + b"==", time + b"=x", b"!" + time, b"!!!!" + time, time[:-1], time + b"A",
            b"", b"AA", b"!", b"!!!!", b"A", b"_" * 11, b"_" * 12, b"A" * 11, b"\xc3\xa9" + time, time.replace(b"a", b"\xff"),
            self.moment(253402300799), self.moment(253402300800), self.moment(2**40), self.moment(2**63), self.moment(2**64 - 1), self.moment(2**32 + self.now),
        ]  # fmt: skip
        text = self.sign(payload, self.random.choice(odd))
        # Bytes of the header become characters, and characters become UTF-8 again before they are checked.
        return text if text.isascii() else self.sign(payload, time)

    def encoded(self, data):
        if self.random.random() < 0.3:
            return b"." + base64_encode(zlib.compress(data, self.random.randint(0, 9)))
        return base64_encode(data)

    def odd_payload(self, _cookie):
        if self.random.random() < 0.05:
            return self.sign(self.encoded(self.random.choice(RAW_PAYLOADS)), self.recent())
        return self.sign(self.encoded(self.random.choice(PAYLOADS).encode()), self.recent())

    def bad_zlib(self, _cookie):
        data = json.dumps({"a": "text " * self.random.randint(1, 50)}).encode()
        packed = zlib.compress(data)
        raw = zlib.compressobj(wbits=-15)
        gzip = zlib.compressobj(wbits=31)
        preset = zlib.compressobj(zdict=b"text text")
        at = self.position(packed)
        broken = [
            packed[: self.position(packed)],
            packed[:-1],
            packed[:-4],
            packed[:-1] + bytes([packed[-1] ^ 1]),
            packed[:at] + bytes([packed[at] ^ (1 << self.random.randrange(8))]) + packed[at + 1 :],
            packed + b"trailing",
            packed + packed,
            raw.compress(data) + raw.flush(),
            gzip.compress(data) + gzip.flush(),
            preset.compress(data) + preset.flush(),
            b"",
            data,
            zlib.compress(b""),
            zlib.compress(packed),
        ]
        return self.sign(b"." + base64_encode(self.random.choice(broken)), self.recent())

    def bad_base64(self, cookie):
        payload = self.parts(cookie)[0].encode()
        at = self.random.randrange(len(payload) + 1)
        odd = [
            payload + b"=", payload + b"==", payload + b"=x", payload + b"A", payload + b"!!!!", payload[:-1], payload[1:], b"", b"=", b".", b"..", b"." + payload,
            payload.replace(b"-", b"+").replace(b"_", b"/"), payload[:at] + b"~" + payload[at:], payload[:at] + b"~~~~" + payload[at:],
            payload[:at] + b"=" + payload[at:], base64.urlsafe_b64encode(b'{"a": 1}'), base64.b64encode(b'{"a":"\xc3\xbf\xc3\xbe?>"}'), b"a.b.c", b'{"a":1}',
        ]  # fmt: skip
        return self.sign(self.random.choice(odd), self.recent())

    def flipped_payload(self, cookie):
        """Damages what is inside, and signs it."""
        payload = self.parts(cookie)[0]
        if payload.startswith("."):
            return self.bad_zlib(cookie)
        data = bytearray(base64.urlsafe_b64decode(payload + "=="))
        data[self.position(data)] ^= 1 << self.random.randrange(8)
        return self.sign(base64_encode(bytes(data)), self.recent())

    def other_signer(self, cookie):
        options = [
            {"salt": "itsdangerous"}, {"salt": ""}, {"salt": "flask-session"}, {"key_derivation": "django-concat"}, {"key_derivation": "concat"},
            {"key_derivation": "none"}, {"digest_method": hashlib.sha256}, {"digest_method": hashlib.md5}, {"digest_method": hashlib.sha512},
        ]  # fmt: skip
        return self.sign(self.parts(cookie)[0].encode(), self.recent(), **self.random.choice(options))
