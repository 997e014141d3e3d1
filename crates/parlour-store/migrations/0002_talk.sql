-- Replies, mentions, reactions, how far people have read, and what people choose for their pages.
-- The look and the set-up code are rows of "meta".

ALTER TABLE users ADD COLUMN avatar_hue BIGINT;
-- A JSON object.
ALTER TABLE users ADD COLUMN preferences TEXT;

ALTER TABLE messages ADD COLUMN reply_to BIGINT;
-- A JSON array of [user, nickname as written]; NULL: nobody.
ALTER TABLE messages ADD COLUMN mentions TEXT;

-- The author is in the index too, so that counting what others wrote never touches the rows.
DROP INDEX messages_stream;
CREATE UNIQUE INDEX messages_stream ON messages (room_id, seq, deleted, author_id);

-- For counting: which messages (by room and seq) address somebody who is not their author.
CREATE TABLE mentions (
    user_id BIGINT NOT NULL,
    room_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (user_id, room_id, seq)
);
CREATE INDEX mentions_message ON mentions (room_id, seq);

-- "seq" is the event's, "first_seq" that of the first use of this emoji on this message: the order
-- in which they are shown.
CREATE TABLE reactions (
    message_id BIGINT NOT NULL,
    emoji TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    room_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
);
CREATE INDEX reactions_user ON reactions (user_id, room_id);
CREATE INDEX reactions_room ON reactions (room_id);

-- How far people have read. The row outlives a membership; joining writes it anew.
CREATE TABLE reads (
    room_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX reads_user ON reads (user_id);
