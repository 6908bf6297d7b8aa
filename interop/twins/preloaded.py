"""The app `stored` with HipFlask for gunicorn, used once before there are workers: `gunicorn --preload preloaded:app`.

`SESSIONS` is the address of its store.
"""

import os

from stored import app, keep_sessions

keep_sessions(os.environ["SESSIONS"], by_hipflask=True)
assert app.test_client().get("/set?k=user&v=master").status_code == 200
