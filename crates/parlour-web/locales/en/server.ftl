## server

# Titles of pages.
title-landing = Welcome
title-create = New room
title-register = Create an account
title-log-in = Log in
title-log-out = Log out

# What one page says on the next.
flash-account-made = Your account is ready. Log in to begin.
flash-logged-out = You are logged out.

login-failed = Login failed.
register-log-in-instead = Log in instead

# Pages for errors: a heading and a sentence each.
error-title = Error
error-forged = This form has expired
error-forged-text = Go back, reload the page and send the form again. If that does not help, allow cookies for this site.
error-forbidden = Not allowed
error-forbidden-text = You may not do that.
error-not-found = Nothing here
error-not-found-text = There is no such page, or it is not for you.
error-method = That does not work here
error-method-text = This page cannot be used that way.
error-gone = This room has closed
error-gone-text = Its time is over, and what was said in it is gone.
error-too-large = Too much at once
error-too-large-text = What was sent is larger than this server takes.
error-too-slow = Too slow
error-too-slow-text = The form did not arrive in time. Send it again.
error-unreadable = Not readable
error-unreadable-text = The form arrived damaged. Go back and send it again.
error-invalid = That did not work
error-invalid-text = Something in the request is wrong.
error-too-many = Too many tries
error-too-many-text = Wait a little, then try again.
error-unavailable = Back in a moment
error-unavailable-text = The server is busy. Try again shortly.
error-no-space = No space left
error-no-space-text = This server has no more space for files. Text can still be sent.
error-internal = Something went wrong
error-internal-text = It is our fault, and it is written down. Try again; if it happens again, tell the people who run this server the number below.

# How long a room still lasts.
time-left-days = { $n ->
    [one] { $n } day left
   *[other] { $n } days left
}
time-left-hours = { $n ->
    [one] { $n } hour left
   *[other] { $n } hours left
}
time-left-minutes = { $n ->
    [one] { $n } minute left
   *[other] { $n } minutes left
}
time-left-soon = closing now

# Moments, in UTC until a script knows the reader's zone. Weekdays count from Monday, 1.
time-clock = { $clock }
time-day = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}, { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
time-date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
time-datetime = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }, { $clock } UTC
