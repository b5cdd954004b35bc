#!/bin/sh
# Brings Temporal's two databases to the schema of this version of the tools; runs before every start.
set -eu

tool() {
  temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" --pw "$POSTGRES_PWD" --db "$@"
}

versions=/etc/temporal/schema/postgresql/v12
tool temporal create
tool temporal setup-schema -v 0.0
tool temporal update-schema -d "$versions/temporal/versioned"
tool temporal_visibility create
tool temporal_visibility setup-schema -v 0.0
tool temporal_visibility update-schema -d "$versions/visibility/versioned"
