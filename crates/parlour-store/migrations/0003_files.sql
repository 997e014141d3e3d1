-- Files that hang on messages. Their bytes are in the blob storage.

-- "stem" is the UUID in the key, "data" a JSON object with what everybody in the room may see.
-- "message_id" is NULL until a message takes the file; a file with "released_at" is seen by nobody, and
-- its row goes when its bytes are gone. Owners may be gone, so they are no foreign key.
CREATE TABLE files (
    id @ID@,
    stem TEXT NOT NULL UNIQUE,
    owner_id BIGINT NOT NULL,
    room_id BIGINT,
    message_id BIGINT,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    data TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    received TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    released_at BIGINT
);
CREATE INDEX files_owner ON files (owner_id, size) WHERE released_at IS NULL;
CREATE INDEX files_message ON files (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX files_gallery ON files (room_id, id) WHERE room_id IS NOT NULL AND released_at IS NULL;
CREATE INDEX files_staged ON files (created_at) WHERE message_id IS NULL AND released_at IS NULL;
CREATE INDEX files_released ON files (released_at) WHERE released_at IS NOT NULL;

-- A JSON array of what everybody in the room may see of its files, so that reading a message reads no
-- other table; NULL: none.
ALTER TABLE messages ADD COLUMN files TEXT;
