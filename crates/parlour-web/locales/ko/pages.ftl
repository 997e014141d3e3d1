# 공통
skip-main = 본문으로 건너뛰기
skip-open = 열린 방으로 건너뛰기
nav-main = 주 메뉴
nav-list = 채팅 목록
nav-api = API
nav-admin = 관리
register = 회원가입
log-in = 로그인
log-out = 로그아웃
save = 저장
cancel = 취소
close = 닫기
copy = 복사
create = 만들기
create-new = 새 방 만들기
create-heading = 새 방 만들기
host = 방장
email = 이메일
nickname = 닉네임
nickname-hint = 다른 사람에게 보이는 이름입니다.
password = 비밀번호
password-again = 비밀번호 확인
password-hint = 8자 이상, 숫자만으로는 안 됩니다.
form-optional = 선택
form-errors = { $n }개 항목을 다시 확인해 주세요
form-wait = 시도가 너무 많습니다. { $n }초 뒤에 다시 해 주세요.

# 첫 화면
landing-welcome = 편히 앉으세요.
landing-lead = { $name } 사람들이 이야기하는 곳입니다. 열린 방에 들어가거나 새 방을 만들어 보세요.
landing-life =
    { $n ->
        [7] 방은 일주일 동안 열려 있다가 다음 이야기에 자리를 내줍니다.
       *[other] 방은 { $n }일 동안 열려 있다가 다음 이야기에 자리를 내줍니다.
    }
landing-register = 회원가입
landing-last = 돌아가기: { $name }
landing-open = 지금 열린 방
landing-all = 방 { $n }개 모두 보기
landing-none = 열린 방이 없습니다. 첫 번째 방을 만들어 보세요.
fact-wick = 방은 { $n }일 동안 열립니다
fact-wick-text = 방 아래의 선은 시간이 얼마나 남았는지 보여 줍니다.
fact-private = 비공개 방은 보이지 않습니다
fact-private-text = 초대받은 사람만 들어옵니다. 다른 사람에게는 없는 방입니다.
fact-api = 이어서 만들 수 있습니다
fact-api-text = REST와 WebSocket으로 무엇이든 이어 보세요.
fact-api-link = API 문서 보기

# 방 목록
rooms-yours = 내 방
rooms-private = 비공개 방
rooms-private-room = 비공개:
rooms-unread = 안 읽음
rooms-mentions = 나를 부른 메시지:
rooms-none-yours = 들어간 방이 여기에 나타납니다.
rooms-none = 아직 아무것도 없습니다. 지금 이야기하고 싶은 것으로 방을 만들어 보세요.
rooms-no-match = 맞는 방이 없습니다.
rooms-filter = 방 찾기
rooms-caption = 들어갈 수 있는 모든 방, 최신순
col-number = 번호
col-title = 제목
col-people = 참여자
col-created = 만든 때
col-owner = 방장
col-topic = 주제
col-seats = 자리
col-left = 남은 시간
seats-of = { $taken } / { $max }
seats-taken = 자리 참
take-seat = 자리에 앉기

# 새 방
field-title = 제목
field-topic = 주제
field-topic-hint = 무엇에 대한 방인지 한 줄로 적어 주세요.
field-kind = 들어올 수 있는 사람
field-kind-open = 공개
field-kind-open-text = 계정이 있는 누구나 들어옵니다.
field-kind-private = 비공개
field-kind-private-text = 초대받은 사람만 들어옵니다.
field-seats = 자리 수
field-seats-hint = 최대 { $max }개입니다.
field-closes-on = 닫히는 날:

# 방 앞
enter-owner = 방장:
enter-full = 자리 { $n }개가 모두 찼습니다.
enter-full-text = 누군가 나간 뒤에 다시 오거나 다른 방에 들어가 보세요.
enter-again = 다시 시도
enter-others = 지금 열린 방
enter-invited = 이 방에 초대받았습니다.
enter-ask = 아직 이 방에 들어오지 않았습니다.

# 방 설정
settings-heading = 방 설정: { $name }
settings-back = 방으로 돌아가기
settings-room = 방
settings-time = 시간
settings-closes = 닫히는 때:
settings-renew = 처음 기간만큼 다시 열어 두기
settings-no-renew = 마지막 날에 방장이 더 열어 둘 수 있습니다.
settings-invite = 초대
settings-invite-text = 초대받은 사람만 이 방을 볼 수 있습니다.
settings-invite-go = 초대
settings-invited = 초대받고 아직 오지 않은 사람
settings-uninvite = 초대 취소
settings-uninvite-name = { $name } 님 초대 취소
settings-people = 사람들
settings-nobody = 아직 들어온 사람이 없습니다.
settings-more = 변경
settings-more-name = { $name } 님 변경
settings-more-text = 내보낸 사람은 초대를 받아야 다시 들어올 수 있습니다. 넘겨준 방은 더 이상 내 방이 아닙니다.
settings-hand-over = 방 넘겨주기
settings-remove = 방에서 내보내기
settings-close = 방 닫기
settings-close-text = 방과 메시지가 모두에게서 바로, 영원히 지워집니다.
settings-close-type = 닫으려면 “{ $name }” 입력
settings-close-go = 방 닫기

# 계정
register-heading = 회원가입
register-have = 이미 계정이 있나요?
register-closed = 이 서버는 새 계정을 받지 않습니다.
login-new = 처음 오셨나요?
logout-heading = 로그아웃할까요?
logout-text = { $name } 님으로 로그인되어 있습니다.
logout-done = 로그아웃했습니다.

# 처음 설정
setup-heading = 서버 처음 설정
setup-text = 이 서버의 관리자가 됩니다. 여기 있는 것은 나중에 모두 바꿀 수 있습니다.
setup-go = 서버 설정하기
setup-done = 이미 설정된 서버입니다
setup-done-text = 관리자가 있습니다. 바꾸려면 로그인해 주세요.
setup-code = 코드 입력
setup-code-text = 코드가 맞지 않거나 이미 쓰였습니다. 서버가 시작할 때 맞는 코드가 든 주소를 출력합니다.
setup-code-label = 일회용 코드
site-name = 서버 이름
site-name-hint = 쓰는 사람들이 부르는 이름입니다.
site-hue = 색

# 내 설정
me-heading = 내 설정
me-sections = 항목
me-profile = 프로필
me-profile-text = 다른 사람에게 보이는 모습입니다.
me-colour = 색
me-colour-n = 색 { $n }
me-appearance = 화면
me-appearance-text = 내 모든 기기에서 보이는 모습입니다.
me-theme = 테마
me-theme-system = 기기와 같게
me-theme-light = 밝게
me-theme-dark = 어둡게
me-density = 간격
me-density-roomy = 넉넉하게
me-density-roomy-text = 아바타를 보여 줍니다.
me-density-compact = 촘촘하게
me-density-compact-text = 메시지를 한 줄로 보여 줍니다.
me-clock = 시계
me-clock-12 = 오후 6:30
me-clock-auto = 이곳의 방식대로
me-calm = 움직임 줄이기
me-calm-text = 아무것도 저절로 움직이지 않습니다.
me-language = 언어
me-language-text = 화면의 언어입니다. 메시지는 쓰인 그대로 보입니다.
me-language-label = 언어
me-language-auto = 브라우저와 같게
me-keys = 키보드
me-keys-text = 방에서 키보드가 하는 일입니다.
me-send-key = 메시지를 보내는 키
me-send-enter = Enter
me-send-enter-text = Shift와 Enter를 함께 누르면 줄을 바꿉니다.
me-send-ctrl = Ctrl과 Enter
me-send-ctrl-text = Enter만 누르면 줄을 바꿉니다.
me-single = 한 글자 단축키
me-single-text = 입력란 밖에서 R은 답장, E는 고치기 등입니다.
me-password = 비밀번호
me-password-text = 비밀번호를 바꾸면 다른 모든 곳에서 로그아웃됩니다.
me-password-now = 지금 비밀번호
me-password-new = 새 비밀번호
me-password-go = 비밀번호 바꾸기
me-device-unknown = 알 수 없는 기기
me-device-this = 이 기기
me-device-since = 로그인한 때:
me-sign-out = 로그아웃
me-sign-out-name = 로그아웃: { $name }
me-sign-out-others = 다른 기기 모두 로그아웃
me-tokens = API 토큰
me-tokens-text = 토큰이 있으면 프로그램이 나를 대신해 무엇이든 할 수 있습니다. 프로그램마다 하나씩 만드세요.
me-token-once = 지금 토큰을 복사하세요. 다시 보여 주지 않습니다.
me-token-new = 새 토큰
me-token-unnamed = 이름 없음
me-token-since = 만든 때:
me-token-label = 어디에 쓰나요?
me-token-label-hint = 나중에 어떤 것을 취소할지 알 수 있습니다.
me-token-create = 토큰 만들기
me-token-revoke = 취소
me-token-revoke-name = 토큰 취소: { $name }
me-delete-type = 계정을 삭제하려면 “{ $name }” 입력
me-delete-go = 계정 삭제

# 관리
admin-heading = 관리
admin-sections = 항목
admin-overview = 한눈에 보기
admin-look = 모양
admin-look-text = 이 서버의 이름과 색, 인사말입니다.
admin-welcome = 인사말
admin-welcome-hint = 첫 화면의 큰 글입니다. 비우면 “{ $text }”
admin-run-by = 운영하는 사람
admin-run-by-hint = 인사말 아래의 한 문장입니다. 예: “하버 스트리트 협동조합이 운영합니다.”
admin-logo = 로고
admin-logo-now = 지금 로고
admin-logo-remove = 로고 지우기
admin-logo-hint = 정사각형 그림이 좋습니다.
admin-hue-hint = 어떤 색에서도 글이 잘 읽힙니다. 아래 숫자가 보여 줍니다.
admin-contrast = 대비, 4.5 이상이어야 합니다
admin-contrast-pair = 글
admin-sample-hint = 목요일 17:52
admin-sample-room = 지금 방
admin-sample-link = 링크
admin-sample-button = 버튼
admin-css = 사용자 CSS
admin-css-hint = “custom” 레이어로 마지막에 적용됩니다.
admin-restore = 처음 모양으로 되돌리기
admin-restore-text = 이름, 색, 로고, 글, CSS가 처음 상태로 돌아갑니다.
admin-restore-go = 되돌리기
admin-people = 사람들
admin-people-text = 정지된 사람은 로그인할 수 없습니다. 메시지는 남습니다.
admin-administrator = 관리자
admin-suspended = 정지됨
admin-you = 나
admin-promote = 관리자로 올리기
admin-demote = 관리자에서 내리기
admin-suspend = 정지
admin-activate = 정지 해제
admin-rooms = 방
admin-rooms-text = 방을 닫으면 방과 메시지가 모두에게서 지워집니다.
admin-close = 닫기
admin-close-name = 방 닫기: { $name }
admin-pages = 쪽
admin-previous = 이전
admin-next = 다음
admin-limits = 한도
admin-limits-text = 서버를 시작할 때 정합니다. 설명서를 보세요.

# 닫힌 방
gone-heading = 닫힌 방입니다: { $name }
gone-when = 닫힌 때:
gone-expired = (정해진 기간이 끝남)
gone-closed = (방장이 닫음)
gone-new = 새 방 열기

# 오류
error-again = 다시 시도
error-home = 첫 화면
error-retry = { $n }초 뒤에 다시 해 주세요.

# 관리 화면의 숫자
admin-overview-users = 계정
admin-overview-rooms = 방
admin-overview-sockets = 연결
admin-overview-version = 버전
admin-overview-engine = 데이터베이스
admin-setting = 한도
admin-value = 값
admin-since = 가입:
admin-messages = 메시지 { $n }개
admin-page = { $page } / { $pages } 쪽
me-sessions = 기기
me-sessions-text = 로그인한 곳입니다.
me-delete = 계정 삭제
me-delete-text = 내가 쓴 메시지도 함께 지워집니다. 내가 방장인 방은 먼저 닫거나 넘겨줘야 합니다.
me-delete-owned = 내가 방장인 방:
