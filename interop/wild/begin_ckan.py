"""Makes CKAN's tables and one user, as `ckan db create-from-model` and `ckan user add` do."""

from wsgi import application  # first, because CKAN puts modules of its own before Python's

from ckan import model
from ckan.plugins.toolkit import get_action

model.repo.create_db()
model.repo.stamp_alembic_head()
with application.test_request_context():
    get_action("get_site_user")({"ignore_auth": True}, {})
    user = {"name": "ann", "email": "ann@example.org", "password": "correct horse"}
    get_action("user_create")({"ignore_auth": True, "user": ""}, user)
