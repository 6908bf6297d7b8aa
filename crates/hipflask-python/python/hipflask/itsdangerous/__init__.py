"""Signs data, so that it can be handed to untrusted hands and believed when it comes back.

Has the whole public interface of `itsdangerous 2.2 <https://itsdangerous.palletsprojects.com/>`_, writes the
same bytes and gives the same verdicts, on native code::

    import hipflask.itsdangerous as itsdangerous

Needs neither Flask nor itsdangerous. The classes are this package's own: where another library raises
the real ``itsdangerous.BadSignature``, ``except hipflask.itsdangerous.BadSignature`` does not catch it,
nor the other way round. Import the exceptions from where the serializer comes from.

Also different on purpose: `base64_decode` neither writes padding into a ``bytearray`` nor takes a list, and the
errors about a separator or a key derivation say what to use instead.

>>> serializer = URLSafeTimedSerializer("secret-key", salt="reset-password")
>>> token = serializer.dumps({"id": 42})
>>> serializer.loads(token, max_age=3600)
{'id': 42}
>>> try:
...     serializer.loads(token + "x")
... except BadSignature as error:
...     print("refused:", type(error).__name__)
refused: BadTimeSignature
"""

from __future__ import annotations

import typing as t

from .encoding import base64_decode as base64_decode
from .encoding import base64_encode as base64_encode
from .encoding import want_bytes as want_bytes
from .exc import BadData as BadData
from .exc import BadHeader as BadHeader
from .exc import BadPayload as BadPayload
from .exc import BadSignature as BadSignature
from .exc import BadTimeSignature as BadTimeSignature
from .exc import SignatureExpired as SignatureExpired
from .serializer import Serializer as Serializer
from .signer import HMACAlgorithm as HMACAlgorithm
from .signer import NoneAlgorithm as NoneAlgorithm
from .signer import Signer as Signer
from .timed import TimedSerializer as TimedSerializer
from .timed import TimestampSigner as TimestampSigner
from .url_safe import URLSafeSerializer as URLSafeSerializer
from .url_safe import URLSafeTimedSerializer as URLSafeTimedSerializer


def __getattr__(name: str) -> t.Any:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings

    warnings.warn(
        "'__version__' names the version of itsdangerous whose interface this is, and is deprecated there:"
        " test for the feature instead",
        DeprecationWarning,
        stacklevel=2,
    )
    return "2.2.0"
