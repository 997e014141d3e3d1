-- Times are microseconds since 1970 in UTC; ids come from the database and are never reused.
-- Only BIGINT, TEXT and BOOLEAN, so that both engines keep the same values.
-- "@ID@" becomes the engine's own words for such an id column.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id @ID@,
    username TEXT NOT NULL,
    nickname TEXT NOT NULL,
    nickname_key TEXT NOT NULL UNIQUE,
    username_key TEXT NOT NULL,
    email TEXT,
    email_key TEXT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_admin BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Usernames and emails live in one name space: who logs in types either. A user's own username may
-- equal the own email, which is then one row.
CREATE TABLE account_names (
    key TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX account_names_user ON account_names (user_id);

CREATE TABLE tokens (
    id @ID@,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_end ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- News for other processes: which credentials ended ("ended" is a JSON array of token ids), or that
-- a user's rights changed ("ended" is NULL).
CREATE TABLE revocations (
    id @ID@,
    user_id BIGINT NOT NULL,
    ended TEXT,
    at BIGINT NOT NULL
);

-- The row of a room that ended stays as its tombstone until the purge forgets it.
-- "revision" counts the changes that have no event (invitations).
CREATE TABLE rooms (
    id @ID@,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner_id BIGINT NOT NULL,
    max_users BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    ended_at BIGINT,
    end_reason TEXT,
    last_seq BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    member_count BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    purged BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX rooms_open_name ON rooms (name_key)
    WHERE kind = 'GROUP' AND ended_at IS NULL;
CREATE UNIQUE INDEX rooms_private_name ON rooms (owner_id, name_key)
    WHERE kind = 'PRIVATE' AND ended_at IS NULL;
CREATE INDEX rooms_owner ON rooms (owner_id) WHERE ended_at IS NULL;
CREATE INDEX rooms_open ON rooms (updated_at, id) WHERE kind = 'GROUP' AND ended_at IS NULL;
CREATE INDEX rooms_expiry ON rooms (expires_at)
    WHERE ended_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX rooms_ended ON rooms (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX rooms_unpurged ON rooms (id) WHERE ended_at IS NOT NULL AND purged = FALSE;

-- "since" is the seq of the event with which a member joined: the order of joining.
CREATE TABLE room_users (
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_users_user ON room_users (user_id, state);

-- A deleted message keeps its row, without its text: its place in the stream stays filled and its
-- nonce stays known. Authors may be gone, so they are no foreign key.
CREATE TABLE messages (
    id @ID@,
    room_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    author_id BIGINT NOT NULL,
    text TEXT NOT NULL,
    nonce TEXT,
    body_hash TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL
);
-- "deleted" is in the index so that skipping to a far page never touches the rows.
CREATE UNIQUE INDEX messages_stream ON messages (room_id, seq, deleted);
-- Rows without a nonce are in it too: this is also how an author's messages are found.
CREATE UNIQUE INDEX messages_nonce ON messages (author_id, nonce);

-- Everything in a room's stream but the creation of messages.
CREATE TABLE events (
    room_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    message_id BIGINT,
    user_id BIGINT,
    data TEXT,
    PRIMARY KEY (room_id, seq)
);
