"""Answers for load balancers and for `serve`: alive, and ready to work."""

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of the database: a restart of the web does not repair a database."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> JsonResponse:
    """Database and Redis answer too; 503 with the name of what does not."""
    parts = {"database": _database_answers(), "redis": _redis_answers()}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        cache.get("ready")
    except (RedisError, OSError):
        return False
    return True
