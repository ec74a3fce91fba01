//! The changes.

/// Brings a database of the version before it to the next one.
pub(super) struct Change {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

pub(super) const CHANGES: [Change; 2] = [
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
];
