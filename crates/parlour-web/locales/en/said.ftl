# What was done, shown once after a form.
said-left = You left the room.
said-saved = Saved.
said-renewed = The room has its full time again.
said-invited = Invited.
said-removed = Removed from the room.
said-handed-over = The room has a new host.
said-closed = Room closed.
said-signed-out = Signed out there.
said-signed-out-others = Signed out everywhere else.
said-revoked = Token revoked.
said-password = Password changed. All other sessions and tokens have ended.
said-deleted = Your account is deleted.
said-restored = The built-in look is back.
said-suspended = Account suspended. It is signed out everywhere.
said-activated = Account active again.
said-promoted = Now an administrator.
said-demoted = No administrator any more.
said-set-up = Your server is ready. Start its first room.

# Titles of pages.
title-rooms = Rooms
title-room-create = New room
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
