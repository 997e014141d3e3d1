# Everywhere
skip-main = Skip to the content
skip-open = Skip to open rooms
nav-main = Main
nav-list = Chat list
nav-api = API
nav-admin = Administration
register = Register
log-in = Log in
log-out = Log out
save = Save
cancel = Cancel
close = Close
copy = Copy
create = Create
create-new = Create a new room
create-heading = Create a new room
host = host
email = Email
nickname = Nickname
nickname-hint = The name that others see.
password = Password
password-again = Password, once more
password-hint = At least 8 characters, and not only numbers.
form-optional = optional
form-errors = { $n ->
    [one] One thing needs another look
   *[other] { $n } things need another look
}
form-wait = Too many tries. Wait { $n ->
    [one] one second
   *[other] { $n } seconds
}.

# Landing page
landing-welcome = Pull up a chair.
landing-lead = This is where { $name } talks. Step into an open room, or start one of your own.
landing-life =
    { $n ->
        [1] Rooms last a day, then make space for the next.
        [7] Rooms last a week, then make space for the next.
       *[other] Rooms last { $n } days, then make space for the next.
    }
landing-register = Create an account
landing-last = Back to { $name }
landing-open = Open now
landing-all = { $n ->
    [one] The one room
   *[other] All { $n } rooms
}
landing-none = No rooms are open. Start the first one.
fact-wick =
    { $n ->
        [1] Rooms last a day
        [7] Rooms last seven days
       *[other] Rooms last { $n } days
    }
fact-wick-text = The line under a room shows how much of its time is left.
fact-private = Private rooms stay private
fact-private-text = By invitation only. To everybody else they do not exist.
fact-api = Built to be built on
fact-api-text = REST and WebSocket.
fact-api-link = Read the API

# Rooms
rooms-yours = Your rooms
rooms-private = Private rooms
rooms-private-room = Private:
rooms-unread = unread
rooms-mentions = mentions:
rooms-none-yours = The rooms you join appear here.
rooms-none = Nothing here yet. Start a room for whatever is on now.
rooms-no-match = No room matches.
rooms-filter = Filter rooms
rooms-caption = All rooms that you can join, newest first
col-number = No.
col-title = Title
col-people = People
col-created = Created
col-owner = Owner
col-topic = Topic
col-seats = Seats
col-left = Time left
seats-of = { $taken } of { $max }
seats-taken = seats taken
take-seat = Take a seat

# A new room
field-title = Title
field-topic = Topic
field-topic-hint = One line that says what it is about.
field-kind = Who may come in
field-kind-open = Open
field-kind-open-text = Everybody with an account.
field-kind-private = Private
field-kind-private-text = By invitation only.
field-seats = Seats
field-seats-hint = At most { $max }.
field-closes-on = Closes on

# In front of a room
enter-owner = Host:
enter-full = { $n ->
    [one] The only seat is taken.
   *[other] All { $n } seats are taken.
}
enter-full-text = Come back when somebody has left, or join another room.
enter-again = Try again
enter-others = Open now
enter-invited = You are invited to this room.
enter-ask = You are not in this room yet.

# Room settings
settings-heading = Settings of { $name }
settings-back = Back to the room
settings-room = The room
settings-time = Time
settings-closes = Closes on
settings-renew = Keep for the full time again
settings-no-renew = The host can keep a room for longer on its last day.
settings-invite = Invite
settings-invite-text = Only people you invite can see this room.
settings-invite-go = Invite
settings-invited = Invited, not here yet
settings-uninvite = Withdraw
settings-uninvite-name = Withdraw the invitation of { $name }
settings-people = People
settings-nobody = Nobody has joined yet.
settings-more = Change
settings-more-name = Change { $name }
settings-more-text = Somebody you remove can only come back by invitation. A room you hand over is no longer yours.
settings-hand-over = Hand the room over
settings-remove = Remove from the room
settings-close = Close the room
settings-close-text = The room and its messages are deleted for everybody, at once and for good.
settings-close-type = Type “{ $name }” to close it
settings-close-go = Close the room

# Accounts
register-heading = Create an account
register-have = Already have an account?
register-closed = This server does not take new accounts.
login-new = New here?
logout-heading = Log out?
logout-text = You are logged in as { $name }.
logout-done = You are logged out.

# First start
setup-heading = Set up your server
setup-text = You become its administrator. Everything here can be changed later.
setup-go = Set up the server
setup-done = This server is set up
setup-done-text = It has an administrator already. Log in to change anything.
setup-code = Enter the code
setup-code-text = That code is not right or was used. The server prints an address with the right one when it starts.
setup-code-label = One-time code
site-name = Name of the server
site-name-hint = What the people who use it call it.
site-hue = Colour

# Your settings
me-heading = Your settings
me-sections = Sections
me-profile = Profile
me-profile-text = How others see you.
me-colour = Colour
me-colour-n = Colour { $n }
me-appearance = Appearance
me-appearance-text = How the pages look on all your devices.
me-theme = Theme
me-theme-system = Like the device
me-theme-light = Light
me-theme-dark = Dark
me-density = Density
me-density-roomy = Roomy
me-density-roomy-text = With avatars.
me-density-compact = Compact
me-density-compact-text = One line for a message.
me-clock = Clock
me-clock-12 = 6:30 pm
me-clock-auto = As usual here
me-calm = Reduce motion
me-calm-text = Nothing moves by itself.
me-language = Language
me-language-text = The language of the pages. Messages stay as they were written.
me-language-label = Language
me-language-auto = Like the browser
me-keys = Keys
me-keys-text = What the keyboard does in a room.
me-send-key = Send a message with
me-send-enter = Enter
me-send-enter-text = Shift and Enter begin a new line.
me-send-ctrl = Ctrl and Enter
me-send-ctrl-text = Enter begins a new line.
me-single = Single-key shortcuts
me-single-text = R replies, E edits, and so on, outside of text fields.
me-password = Password
me-password-text = A new password logs you out everywhere else.
me-password-now = Current password
me-password-new = New password
me-password-go = Change the password
me-device-unknown = Unknown device
me-device-this = this device
me-device-since = Logged in
me-sign-out = Sign out
me-sign-out-name = Sign out { $name }
me-sign-out-others = Sign out all others
me-tokens = API tokens
me-tokens-text = A token lets a program do everything you can do. Make one for each program.
me-token-once = Copy the token now. It is not shown again.
me-token-new = New token
me-token-unnamed = Unnamed
me-token-since = Created
me-token-label = What is it for?
me-token-label-hint = So that you know later which one to revoke.
me-token-create = Create a token
me-token-revoke = Revoke
me-token-revoke-name = Revoke { $name }
me-delete-type = Type “{ $name }” to delete your account
me-delete-go = Delete the account

# Administration
admin-heading = Administration
admin-sections = Sections
admin-overview = Overview
admin-look = Look
admin-look-text = Name, colour and welcome of this server.
admin-welcome = Welcome line
admin-welcome-hint = The big line on the front page. Empty: “{ $text }”
admin-run-by = Who runs it
admin-run-by-hint = A sentence under the welcome, such as “Run by the Harbour Street co-op.”
admin-logo = Logo
admin-logo-now = The logo now
admin-logo-remove = Remove the logo
admin-logo-hint = A square picture.
admin-hue-hint = Text stays readable at every colour; the numbers below show it.
admin-contrast = Contrast, where 4.5 is needed
admin-contrast-pair = Text
admin-sample-hint = Thursday, 17:52
admin-sample-room = The current room
admin-sample-link = A link
admin-sample-button = A button
admin-css = Custom CSS
admin-css-hint = Applied last, in the layer “custom”.
admin-restore = Restore the first look
admin-restore-text = Name, colour, logo, lines and CSS go back to what they were at the beginning.
admin-restore-go = Restore
admin-people = People
admin-people-text = Suspended people cannot log in. Their messages stay.
admin-administrator = administrator
admin-suspended = suspended
admin-you = This is you
admin-promote = Promote
admin-demote = Demote
admin-suspend = Suspend
admin-activate = Reactivate
admin-rooms = Rooms
admin-rooms-text = Closing a room deletes it and its messages for everybody.
admin-close = Close
admin-close-name = Close { $name }
admin-pages = Pages
admin-previous = Previous
admin-next = Next
admin-limits = Limits
admin-limits-text = Set when the server starts; see the manual.

# Ended rooms
gone-heading = { $name } has closed
gone-when = It closed on
gone-expired = because its time was over.
gone-closed = because its host closed it.
gone-new = Open a new room

# Errors
error-again = Try again
error-home = Front page
error-retry = Try again in { $n ->
    [one] one second
   *[other] { $n } seconds
}.

# Numbers of the administration page
admin-overview-users = Accounts
admin-overview-rooms = Rooms
admin-overview-sockets = Connections
admin-overview-version = Version
admin-overview-engine = Database
admin-setting = Limit
admin-value = Value
admin-since = Since
admin-messages = { $n ->
    [one] 1 message
   *[other] { $n } messages
}
admin-page = Page { $page } of { $pages }
me-sessions = Devices
me-sessions-text = Where you are logged in.
me-delete = Delete the account
me-delete-text = Your messages go with you. Rooms that you host must be closed or handed over first.
me-delete-owned = You host:
