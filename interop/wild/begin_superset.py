"""Makes Superset's tables and one user, which `superset db upgrade` and `superset fab create-admin` need minutes for."""

from flask_appbuilder import Model
from superset import security_manager
from superset.app import create_app
from superset.extensions import db

with create_app().app_context():
    Model.metadata.create_all(db.engine)
    admin = security_manager.add_role("Admin")
    assert security_manager.add_user("ann", "Ann", "A", "ann@example.org", admin, password="correct horse")
