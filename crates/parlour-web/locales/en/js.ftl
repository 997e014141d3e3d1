# Times
js-left-soon = closing now
js-left-minutes = { $n ->
    [one] 1 minute left
   *[other] { $n } minutes left
}
js-left-hours = { $n ->
    [one] 1 hour left
   *[other] { $n } hours left
}
js-left-days = { $n ->
    [one] 1 day left
   *[other] { $n } days left
}

# Forms
js-form-required = This field is required.
js-form-email = Enter a valid email address.
js-form-max = { $max ->
    [one] Ensure this value has at most 1 character (it has { $n }).
   *[other] Ensure this value has at most { $max } characters (it has { $n }).
}
js-form-number-min = Ensure this value is greater than or equal to { $min }.
js-form-number-max = Ensure this value is less than or equal to { $max }.
js-form-short = This password is too short. It must contain at least { $min } characters.
js-form-numeric = This password is entirely numeric.
js-form-differ = The two password fields didn't match.
js-form-exact = Type it exactly as shown.
js-form-errors = { $n ->
    [one] One thing needs another look
   *[other] { $n } things need another look
}
js-form-wait = { $n ->
    [one] Too many tries. Wait one second.
   *[other] Too many tries. Wait { $n } seconds.
}
js-form-go-on = You can try again now.
js-password-show = Show the password
js-password-hide = Hide the password
js-form-offline = The server cannot be reached. Try again.

# Lists and settings
js-list-found = { $n ->
    [one] 1 room
   *[other] { $n } rooms
}
js-seats-of = { $taken } of { $max }
