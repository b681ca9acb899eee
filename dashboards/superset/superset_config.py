"""How Superset is set: for `make bi` and for the profile `superset` of docker-compose.yml alike.

What differs between the two comes from the environment; without a key or an address of the metadata it does not start.
"""

import os


def _told(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SystemExit(f"{name} is not set.")
    return value


SECRET_KEY = _told("SUPERSET_SECRET_KEY")
SQLALCHEMY_DATABASE_URI = _told("SUPERSET_METADATA_URI")

# Figures change when something is published and at no other time. `publish_marts` takes them out of the cache where it
# is told of Superset; elsewhere they are forgotten after a while. Superset writes down keys of what it keeps in the
# second cache, and takes them out of the first: so the two are one, in a folder that all its processes share.
CACHE_CONFIG = {
    "CACHE_TYPE": "FileSystemCache",
    "CACHE_DIR": _told("SUPERSET_CACHE"),
    "CACHE_DEFAULT_TIMEOUT": int(os.environ.get("SUPERSET_CACHE_SECONDS") or 300),
    "CACHE_THRESHOLD": 20_000,
}
DATA_CACHE_CONFIG = CACHE_CONFIG
STORE_CACHE_KEYS_IN_METADATA_DB = True

# A login for the DAG: it can see which datasets there are, and have their figures forgotten.
FAB_ROLES = {
    "Forget": [
        ["SecurityRestApi", "can_read"],
        ["Dataset", "can_read"],
        ["all_datasource_access", "all_datasource_access"],
        ["CacheRestApi", "can_invalidate"],
    ]
}

LANGUAGES = {"en": {"flag": "us", "name": "English"}, "zh": {"flag": "cn", "name": "中文"}}
