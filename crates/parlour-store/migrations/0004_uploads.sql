-- Uploads that may stop and go on. "id" is also the name of the staged file, on the node that began the
-- upload; how far it came is that file's length and stands nowhere here. "sure": bytes behind this offset
-- came with a checksum that was not compared yet. "whole": all bytes came, and the file may have been
-- rewritten since. "file_id": what became of it.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    owner_id BIGINT NOT NULL,
    size BIGINT NOT NULL,
    name TEXT NOT NULL,
    alt TEXT NOT NULL,
    metadata TEXT NOT NULL,
    sure BIGINT,
    whole BOOLEAN NOT NULL,
    file_id BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX uploads_owner ON uploads (owner_id);
CREATE INDEX uploads_expiry ON uploads (expires_at);
