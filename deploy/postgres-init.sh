#!/bin/sh
# Runs once, when the database directory is empty: the role that owns and migrates, and the role that serves under row-level security.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$OWNER_PASSWORD" --set app_password="$APP_PASSWORD" <<'SQL'
CREATE ROLE crmsync_owner LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE crmsync_app LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'app_password';
CREATE DATABASE crmsync OWNER crmsync_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C';
REVOKE ALL ON DATABASE crmsync FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE crmsync TO crmsync_app;
\connect crmsync
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner GRANT USAGE ON SCHEMAS TO crmsync_app;
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO crmsync_app;
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO crmsync_app;
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner GRANT EXECUTE ON FUNCTIONS TO crmsync_app;
SQL
