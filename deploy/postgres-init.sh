#!/bin/sh
# Runs once, when the database folder is new: the application's login role, which is no superuser and obeys every policy.
set -eu
url_password=$(printf '%s' "$DATABASE_URL" | sed -n 's|^[^:]*://[^:]*:\([^@]*\)@.*|\1|p')
psql --set=ON_ERROR_STOP=1 --set=password="$url_password" --username postgres <<'SQL'
CREATE ROLE quittance LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE PASSWORD :'password';
CREATE DATABASE quittance OWNER quittance LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' TEMPLATE template0;
SQL
