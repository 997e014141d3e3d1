# What the scripts of a room say; the ids begin with js-.

js-away = Away, { $n }
js-back = Back to rooms
js-back-mentions = { $n ->
        [one] Back to rooms, { $n } mention
       *[other] Back to rooms, { $n } mentions
    }
js-cancel = Cancel
js-chars-left = { $n ->
        [one] { $n } character left
       *[other] { $n } characters left
    }
js-chars-over = { $n ->
        [one] { $n } character too many
       *[other] { $n } characters too many
    }
js-close = Close
js-command-invite = Invite somebody by name
js-command-invite-done = Invited
js-command-leave = Leave this room
js-command-leave-done = You left the room
js-command-nobody = Nobody is called { $name }.
js-command-not = This command is not for you here.
js-command-topic = Set the topic
js-command-topic-done = Topic set
js-complete = Suggestions
js-conn-back = Connected again.
js-conn-lost = Connection lost. Messages you write now are kept and sent later.
js-conn-trying = Connecting. Messages you write now are kept and sent later.
js-conn-wait = Connection lost. Trying again in { $n } s. Messages you write now are kept and sent later.
js-copy = Copy
js-copy-link = Copy link
js-copy-text = Copy text
js-edit = Edit
js-edit-failed = The change was not saved. Try again.
js-edit-hint = Esc cancels, Enter saves
js-edit-label = Edit message
js-edited = edited
js-emoji = Emoji
js-emoji-search = Search emoji
js-ended-deleted = { $name } was closed
js-ended-deleted-text = The host closed this room. Its messages are gone.
js-ended-expired = { $name } has ended
js-ended-expired-text = Its time was up. Its messages are gone.
js-ended-left = You left { $name }
js-ended-left-text = Your seat is free for somebody else.
js-ended-removed = You were removed from { $name }
js-ended-removed-text = You can come back when the host invites you.
js-ended-session = You are logged out
js-ended-session-text = Log in to go on where you were.
js-fail = Not sent.
js-fail-closed = Not sent: the room is closed.
js-fail-fast = Not sent: too many at once.
js-fail-kept = Not sent yet, kept from an earlier visit.
js-fail-long = Not sent: it is too long.
js-fail-out = Not sent: you are not in this room any more.
js-fail-refused = Not sent: the server did not take it.
js-fail-server = Not sent: the server had a problem.
js-fail-session = Not sent: you were logged out.
js-fail-silent = Not sent: no answer from the server.
js-gap = Some messages are still on their way
js-go-list = All rooms
js-go-me = Your settings
js-go-new = New room
js-here = Here, { $n }
js-host = Host
js-kept = Kept for you: the text you had not sent
js-key-complete = People, emoji, commands
js-key-compose = Go to the message box
js-key-edit = Edit your message
js-key-edit-last = Edit your last message, when the box is empty
js-key-ends = Oldest loaded, latest
js-key-enter = Actions of the message
js-key-escape = Cancel, then go to the latest
js-key-line = New line
js-key-marks = Bold, italic, code
js-key-move = Move between messages
js-key-move-jk = Move between messages
js-key-react = React with 👍
js-key-region = Next or previous region
js-key-remove = Remove your message
js-key-reply = Reply
js-key-reply-last = Reply to the last message, when the box is empty
js-key-room-next = Next room
js-key-room-prev = Previous room
js-key-send = Send
js-key-sheet = All keys
js-key-switcher = Find room, person, command
js-key-unread = Mark unread from here
js-key-unread-next = Next unread room
js-key-unread-prev = Previous unread room
js-keys-single = Single-key shortcuts
js-keys-title = Keys
js-latest = Jump to latest
js-log-in = Log in
js-mark-unread = Mark unread from here
js-mention-person = Mention
js-mentions = { $n ->
        [one] { $n } mention
       *[other] { $n } mentions
    }
js-menu = Message actions
js-new = New
js-new-count = { $n } new
js-new-count-me = { $n } new, { $m } for you
js-new-label = New since you were last here
js-new-since = New since { $time }
js-notify-title = { $name } in { $room }
js-people-here = People: { $n } here
js-react = Add reaction
js-react-failed = The reaction was not saved.
js-react-with = React with { $emoji }
js-reaction = { $n ->
        [one] { $emoji }, { $n } person
       *[other] { $emoji }, { $n } people
    }
js-reaction-mine = { $n ->
        [one] { $emoji }, { $n } person, including you
       *[other] { $emoji }, { $n } people, including you
    }
js-read-to = Read up to { $time }
js-remove = Remove
js-remove-failed = The message was not removed. Try again.
js-removed = Removed.
js-reply = Reply
js-reply-gone = This message was removed
js-row-failed = Your message was not sent
js-row-forme = mentions you
js-row-reactions = { $n ->
        [one] { $n } reaction
       *[other] { $n } reactions
    }
js-row-reply = reply to { $name }
js-row-sending = You, sending
js-save = Save
js-say-new = { $n ->
        [one] { $n } new message
       *[other] { $n } new messages
    }
js-say-new-me = { $n } new messages, { $m } for you
js-seatmap = { $here } here, { $away } away, { $free } free
js-seats = { $taken } of { $of } seats
js-send-again = Send again
js-sending = sending…
js-switcher = Find a room or person
js-switcher-none = Nothing found
js-to-rooms = All rooms
js-undo = Undo
js-unread = unread
js-waiting = waiting to be sent
js-writing = Writing
js-writing-1 = { $name } is writing
js-writing-2 = { $name } and { $other } are writing
js-writing-n = { $n } people are writing
js-you = You
