"""The app `stored` when it has used a session before gunicorn forks its workers, which share what it has opened."""

from stored import over as stored_over


def over(url):
    """Returns the app over the store of this address, for `gunicorn --preload`."""
    app = stored_over(url)
    assert app.test_client().get("/set?k=user&v=master").status_code == 200
    return app
