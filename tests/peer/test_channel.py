"""What the synthetic Unreal Engine does with each message of a player."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.peer import channel_messages as m
from signalling.peer.channel import FULL_SCALE, MAX_FILLER, ChannelSession
from signalling.peer.datachannel import FROM_STREAMER, TO_STREAMER
from signalling.peer.scene import Pointer, Product, SceneState, Size
from signalling.peer.stage import Stage
from signalling.peer.tracks import SILENCE, Heard, VideoFormat


@dataclass
class Camera:
    """Holds the format."""

    video: VideoFormat = field(default_factory=lambda: VideoFormat(Size(640, 360), 30))


@dataclass
class Media:
    """Remembers what it was asked."""

    asked: list[str] = field(default_factory=list)
    sound: Heard = SILENCE

    def request_key_frame(self) -> None:
        """Remember."""
        self.asked.append("key frame")

    def play(self, *, playing: bool) -> None:
        """Remember."""
        self.asked.append("play" if playing else "stop")

    def heard(self) -> Heard:
        """Return what the test set."""
        return self.sound


class Player:
    """A player at an open channel, and what it was sent."""

    def __init__(self, stage: Stage, name: str = "Player0") -> None:
        self.stage = stage
        self.media = Media()
        self.raw: list[bytes] = []
        times = iter(range(100, 100_000))
        self.session = ChannelSession(
            name,
            stage=stage,
            media=self.media,
            send=self.raw.append,
            wall_clock=lambda: next(times) / 1000,
        )
        self.session.open()
        self.opening = self.taken()

    def taken(self) -> list[m.Message]:
        """Return what came since the last time."""
        messages, self.raw[:] = [FROM_STREAMER.parse(data) for data in self.raw], []
        return messages

    def says(self, message: m.Message) -> list[m.Message]:
        """Send *message*; return the answers."""
        self.session.receive(TO_STREAMER.serialise(message))
        return self.taken()

    def interacts(self, **descriptor: Any) -> dict[str, Any]:
        """Send a descriptor; return the Response as JSON."""
        (answer,) = self.says(m.UIInteraction(text=orjson.dumps(descriptor).decode()))
        assert isinstance(answer, m.Response)
        return dict(orjson.loads(answer.text))

    def commands(self, command: str) -> dict[str, Any]:
        """Send a console command; return the Response as JSON."""
        text = orjson.dumps({"ConsoleCommand": command}).decode()
        (answer,) = self.says(m.Command(text=text))
        assert isinstance(answer, m.Response)
        return dict(orjson.loads(answer.text))


@pytest.fixture
def stage() -> Stage:
    """Return a stage that refuses commands."""
    return Stage(scene=SceneState("Kiosk"), camera=Camera())


@pytest.fixture
def player(stage: Stage) -> Player:
    """Return the first player."""
    return Player(stage)


def test_opening_says_protocol_settings_and_ownership(player: Player) -> None:
    """As UE: both directions of the protocol, then the rest."""
    to, from_, settings, ownership = player.opening
    assert isinstance(to, m.Protocol)
    assert orjson.loads(to.text)["Direction"] == 0
    assert isinstance(from_, m.Protocol)
    assert orjson.loads(from_.text)["Direction"] == 1
    assert isinstance(settings, m.InitialSettings)
    parsed = orjson.loads(settings.text)
    assert parsed["PixelStreaming"]["AllowPixelStreamingCommands"] is False
    assert parsed["WebRTC"]["FPS"] == 30
    assert ownership == m.QualityControlOwnership(owned=True)


def test_quality_control_moves_and_is_inherited(stage: Stage, player: Player) -> None:
    """The first has it, the asking one takes it, the next in line inherits it."""
    second = Player(stage, "Player1")
    assert second.opening[-1] == m.QualityControlOwnership(owned=False)
    assert second.says(m.RequestQualityControl()) == [m.QualityControlOwnership(owned=True)]
    assert player.taken() == [m.QualityControlOwnership(owned=False)]
    second.session.close()
    assert player.taken() == [m.QualityControlOwnership(owned=True)]


def test_settings_are_sent_again_when_asked_for(player: Player) -> None:
    """One InitialSettings."""
    (settings,) = player.says(m.RequestInitialSettings())
    assert isinstance(settings, m.InitialSettings)


def test_the_media_is_asked(player: Player) -> None:
    """Key frame, stop, and start with a key frame."""
    for message in (m.IFrameRequest(), m.StopStreaming(), m.StartStreaming()):
        assert player.says(message) == []
    assert player.media.asked == ["key frame", "stop", "play", "key frame"]


def test_a_latency_test_is_answered_with_times(player: Player) -> None:
    """Milliseconds of this side's clock, receipt before transmission."""
    (answer,) = player.says(m.LatencyTest(text='{"StartTime":1}'))
    assert isinstance(answer, m.LatencyTest)
    times = orjson.loads(answer.text)
    assert times["ReceiptTimeMs"] < times["TransmissionTimeMs"]


def test_an_echo_comes_back(player: Player) -> None:
    """With and without text."""
    assert player.says(m.TestEcho(text="한글")) == [m.TestEcho(text="한글")]
    assert player.says(m.TestEcho()) == [m.TestEcho()]


@pytest.mark.parametrize(
    ("asked", "filler"), [(0, 0), (16, 16), (10**9, MAX_FILLER), (-1, 0), ("a", 0), (None, 0)]
)
def test_a_channel_latency_test_is_answered(player: Player, asked: Any, filler: int) -> None:
    """Same Seq, as much filler as asked for up to a bound."""
    text = orjson.dumps({"Seq": 3, "FillResponseSize": asked}).decode()
    (answer,) = player.says(m.DataChannelLatencyTest(text=text))
    assert isinstance(answer, m.DataChannelLatencyTest)
    fields = orjson.loads(answer.text)
    assert (fields["Seq"], len(fields["Filler"])) == (3, filler)
    assert fields["ReceivedTimestamp"] < fields["SentTimestamp"]


@pytest.mark.parametrize("under", [None, "arguments"], ids=["flat", "under arguments"])
def test_a_shown_product_is_drawn_and_acknowledged(
    stage: Stage, player: Player, under: str | None
) -> None:
    """By the name it came with."""
    product = {"ueAsset": "/Game/Chairs/Oslo", "name": "오슬로"}
    descriptor = {under: product} if under else product
    answer = player.interacts(action="showProduct", **descriptor)
    assert answer == {"type": "showProduct", "accepted": True, **product}
    assert stage.scene.product == Product("오슬로", "/Game/Chairs/Oslo")
    assert "showProduct" in stage.scene.last_descriptor


def test_a_product_without_name_is_called_by_its_asset(player: Player) -> None:
    """The last part of the path."""
    answer = player.interacts(type="showProduct", ueAsset="/Game/Chairs/Oslo")
    assert answer["name"] == "Oslo"


def test_a_product_without_asset_is_refused(stage: Stage, player: Player) -> None:
    """And nothing is drawn."""
    assert player.interacts(action="showProduct", ueAsset=3)["accepted"] is False
    assert stage.scene.product is None


@pytest.mark.parametrize("text", ["not json", "[]", '{"action":[]}', '{"LoadLevel":"x"}'])
def test_other_descriptors_are_shown_and_not_answered(
    stage: Stage, player: Player, text: str
) -> None:
    """A project's own descriptors get no answer from a scene that does not know them."""
    assert player.says(m.UIInteraction(text=text)) == []
    assert stage.scene.last_descriptor == text


def test_it_tells_what_it_hears(player: Player) -> None:
    """Nothing as null, a tone with level and frequency."""
    assert player.interacts(action="reportAudio")["heard"] is False
    player.media.sound = Heard(level=-23.04, hertz=1000.2)
    assert player.interacts(action="reportAudio") == {
        "type": "reportAudio", "heard": True, "levelDb": -23.0, "frequencyHz": 1000.2,
    }  # fmt: skip


def test_it_tells_its_state(player: Player) -> None:
    """What a test of a page asks after clicking."""
    player.says(m.MouseDown(button=0, x=FULL_SCALE, y=0))
    player.says(m.KeyDown(key=65, repeat=0))
    state = player.interacts(action="reportState")
    assert state["pointers"] == {"Player0": {"x": 1.0, "y": 0.0, "pressed": True}}
    assert (state["width"], state["height"], state["fps"]) == (640, 360, 30)
    assert state["lastKey"] == "KeyDown 65 (A)"


def test_it_tells_the_last_inputs_without_pointer_noise(player: Player) -> None:
    """Of moves in a row only the last is kept."""
    player.says(m.KeyDown(key=65, repeat=0))
    for x in range(200):
        player.says(m.MouseMove(x=x, y=0, delta_x=1, delta_y=0))
    inputs = player.interacts(action="reportInputs")["inputs"]
    assert len(inputs) == 3
    assert inputs[0] == "KeyDown(key=65, repeat=0)"
    assert inputs[1].startswith("MouseMove(x=199,")


def test_commands_are_refused_by_default(stage: Stage, player: Player) -> None:
    """With the reason, and without effect."""
    assert player.commands("t.MaxFPS 60") == {
        "type": "command", "accepted": False,
        "command": "t.MaxFPS 60", "reason": "commands are not allowed",
    }  # fmt: skip
    assert stage.camera.video.fps == 30


@pytest.mark.parametrize(
    ("command", "video"),
    [
        ("t.MaxFPS 10", VideoFormat(Size(640, 360), 10)),
        ("T.MAXFPS 24.5", VideoFormat(Size(640, 360), 24)),
        ("t.MaxFPS 0", VideoFormat(Size(640, 360), 60)),
        ("t.MaxFPS 999", VideoFormat(Size(640, 360), 60)),
        ("r.SetRes 1280x720", VideoFormat(Size(1280, 720), 30)),
        ("r.setres 801x601wf", VideoFormat(Size(800, 600), 30)),
    ],
)
def test_allowed_commands_take_effect(
    stage: Stage, player: Player, command: str, video: VideoFormat
) -> None:
    """The rate is capped, sizes are made even."""
    stage.allow_commands = True
    assert player.commands(command) == {
        "type": "command", "accepted": True, "command": command,
    }  # fmt: skip
    assert stage.camera.video == video


@pytest.mark.parametrize(
    "command",
    ["", "quit", "t.MaxFPS", "t.MaxFPS -1", "t.MaxFPS x", "r.SetRes 1x1", "r.SetRes 99999x99"],
)
def test_unusable_commands_are_refused_with_a_reason(
    stage: Stage, player: Player, command: str
) -> None:
    """Even when commands are allowed."""
    stage.allow_commands = True
    before = stage.camera.video
    answer = player.commands(command)
    assert answer["accepted"] is False
    assert answer["reason"]
    assert stage.camera.video == before


@pytest.mark.parametrize("text", ['{"WebRTC.Fps":60}', '{"Encoder.MinQP":1}', "nonsense", "7"])
def test_settings_of_epics_page_get_no_answer(player: Player, text: str) -> None:
    """It sends them by itself on each InitialSettings."""
    assert player.says(m.Command(text=text)) == []


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (m.KeyDown(key=65, repeat=1), "KeyDown 65 (A)"),
        (m.KeyUp(key=13), "KeyUp 13"),
        (m.KeyPress(character=0xAC00), "KeyPress 가"),
        (m.KeyPress(character=0xD800), "KeyPress 0xd800"),
        (m.TextboxEntry(text="hello"), "Textbox hello"),
        (m.GamepadButtonPressed(controller=0, button=4, repeat=0), "Gamepad 4"),
    ],
)
def test_keys_are_shown(stage: Stage, player: Player, message: m.Message, shown: str) -> None:
    """As the last key."""
    assert player.says(message) == []
    assert stage.scene.last_key == shown


def test_the_pointer_follows_mouse_and_touch(stage: Stage, player: Player) -> None:
    """Pressed from down to up, gone when it leaves."""
    middle = FULL_SCALE // 2
    finger = m.Touch(x=0, y=FULL_SCALE, index=0, force=255, valid=1)
    steps: list[tuple[m.Message, tuple[float, float, bool]]] = [
        (m.MouseMove(x=0, y=0, delta_x=0, delta_y=0), (0, 0, False)),
        (m.MouseDown(button=0, x=0, y=0), (0, 0, True)),
        (m.MouseMove(x=FULL_SCALE, y=0, delta_x=0, delta_y=0), (1, 0, True)),
        (m.MouseUp(button=0, x=middle, y=0), (middle / FULL_SCALE, 0, False)),
        (m.MouseDouble(button=0, x=0, y=0), (0, 0, True)),
        (m.TouchStart(touches=(finger,)), (0, 1, True)),
        (m.TouchEnd(touches=(finger,)), (0, 1, False)),
    ]
    for message, (x, y, pressed) in steps:
        player.says(message)
        assert stage.scene.pointers == {"Player0": Pointer(x, y, pressed=pressed)}
    player.says(m.MouseLeave())
    assert stage.scene.pointers == {}


def test_a_player_that_leaves_takes_its_pointer_along(stage: Stage, player: Player) -> None:
    """Nothing of it stays on the stage."""
    player.says(m.MouseDown(button=0, x=0, y=0))
    player.session.close()
    assert stage.scene.pointers == {}
    assert stage.quality.owner is None


def test_a_gamepad_gets_its_number(player: Player) -> None:
    """As UE's GamepadResponse."""
    assert player.says(m.GamepadConnected()) == [m.GamepadResponse(text='{"controllerId":0}')]


@given(data=st.one_of(st.binary(max_size=40), st.text(max_size=20)))
def test_no_bytes_of_a_player_break_it(data: bytes | str) -> None:
    """Anything at all is handled or logged."""
    stage = Stage(scene=SceneState("Kiosk"), camera=Camera(), allow_commands=True)
    Player(stage).session.receive(data)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["action", "type", "arguments", "ueAsset", "name", "Seq"]),
                inner,
            )
        ),
        max_leaves=8,
    ),
    action=st.sampled_from(["showProduct", "reportAudio", "reportInputs", "reportState"]),
)
def test_no_json_of_a_player_breaks_it(value: Any, action: str) -> None:
    """Wrong types anywhere in a descriptor or command."""
    player = Player(Stage(scene=SceneState("Kiosk"), camera=Camera(), allow_commands=True))
    for content in (value, {"action": action, "arguments": value}, {"ConsoleCommand": value}):
        text = orjson.dumps(content).decode()
        for cls in (m.UIInteraction, m.Command, m.DataChannelLatencyTest):
            player.says(cls(text=text))
