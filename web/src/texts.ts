import { chatEnglish, chatKorean } from "./chat/texts";
import { guestEnglish, guestKorean } from "./guests/texts";

/** Every word the page says, in each language it speaks. `{…}` is filled in. */
const english = {
  ...chatEnglish,
  ...guestEnglish,
  title: "Pixel Streaming",
  scene: "Scene. Mouse, touch and keyboard go to it.",
  controls: "Player controls",

  connecting: "Connecting",
  waiting: "Waiting for a scene",
  waitingHint:
    "None is running on this server yet. It starts by itself as soon as one is there.",
  waitingFor: "Waiting for {name}",
  waitingForHint: "It is not running at the moment. It starts by itself as soon as it is back.",
  waitingRefused: "{name} has no place for you yet",
  waitingRefusedHint: "The server says: {problem}. The next attempt follows by itself.",
  otherStreamers: "Running now",
  choosing: "Choose a scene",
  choosingHint: "More than one is running.",
  queued: "You are number {position} in line",
  queuedNext: "You are next",
  queuedOf: "{length} visitors are waiting.",
  queuedUnknown: "A place becomes free when somebody leaves.",
  queuedSoon: "Probably less than a minute.",
  queuedMinutes: "Probably about {minutes} min.",
  queuedHint: "Keep this page open: it starts by itself.",
  starting: "Starting {name}",
  blocked: "Ready to play",
  blockedHint: "Your browser asks for a click first.",
  play: "Play",

  reconnecting: "Back in a moment",
  retryIn: "Next attempt in {seconds} s",
  retryNow: "Try now",
  lostConnection: "The connection to the server is lost.",
  lostNoAnswer: "The server does not answer.",
  lostRestart: "The server is restarting.",
  lostOverload: "The server is busy.",
  lostServerError: "The server had a fault.",
  lostStreamer: "The scene was closed or restarted.",
  lostRemoved: "The scene closed the connection.",
  lostFull: "Too many visitors are waiting already.",
  lostRate: "Too much was sent in a short time.",
  lostMedia: "The connection to the scene is lost.",
  lostNoPicture:
    "The scene answers, but no picture comes through. A firewall may block it; then the operator needs a TURN server.",

  endedTitle: "The session has ended",
  ended: "The server ended it.",
  endedRefused: "The server did not accept what this page sent.",
  endedKicked: "The scene ended it.",
  endedDuration: "Your time is used up.",
  endedIdle: "There was no input for a while.",
  endedTaken: "It goes on in another window or was given back.",
  endedReleased: "It was given back.",
  endedOperator: "An operator ended it.",
  endedUnused: "The place was kept for a while, then given to the next visitor.",
  endedOver: "This link belongs to a session that is over.",
  endedElsewhere: "You have a session in another window.",
  endedToken: "Your access has expired. Open the page anew from where you came.",
  endedDetail: "Reason: {reason}",
  joinAgain: "Join again",

  endingDuration: "Your session ends soon.",
  endingIdle: "Are you still there? Move the mouse or press a key.",
  endingIn: "{seconds} s",

  stalled: "The picture has stopped. Waiting for the scene…",
  soundBlocked: "Click for sound",

  fullscreen: "Full screen",
  fullscreenLeave: "Leave full screen",
  mute: "Sound off",
  unmute: "Sound on",
  volume: "Volume",
  statistics: "Statistics",
  settings: "Settings",
  streamer: "Scene: {name}",
  close: "Close",

  resolution: "Resolution",
  frameRate: "Frame rate",
  bitrate: "Bitrate",
  roundTrip: "Round trip",
  jitter: "Jitter",
  packetLoss: "Packet loss",
  codec: "Codec",
  qp: "Quantiser (QP)",
  dropped: "Frames dropped",
  freezes: "Freezes",
  route: "Route",
  routeDirect: "direct",
  routeRelay: "relayed",
  gradeGood: "Connection: good",
  gradeFair: "Connection: fair",
  gradePoor: "Connection: poor",

  lockMouse: "Lock the mouse to the scene",
  lockMouseHint: "For looking around. Esc frees it.",
  captureKeys: "Give all keys to the scene",
  captureKeysHint: "Tab and F1 to F12 too, and Esc in full screen.",
  touchAsMouse: "Touch works as a mouse",
  touchAsMouseHint: "For scenes that know no touch.",
  matchSize: "Fit the picture to this window",
  matchSizeHint: "Asks the scene to render at this size.",
  microphone: "Microphone",
  microphoneHint: "Sends your voice to the scene.",
  microphoneDenied: "The browser does not allow the microphone.",

  textEntry: "Text for the scene",
  send: "Send",
  cancel: "Cancel",
  panel: "Side panel",
};

export type TextKey = keyof typeof english;
type Texts = Readonly<Record<TextKey, string>>;

const korean: Texts = {
  ...chatKorean,
  ...guestKorean,
  title: "픽셀 스트리밍",
  scene: "장면입니다. 마우스, 터치, 키보드 입력이 전달됩니다.",
  controls: "재생 컨트롤",

  connecting: "연결하는 중",
  waiting: "장면을 기다리는 중",
  waitingHint: "아직 실행 중인 장면이 없습니다. 준비되면 자동으로 시작됩니다.",
  waitingFor: "{name} 기다리는 중",
  waitingForHint: "지금은 실행되고 있지 않습니다. 다시 켜지면 자동으로 시작됩니다.",
  waitingRefused: "{name}에 아직 자리가 없습니다",
  waitingRefusedHint: "서버 메시지: {problem}. 자동으로 다시 시도합니다.",
  otherStreamers: "지금 실행 중",
  choosing: "장면을 선택하세요",
  choosingHint: "여러 장면이 실행 중입니다.",
  queued: "대기 순서 {position}번입니다",
  queuedNext: "다음 차례입니다",
  queuedOf: "모두 {length}명이 기다리고 있습니다.",
  queuedUnknown: "자리가 나는 대로 이어집니다.",
  queuedSoon: "1분 이내로 예상됩니다.",
  queuedMinutes: "약 {minutes}분 후로 예상됩니다.",
  queuedHint: "이 페이지를 열어 두시면 자동으로 시작됩니다.",
  starting: "{name} 시작하는 중",
  blocked: "재생할 준비가 되었습니다",
  blockedHint: "브라우저 정책에 따라 한 번 눌러야 시작됩니다.",
  play: "재생",

  reconnecting: "곧 다시 연결됩니다",
  retryIn: "{seconds}초 후 다시 시도",
  retryNow: "지금 시도",
  lostConnection: "서버와의 연결이 끊어졌습니다.",
  lostNoAnswer: "서버가 응답하지 않습니다.",
  lostRestart: "서버를 다시 시작하고 있습니다.",
  lostOverload: "서버가 혼잡합니다.",
  lostServerError: "서버에 오류가 있었습니다.",
  lostStreamer: "장면이 종료되었거나 다시 시작되었습니다.",
  lostRemoved: "장면에서 연결을 끊었습니다.",
  lostFull: "이미 많은 분이 기다리고 있습니다.",
  lostRate: "짧은 시간에 너무 많은 요청을 보냈습니다.",
  lostMedia: "장면과의 연결이 끊어졌습니다.",
  lostNoPicture:
    "장면은 응답하지만 영상이 오지 않습니다. 방화벽 때문이라면 운영자가 TURN 서버를 설정해야 합니다.",

  endedTitle: "세션이 종료되었습니다",
  ended: "서버가 세션을 종료했습니다.",
  endedRefused: "서버가 이 페이지의 메시지를 받아들이지 않았습니다.",
  endedKicked: "장면에서 연결을 종료했습니다.",
  endedDuration: "이용 시간이 끝났습니다.",
  endedIdle: "한동안 입력이 없었습니다.",
  endedTaken: "다른 창에서 이어지고 있거나 반납되었습니다.",
  endedReleased: "세션이 반납되었습니다.",
  endedOperator: "운영자가 세션을 종료했습니다.",
  endedUnused: "잠시 비워 둔 자리가 다음 방문자에게 넘어갔습니다.",
  endedOver: "이 링크의 세션은 이미 끝났습니다.",
  endedElsewhere: "다른 창에서 세션을 이용하고 있습니다.",
  endedToken: "접속 권한이 만료되었습니다. 처음 들어온 곳에서 다시 열어 주세요.",
  endedDetail: "사유: {reason}",
  joinAgain: "다시 참여",

  endingDuration: "곧 세션이 종료됩니다.",
  endingIdle: "계속 보고 계신가요? 마우스를 움직이거나 키를 눌러 주세요.",
  endingIn: "{seconds}초",

  stalled: "영상이 멈췄습니다. 장면을 기다리는 중…",
  soundBlocked: "눌러서 소리 켜기",

  fullscreen: "전체 화면",
  fullscreenLeave: "전체 화면 나가기",
  mute: "소리 끄기",
  unmute: "소리 켜기",
  volume: "음량",
  statistics: "통계",
  settings: "설정",
  streamer: "장면: {name}",
  close: "닫기",

  resolution: "해상도",
  frameRate: "프레임 속도",
  bitrate: "비트레이트",
  roundTrip: "왕복 지연",
  jitter: "지터",
  packetLoss: "패킷 손실",
  codec: "코덱",
  qp: "양자화(QP)",
  dropped: "버린 프레임",
  freezes: "멈춤 횟수",
  route: "경로",
  routeDirect: "직접",
  routeRelay: "중계",
  gradeGood: "연결 상태: 좋음",
  gradeFair: "연결 상태: 보통",
  gradePoor: "연결 상태: 나쁨",

  lockMouse: "마우스를 장면에 고정",
  lockMouseHint: "둘러볼 때 사용합니다. Esc로 해제합니다.",
  captureKeys: "모든 키를 장면에 전달",
  captureKeysHint: "Tab과 F1~F12, 전체 화면에서는 Esc까지 전달합니다.",
  touchAsMouse: "터치를 마우스로 사용",
  touchAsMouseHint: "터치를 지원하지 않는 장면에 사용합니다.",
  matchSize: "화면 크기에 맞추기",
  matchSizeHint: "이 창의 크기로 렌더링하도록 요청합니다.",
  microphone: "마이크",
  microphoneHint: "내 목소리를 장면으로 보냅니다.",
  microphoneDenied: "브라우저가 마이크 사용을 허용하지 않습니다.",

  textEntry: "장면에 입력할 텍스트",
  send: "보내기",
  cancel: "취소",
  panel: "사이드 패널",
};

export type Language = "en" | "ko";
const LANGUAGES: Readonly<Record<Language, Texts>> = { en: english, ko: korean };

/** The first of the browser's languages that the page speaks, else English. */
export function languageOf(preferred: readonly string[]): Language {
  const spoken = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return (spoken.find((tag) => tag === "en" || tag === "ko") as Language | undefined) ?? "en";
}

/** Looks up a text and fills in its `{…}`. */
export type Translate = (
  key: TextKey,
  values?: Readonly<Record<string, string | number>>,
) => string;

export function translator(language: Language): Translate {
  const texts = LANGUAGES[language];
  return (key, values = {}) =>
    texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** All texts, for the test that both languages say the same things. */
export const ALL_TEXTS = LANGUAGES;
