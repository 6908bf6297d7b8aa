"""Reads one record straight from its store: the bytes, and when it expires (seconds since 1970).

This looks where Flask-Session keeps its records; what it does not find there, Flask-Session would not find either.
"""

import datetime
import hashlib
import pathlib
import time

import boto3
import pymemcache
import pymongo
import redis
import sqlalchemy

DRIVERS = {"sqlite": "sqlite:///", "postgres": "postgresql+psycopg:", "mysql": "mysql+pymysql:"}


def seconds(naive):
    return naive.replace(tzinfo=datetime.timezone.utc).timestamp()


def from_redis(store, key):
    with redis.Redis(port=store.port) as client:
        return client.get(key), time.time() + client.pttl(key) / 1000


def from_memcached(store, key):
    client = pymemcache.Client(("127.0.0.1", store.port))
    left = client.raw_command(f"mg {key} t").split()[1]
    data = client.get(key)
    client.close()
    return data, time.time() + int(left[1:])


def from_filesystem(store, key):
    name = hashlib.sha256(key.encode()).hexdigest()
    body = pathlib.Path(store.url.removeprefix("file:"), name).read_bytes()
    return body[4:], int.from_bytes(body[:4], "little")


def from_sql(store, key):
    scheme, rest = store.url.split(":", 1)
    engine = sqlalchemy.create_engine(DRIVERS[scheme] + rest)
    data, expiry = sqlalchemy.column("data"), sqlalchemy.column("expiry", sqlalchemy.DateTime)
    query = sqlalchemy.select(data, expiry).select_from(sqlalchemy.table("sessions"))
    with engine.connect() as connection:
        [record] = connection.execute(query.where(sqlalchemy.column("session_id") == key))
    engine.dispose()
    return bytes(record.data), seconds(record.expiry)


def from_mongodb(store, key):
    with pymongo.MongoClient(store.url) as client:
        [record] = client["flask_session"]["sessions"].find({"id": key})
    return record["val"], seconds(record["expiration"])


def from_dynamodb(store, key):
    keys = {name.lower(): value for name, value in store.env.items()}
    endpoint = f"http://127.0.0.1:{store.port}"
    table = boto3.resource("dynamodb", region_name="us-east-1", endpoint_url=endpoint, **keys).Table("Sessions")
    record = table.get_item(Key={"id": key}, ConsistentRead=True)["Item"]
    return record["val"].value, float(record["expiration"])


READERS = {
    "redis": from_redis,
    "memcached": from_memcached,
    "filesystem": from_filesystem,
    "sqlite": from_sql,
    "postgresql": from_sql,
    "mariadb": from_sql,
    "mongodb": from_mongodb,
    "dynamodb": from_dynamodb,
}
