# syntax=docker/dockerfile:1
# One image for web, worker, beat and migrations; docker-compose.yml says which part a container plays.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/venv
COPY requirements/production.txt /tmp/production.txt
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/production.txt

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=crmsync.settings.base \
    PRODUCTION=1 \
    CRMSYNC_DATA_DIR=/var/lib/crmsync \
    STATIC_ROOT=/app/staticfiles \
    PORT=8000
RUN useradd --system --uid 10001 --home-dir /var/lib/crmsync --create-home crmsync
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
# The settings want keys; static files need none of them.
RUN SECRET_KEY=build FIELD_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ALLOWED_HOSTS=localhost \
    sh -c 'python scripts/compile_messages.py && python manage.py collectstatic --noinput --verbosity 0'
USER crmsync
VOLUME /var/lib/crmsync
EXPOSE 8000
# Warm shutdown of a worker lets the slice in hand finish.
STOPSIGNAL SIGTERM
CMD ["sh", "-c", "exec gunicorn crmsync.wsgi:application --bind 0.0.0.0:$PORT --worker-class gthread --workers ${WEB_WORKERS:-2} --threads ${WEB_THREADS:-4} --timeout 60 --graceful-timeout 20 --worker-tmp-dir /dev/shm --no-control-socket"]
