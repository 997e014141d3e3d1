## server

# Titles of pages.
title-landing = 환영합니다
title-register = 회원가입
title-create = 새 방
title-log-in = 로그인
title-log-out = 로그아웃

# What one page says on the next.
flash-account-made = 계정이 만들어졌습니다. 로그인해 주세요.
flash-logged-out = 로그아웃했습니다.

login-failed = 로그인하지 못했습니다.
register-log-in-instead = 로그인하기

# Pages for errors: a heading and a sentence each.
error-forged = 양식의 유효 시간이 지났습니다
error-forged-text = 뒤로 가서 페이지를 새로 고친 다음 다시 보내 주세요. 그래도 안 되면 이 사이트의 쿠키를 허용해 주세요.
error-forbidden = 허용되지 않습니다
error-forbidden-text = 이 작업을 할 수 없습니다.
error-not-found = 아무것도 없습니다
error-not-found-text = 그런 페이지가 없거나 볼 수 없는 페이지입니다.
error-method = 여기서는 할 수 없습니다
error-method-text = 이 페이지는 그렇게 사용할 수 없습니다.
error-gone = 이 채팅방은 닫혔습니다
error-gone-text = 시간이 다 되어 대화 내용도 사라졌습니다.
error-too-large = 너무 큽니다
error-too-large-text = 보낸 내용이 이 서버가 받을 수 있는 크기를 넘습니다.
error-too-slow = 너무 느립니다
error-too-slow-text = 양식이 제때 도착하지 않았습니다. 다시 보내 주세요.
error-unreadable = 읽을 수 없습니다
error-unreadable-text = 양식이 손상된 채 도착했습니다. 뒤로 가서 다시 보내 주세요.
error-invalid = 처리하지 못했습니다
error-invalid-text = 요청에 잘못된 점이 있습니다.
error-too-many = 시도가 너무 많습니다
error-too-many-text = 잠시 기다렸다가 다시 시도해 주세요.
error-unavailable = 잠시 후 돌아옵니다
error-unavailable-text = 서버가 바쁩니다. 잠시 후 다시 시도해 주세요.
error-no-space = 저장 공간이 없습니다
error-no-space-text = 이 서버에는 파일을 둘 공간이 더 없습니다. 글은 보낼 수 있습니다.
error-internal = 문제가 생겼습니다
error-internal-text = 서버의 잘못이며 기록해 두었습니다. 다시 시도해 보고, 또 일어나면 아래 번호를 서버 운영자에게 알려 주세요.

# How long a room still lasts.
time-left-days = { $n }일 남음
time-left-hours = { $n }시간 남음
time-left-minutes = { $n }분 남음
time-left-soon = 곧 닫힘

# Moments, in UTC until a script knows the reader's zone. Weekdays count from Monday, 1.
time-clock = { $clock }
time-day = { $month }월 { $day }일 { $weekday ->
    [1] 월요일
    [2] 화요일
    [3] 수요일
    [4] 목요일
    [5] 금요일
    [6] 토요일
   *[7] 일요일
}
time-date = { $year }년 { $month }월 { $day }일
time-datetime = { $year }년 { $month }월 { $day }일 { $clock } UTC

# Bad fields. The English texts are those of the API, so they are not written a second time.
problem-required = 필수 항목입니다.
problem-not-text = 올바른 글이 아닙니다.
problem-not-integer = 정수를 입력해 주세요.
problem-not-boolean = 예 또는 아니요여야 합니다.
problem-not-time = 날짜와 시간의 형식이 올바르지 않습니다.
problem-too-long = { $max }자까지 쓸 수 있습니다(지금 { $actual }자).
problem-too-small = { $min } 이상이어야 합니다.
problem-not-a-choice = "{ $given }"은(는) 고를 수 없는 값입니다.
problem-nul = 널 문자는 쓸 수 없습니다.
problem-username-taken = 이미 있는 사용자 이름입니다.
problem-username-characters = 사용자 이름에는 글자, 숫자, @/./+/-/_ 만 쓸 수 있습니다.
problem-nickname-taken = 이미 있는 닉네임입니다.
problem-email-taken = 이미 있는 이메일입니다.
problem-not-email = 올바른 이메일 주소를 입력해 주세요.
problem-room-name-taken = 같은 이름의 채팅방이 이미 있습니다.
problem-seats-above-limit = 자리는 { $limit }개까지 만들 수 있습니다.
problem-bad-end = 채팅방이 끝나는 때가 올바르지 않습니다.
problem-not-in-room = 이 채팅방에서 할 수 있는 일이 없습니다.
problem-no-such-key = 그런 항목이 없습니다.
problem-not-a-key = 항목의 번호가 아닙니다.
problem-no-such-choice = 고를 수 있는 값이 아닙니다.
problem-room-fixed = 메시지는 다른 채팅방으로 옮길 수 없습니다.
problem-empty-message = 메시지에는 글이나 파일이 있어야 합니다.
problem-not-an-object = 자료의 형식이 올바르지 않습니다.
problem-file-empty = 파일이 비어 있습니다.
problem-file-name-too-long = 파일 이름은 { $max }자까지 쓸 수 있습니다(지금 { $actual }자).
problem-too-many-files = 메시지 하나에 파일을 { $max }개까지 붙일 수 있습니다.
problem-file-gone = 이 파일은 더 이상 없습니다. 다시 올려 주세요.
problem-not-a-file = 파일이 아닙니다.
problem-password-too-short = 비밀번호가 너무 짧습니다. { $min }자 이상이어야 합니다.
problem-password-common = 너무 흔한 비밀번호입니다.
problem-password-numeric = 숫자로만 된 비밀번호입니다.
problem-password-similar = 비밀번호가 { $to ->
    [nickname] 닉네임
    [email-address] 이메일 주소
   *[username] 사용자 이름
}과(와) 너무 비슷합니다.
problem-password-mismatch = 두 비밀번호가 서로 다릅니다.
problem-not-emoji = 이모지가 아닙니다.
problem-not-a-logo = { $kib } KiB 이하의 PNG, JPEG, WebP 그림이 아닙니다.
problem-no-such-person = 그런 닉네임을 가진 사람이 없습니다.
problem-not-confirmed = 보이는 이름을 똑같이 입력해 주세요.
problem-wrong-password = 지금 쓰는 비밀번호가 아닙니다.

# Errors of no single field; the English texts are those of the API.
code-invalid = 입력이 올바르지 않습니다.
code-login-failed = 입력한 정보로 로그인할 수 없습니다.
code-room-full = 자리가 모두 찼습니다.
code-unauthenticated = 로그인이 필요합니다.
code-invalid-token = 토큰이 올바르지 않습니다.
code-owner-only = 방장만 할 수 있습니다.
code-admin-only = 이 서버의 관리자만 할 수 있습니다.
code-wrong-code = 올바르지 않은 코드입니다.
code-already-set-up = 이 서버에는 이미 관리자가 있습니다.
code-last-admin = 이 서버에는 관리자가 있어야 합니다.
code-too-many-reactions = 이 메시지에는 더 이상 다른 반응을 달 수 없습니다.
code-not-yours = 자기 계정만 바꿀 수 있습니다.
code-not-in-room = 이 채팅방에서 할 수 있는 일이 없습니다.
code-removed-from-room = 이 채팅방에서 내보내졌습니다. 방장이 초대해야 다시 들어올 수 있습니다.
code-sign-up-closed = 이 서버는 새 계정을 받지 않습니다.
code-not-found = 찾을 수 없습니다.
code-invalid-page = 그런 쪽이 없습니다.
code-owns-rooms = 이 계정이 방장인 채팅방이 있습니다. 먼저 닫거나 넘겨 주세요.
code-nonce-reused = 이미 다른 메시지에 쓴 번호입니다.
code-room-ended = 이 채팅방은 닫혔습니다.
code-too-large = 요청이 너무 큽니다.
code-file-too-large = 파일이 너무 큽니다.
code-file-infected = 이 파일은 거부되었습니다. 해로운 내용이 들어 있습니다.
code-too-many-uploads = 끝나지 않은 업로드가 너무 많습니다. 먼저 몇 개를 끝내거나 취소해 주세요.
code-quota-exceeded = 한 계정이 쓸 수 있는 파일 공간을 모두 썼습니다. 먼저 몇 개를 지워 주세요.
code-storage-full = 이 서버에는 파일을 둘 공간이 더 없습니다.
code-rate-limited = 요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.
code-busy = 서버가 바쁩니다. 잠시 후 다시 시도해 주세요.
code-unavailable = 잠시 서비스를 쓸 수 없습니다. 잠시 후 다시 시도해 주세요.
code-internal = 서버에 문제가 생겼습니다.
error-title = 오류
