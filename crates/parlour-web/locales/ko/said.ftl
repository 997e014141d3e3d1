# 양식을 보낸 뒤 한 번 보이는 말.
flash-left = 방에서 나왔습니다.
flash-saved = 저장했습니다.
flash-renewed = 방의 기간을 처음부터 다시 시작했습니다.
flash-invited = 초대했습니다.
flash-removed = 방에서 내보냈습니다.
flash-handed-over = 방장이 바뀌었습니다.
flash-closed = 방을 닫았습니다.
flash-signed-out = 그 기기에서 로그아웃했습니다.
flash-signed-out-others = 다른 모든 곳에서 로그아웃했습니다.
flash-revoked = 토큰을 폐기했습니다.
flash-password = 비밀번호를 바꿨습니다. 다른 세션과 토큰은 모두 끝났습니다.
flash-deleted = 계정을 삭제했습니다.
flash-restored = 기본 모양으로 되돌렸습니다.
flash-suspended = 계정을 정지했습니다. 모든 곳에서 로그아웃됩니다.
flash-activated = 계정을 다시 활성화했습니다.
flash-promoted = 이제 관리자입니다.
flash-demoted = 더 이상 관리자가 아닙니다.
flash-set-up = 서버가 준비되었습니다. 첫 방을 만들어 보세요.

# 페이지 제목.
title-rooms = 방 목록
title-room-enter = 자리에 앉기
title-me = 내 설정
title-admin = 관리
title-setup = 서버 설정
title-gone = 닫힘

# 관리 페이지.
limit-none = 제한 없음
limit-yes = 켜짐
limit-no = 꺼짐
limit-max-users = 방의 최대 자리 수
limit-default-users = 정하지 않은 방의 자리 수
limit-lifetime = 방이 열려 있는 날 수
limit-text = 메시지의 글자 수
limit-sign-up = 누구나 계정 만들기
limit-rates = 속도 제한
contrast-ink = 본문
contrast-hint = 마우스를 올렸을 때의 보조 글자
contrast-link = 링크
contrast-button = 버튼
