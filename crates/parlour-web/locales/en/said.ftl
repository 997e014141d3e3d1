# What was done, shown once after a form.
flash-left = You left the room.
flash-saved = Saved.
flash-renewed = The room has its full time again.
flash-invited = Invited.
flash-removed = Removed from the room.
flash-handed-over = The room has a new host.
flash-closed = Room closed.
flash-signed-out = Signed out there.
flash-signed-out-others = Signed out everywhere else.
flash-revoked = Token revoked.
flash-password = Password changed. All other sessions and tokens have ended.
flash-deleted = Your account is deleted.
flash-restored = The built-in look is back.
flash-suspended = Account suspended. It is signed out everywhere.
flash-activated = Account active again.
flash-promoted = Now an administrator.
flash-demoted = No administrator any more.
flash-set-up = Your server is ready. Start its first room.

# Titles of pages.
title-rooms = Rooms
title-room-enter = Take a seat
title-me = Your settings
title-admin = Administration
title-setup = Set up this server
title-gone = Closed

# The administration page.
limit-none = no limit
limit-yes = on
limit-no = off
limit-max-users = Seats of a room, at most
limit-default-users = Seats of a room that does not say
limit-lifetime = Days a room lives
limit-text = Characters of a message
limit-sign-up = Anybody may create an account
limit-rates = Rate limits
contrast-ink = Text
contrast-hint = Hints on hover
contrast-link = Links
contrast-button = Buttons
