# 시간
js-left-soon = 곧 닫힘
js-left-minutes = { $n }분 남음
js-left-hours = { $n }시간 남음
js-left-days = { $n }일 남음

# 양식
js-form-required = 필수 항목입니다.
js-form-email = 올바른 이메일 주소를 입력해 주세요.
js-form-max = 최대 { $max }자까지 입력할 수 있습니다(지금 { $n }자).
js-form-number-min = { $min } 이상이어야 합니다.
js-form-number-max = { $max } 이하여야 합니다.
js-form-short = 비밀번호가 너무 짧습니다. { $min }자 이상이어야 합니다.
js-form-numeric = 비밀번호를 숫자만으로 만들 수 없습니다.
js-form-differ = 두 비밀번호가 서로 다릅니다.
js-form-exact = 보이는 그대로 입력해 주세요.
js-form-errors = { $n }개 항목을 다시 확인해 주세요
js-form-wait = 시도가 너무 많습니다. { $n }초 뒤에 다시 해 주세요.
js-form-go-on = 이제 다시 시도할 수 있습니다.
js-password-show = 비밀번호 보기
js-password-hide = 비밀번호 숨기기
js-form-offline = 서버에 연결할 수 없습니다. 다시 해 주세요.

# 목록과 설정
js-list-found = 방 { $n }개
js-seats-of = { $taken } / { $max }
