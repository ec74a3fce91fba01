//! What each version of the schema changes, in order. A change that was released is never edited; a new one follows it.

/// Brings a database of the version before it to the next one.
pub(super) struct Change {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

pub(super) const CHANGES: [Change; 4] = [
    Change {
        sqlite: "
            CREATE TABLE refresh_tokens (
                tenant TEXT NOT NULL,
                hash BLOB NOT NULL,
                client_id TEXT NOT NULL,
                user_id TEXT NOT NULL,
                family TEXT NOT NULL,
                scope TEXT NOT NULL,
                act TEXT,
                signed_in_at INTEGER NOT NULL,
                device TEXT,
                created_at INTEGER NOT NULL,
                expires_at INTEGER,
                idle_expires_at INTEGER,
                rotated_at INTEGER,
                revoked_at INTEGER,
                PRIMARY KEY (tenant, hash)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX refresh_tokens_family ON refresh_tokens (tenant, family);
            CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
        ",
        postgres: "
            CREATE TABLE refresh_tokens (
                tenant TEXT NOT NULL,
                hash BYTEA NOT NULL,
                client_id TEXT NOT NULL,
                user_id TEXT NOT NULL,
                family TEXT NOT NULL,
                scope TEXT NOT NULL,
                act TEXT,
                signed_in_at BIGINT NOT NULL,
                device TEXT,
                created_at BIGINT NOT NULL,
                expires_at BIGINT,
                idle_expires_at BIGINT,
                rotated_at BIGINT,
                revoked_at BIGINT,
                PRIMARY KEY (tenant, hash)
            );
            CREATE INDEX refresh_tokens_family ON refresh_tokens (tenant, family);
            CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
            CREATE INDEX refresh_tokens_idle_expires_at ON refresh_tokens (idle_expires_at);
        ",
    },
    Change {
        sqlite: "
            CREATE TABLE used_assertions (
                tenant TEXT NOT NULL,
                client_id TEXT NOT NULL,
                jti TEXT NOT NULL,
                expires_at INTEGER NOT NULL,
                PRIMARY KEY (tenant, client_id, jti)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);
        ",
        postgres: "
            CREATE TABLE used_assertions (
                tenant TEXT NOT NULL,
                client_id TEXT NOT NULL,
                jti TEXT NOT NULL,
                expires_at BIGINT NOT NULL,
                PRIMARY KEY (tenant, client_id, jti)
            );
            CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);
        ",
    },
    Change {
        sqlite: "
            CREATE TABLE tenants (
                domain TEXT PRIMARY KEY NOT NULL,
                document TEXT NOT NULL,
                is_default INTEGER NOT NULL,
                version INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE UNIQUE INDEX tenants_one_default ON tenants (is_default) WHERE is_default = 1;
            CREATE TABLE clients (
                tenant TEXT NOT NULL,
                client_id TEXT NOT NULL,
                document TEXT NOT NULL,
                version INTEGER NOT NULL,
                PRIMARY KEY (tenant, client_id)
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE users (
                tenant TEXT NOT NULL,
                user_id TEXT NOT NULL,
                email TEXT,
                document TEXT NOT NULL,
                version INTEGER NOT NULL,
                PRIMARY KEY (tenant, user_id)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX users_email ON users (tenant, email);
            CREATE TABLE origins (
                tenant TEXT NOT NULL,
                origin TEXT NOT NULL,
                client_id TEXT NOT NULL,
                PRIMARY KEY (tenant, origin, client_id)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX origins_client_id ON origins (tenant, client_id);
            CREATE TABLE resources (
                tenant TEXT NOT NULL,
                resource TEXT NOT NULL,
                client_id TEXT NOT NULL,
                PRIMARY KEY (tenant, resource)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX resources_client_id ON resources (tenant, client_id);
            CREATE TABLE changes (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                tenant TEXT NOT NULL,
                kind TEXT NOT NULL,
                id TEXT NOT NULL,
                changed_at INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE server_identity (identity TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
        ",
        // By bytes, as in SQLite: ids have no language.
        postgres: r#"
            CREATE TABLE tenants (
                domain TEXT COLLATE "C" PRIMARY KEY,
                document TEXT NOT NULL,
                is_default BIGINT NOT NULL,
                version BIGINT NOT NULL
            );
            CREATE UNIQUE INDEX tenants_one_default ON tenants (is_default) WHERE is_default = 1;
            CREATE TABLE clients (
                tenant TEXT COLLATE "C" NOT NULL,
                client_id TEXT COLLATE "C" NOT NULL,
                document TEXT NOT NULL,
                version BIGINT NOT NULL,
                PRIMARY KEY (tenant, client_id)
            );
            CREATE TABLE users (
                tenant TEXT COLLATE "C" NOT NULL,
                user_id TEXT COLLATE "C" NOT NULL,
                email TEXT COLLATE "C",
                document TEXT NOT NULL,
                version BIGINT NOT NULL,
                PRIMARY KEY (tenant, user_id)
            );
            CREATE INDEX users_email ON users (tenant, email);
            CREATE TABLE origins (
                tenant TEXT COLLATE "C" NOT NULL,
                origin TEXT COLLATE "C" NOT NULL,
                client_id TEXT COLLATE "C" NOT NULL,
                PRIMARY KEY (tenant, origin, client_id)
            );
            CREATE INDEX origins_client_id ON origins (tenant, client_id);
            CREATE TABLE resources (
                tenant TEXT COLLATE "C" NOT NULL,
                resource TEXT COLLATE "C" NOT NULL,
                client_id TEXT COLLATE "C" NOT NULL,
                PRIMARY KEY (tenant, resource)
            );
            CREATE INDEX resources_client_id ON resources (tenant, client_id);
            CREATE TABLE changes (
                sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                tenant TEXT NOT NULL,
                kind TEXT NOT NULL,
                id TEXT NOT NULL,
                changed_at BIGINT NOT NULL
            );
            CREATE TABLE server_identity (identity TEXT PRIMARY KEY);
        "#,
    },
    Change {
        sqlite: "CREATE INDEX refresh_tokens_user_id ON refresh_tokens (tenant, user_id);",
        postgres: "CREATE INDEX refresh_tokens_user_id ON refresh_tokens (tenant, user_id);",
    },
];
