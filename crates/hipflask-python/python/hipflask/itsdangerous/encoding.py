"""Text, bytes and numbers as they stand in a signed value.

The innermost module: knows neither keys nor signatures. Base64 is URL-safe and unpadded when written, and
read as forgivingly as Python reads it; see
`itsdangerous.encoding <https://itsdangerous.palletsprojects.com/en/stable/encoding/>`_.
"""

from __future__ import annotations

import binascii
import struct

from hipflask._native import decode_url, encode_url

from .exc import BadData

# The order matters: a separator is refused only if it is a run of these characters.
_base64_alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_="

_int64_struct = struct.Struct(">Q")
_int_to_bytes, _bytes_to_int = _int64_struct.pack, _int64_struct.unpack


def want_bytes(s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    """Returns text encoded, and anything else as it is.

    >>> want_bytes("é"), want_bytes(b"e")
    (b'\\xc3\\xa9', b'e')
    """
    return s.encode(encoding, errors) if isinstance(s, str) else s


def base64_encode(string: str | bytes) -> bytes:
    """Returns the URL-safe base64 text of bytes, or of text as UTF-8, without padding.

    >>> base64_encode(b"\\xfb\\xff")
    b'-_8'
    """
    if not isinstance(string, bytes):
        # A `memoryview` and its like are welcome too; what is no bytes at all raises a `TypeError`.
        string = memoryview(want_bytes(string)).tobytes()
    return encode_url(string)


def base64_decode(string: str | bytes) -> bytes:
    """Returns the bytes that base64 text stands for.

    Padding may be missing, the standard alphabet is read as well as the URL-safe one, and foreign
    characters are skipped. Raises `BadData` if the text ends in the middle of a group.

    >>> base64_decode("-_8") == base64_decode(b"+/8=") == b"\\xfb\\xff"
    True
    >>> base64_decode("Y")
    Traceback (most recent call last):
    hipflask.itsdangerous.exc.BadData: Invalid base64-encoded data
    """
    data = decode_url(string if isinstance(string, bytes) else want_bytes(string, "ascii", "ignore"))
    if data is None:
        end = binascii.Error("the text ends inside a group of four characters")
        raise BadData("Invalid base64-encoded data") from end
    return data


def int_to_bytes(num: int) -> bytes:
    """Returns a number in big-endian order, without leading zeros.

    Raises `struct.error` unless ``0 <= num < 2**64``.

    >>> int_to_bytes(258), int_to_bytes(0)
    (b'\\x01\\x02', b'')
    """
    return _int_to_bytes(num).lstrip(b"\x00")


def bytes_to_int(bytestr: bytes) -> int:
    """Returns the number that at most eight bytes stand for. Raises `struct.error` if there are more.

    >>> bytes_to_int(b"\\x01\\x02")
    258
    """
    return _bytes_to_int(bytestr.rjust(8, b"\x00"))[0]  # type: ignore[no-any-return]
