"""How many users a host holds, and what is said of it."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ue5_config.capacity import MAX_USERS, Resource, Wish, capacities, capacity, describe
from ue5_config.errors import PlotError, SampleError
from ue5_config.fitting import fit, student_t
from ue5_config.plot import draw
from ue5_config.reference import readings
from ue5_config.samples import Sample


def load(users: int, percent: float, *, configuration: str = "") -> Sample:
    """Return a sample of the GPU's load."""
    return Sample(instances=users, gpu=percent, configuration=configuration)


NOISY = [load(n, 10 + 18 * n + noise) for n in (1, 2, 3) for noise in (-1, 0, 1)]


@given(
    st.floats(-100, 100),
    st.floats(-50, 50),
    st.lists(st.integers(1, 50), min_size=2, max_size=20).filter(lambda xs: len(set(xs)) > 1),
)
def test_a_line_through_points_of_a_line_is_that_line(
    base: float, slope: float, users: list[int]
) -> None:
    """Without noise the fit is exact and its margin nothing."""
    line = fit(users, [base + slope * n for n in users])
    assert line.at(7) == pytest.approx(base + slope * 7, abs=1e-6)
    assert line.margin(7) is None or line.margin(7) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962)],
)
def test_quantiles_of_students_t(freedom: int, quantile: float) -> None:
    """As in any table, two-sided at 95 %."""
    assert student_t(freedom) == pytest.approx(quantile, rel=2e-3)


def test_users_are_those_within_the_budget() -> None:
    """10 % for the host and 18 % a user leave room for 4 under 90 %."""
    found = capacity(NOISY, Wish(headroom=0.1))
    assert found.users == 4
    assert found.limiting.resource is Resource.GPU
    assert found.limiting.per_user == pytest.approx(18)
    assert found.limiting.base == pytest.approx(10)
    assert found.limiting.low is not None
    assert found.limiting.high is not None
    assert found.limiting.low <= 4 <= found.limiting.high
    assert found.host_share == pytest.approx(0.25)


@given(st.floats(0, 0.9), st.floats(0, 0.9))
def test_more_headroom_is_never_more_users(one: float, other: float) -> None:
    """And fewer samples never a narrower interval than the estimate."""
    less, more = sorted((one, other))
    assert (
        capacity(NOISY, Wish(headroom=more)).users <= capacity(NOISY, Wish(headroom=less)).users
    )


def test_the_fewest_users_of_any_resource_count() -> None:
    """Here the encoder's sessions."""
    found = capacity(NOISY, Wish(encoder_sessions=3))
    assert (found.users, found.limiting.resource) == (3, Resource.SESSIONS)


def test_video_memory_needs_its_total() -> None:
    """From the samples, or told."""
    samples = [Sample(instances=n, vram_mib=1000 + 4000 * n) for n in (1, 2)]
    with pytest.raises(SampleError, match="nothing to estimate"):
        capacity(samples, Wish())
    assert capacity(samples, Wish(vram_mib=16000)).users == 3
    full = [Sample(instances=n, vram_mib=5000.0 * n, vram_total_mib=24000) for n in (1, 2)]
    assert capacity(full, Wish()).users == 4


def test_a_full_gpu_does_not_tell_what_a_user_costs() -> None:
    """Uncapped, one instance takes it all."""
    found = capacity([load(1, 100), load(1, 99)], Wish())
    assert found.users == 1
    assert found.limiting.per_user is None
    assert "cannot be told" in found.limiting.notes[0]


def test_a_measured_ceiling_bounds_the_line() -> None:
    """The line does not promise what was seen to fill the GPU."""
    samples = [load(1, 20), load(2, 25), load(3, 100), load(4, 100)]
    found = capacity(samples, Wish())
    assert found.users == 2
    assert "measured full with 3 users" in found.limiting.notes


def test_one_number_of_users_errs_towards_fewer() -> None:
    """What an idle host takes is counted to the user."""
    found = capacity([load(1, 29), load(1, 29)], Wish(headroom=0))
    assert found.users == 3
    assert any("one number of users" in note for note in found.limiting.notes)


def test_too_few_samples_have_no_interval() -> None:
    """None is better than a made-up one."""
    found = capacity([load(1, 20), load(2, 40)], Wish())
    assert (found.limiting.low, found.limiting.high) == (None, None)
    assert "too few samples for an interval" in found.limiting.notes


def test_a_load_that_does_not_grow_is_no_bound() -> None:
    """It ends at the largest number that is ever said."""
    found = capacity([load(1, 20), load(2, 20), load(3, 20)], Wish())
    assert found.users == MAX_USERS
    assert "does not grow with users" in found.limiting.notes


@pytest.mark.parametrize(
    ("times", "users"),
    [
        ({1: 33.3, 2: 33.4, 3: 33.4}, MAX_USERS),
        ({1: 33.3, 2: 33.4, 4: 60.0}, 2),
        ({1: 33.3, 4: 35.4}, 3),
        ({1: 50.0}, 0),
    ],
)
def test_frame_time_is_judged_between_measured_levels(
    times: dict[int, float], users: int
) -> None:
    """It is flat at the cap until the GPU is full, so no line goes through it."""
    samples = [Sample(instances=n, frame_time_ms=time) for n, time in times.items()]
    found = capacity(samples, Wish(frame_rate=30))
    assert (found.users, found.limiting.resource) == (users, Resource.FRAME_TIME)


def test_configurations_are_told_apart() -> None:
    """Before and after, in their order."""
    samples = [load(1, 100, configuration="before")]
    samples += [load(n, 5 + 20 * n, configuration="after") for n in (1, 2, 3)]
    found = capacities(samples, Wish())
    assert [(one.configuration, one.users) for one in found] == [("before", 1), ("after", 4)]
    text = "\n".join(line for one in found for line in describe(one, unit_cost=2.0))
    assert "before: 1 user, limited by gpu" in text
    assert "a user costs 25.0 % of the host, 0.5 of 2" in text


def test_json_has_intervals_and_resources() -> None:
    """What a scaler needs."""
    found = capacity(NOISY, Wish(encoder_sessions=8)).as_json()
    assert (found["users"], found["limitedBy"]) == (4, "gpu")
    assert {one["resource"] for one in found["resources"]} == {"gpu", "encoder sessions"}
    assert found["measuredInstances"] == [1, 2, 3]


def test_both_readings_of_the_reference() -> None:
    """29 % a user does not carry 4 users; 29 % for the host carries more than 4."""
    one, whole = readings()
    assert one.percent_of_host == 116
    assert (one.users_at_full, one.users_with_headroom) == (3, 3)
    assert any("116 %" in line for line in one.implies)
    assert whole.percent_per_user == 7.25
    assert (whole.users_at_full, whole.users_with_headroom) == (13, 12)
    assert any("8 encoder sessions" in line for line in whole.implies)


def test_a_professional_gpu_has_no_session_limit() -> None:
    """The second reading then ends at the GPU."""
    _, whole = readings(encoder_sessions=None)
    assert any("not limited" in line for line in whole.implies)


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_draws_a_picture(suffix: str, tmp_path: Path) -> None:
    """One panel a resource, with points, line and interval."""
    pytest.importorskip("matplotlib")
    samples = [
        Sample(instances=n, gpu=10.0 + 18 * n, frame_time_ms=33.3, vram_mib=4000.0 * n)
        for n in (1, 2, 3)
    ]
    path = tmp_path / f"plot{suffix}"
    draw(capacities(samples, Wish(vram_mib=24000)), samples, path)
    assert path.stat().st_size > 5000


def test_another_kind_of_picture_is_refused(tmp_path: Path) -> None:
    """Before anything is drawn."""
    with pytest.raises(PlotError, match=r"\.pdf, \.png, \.svg"):
        draw([], [], tmp_path / "plot.gif")


def test_without_matplotlib_it_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(PlotError, match=r"pip install 'pycirrus\[plot\]'"):
        draw([], [], tmp_path / "plot.svg")


def test_an_idle_host_tells_the_base() -> None:
    """Samples from before the first user came are measurements too."""
    samples = [Sample(instances=0, gpu=5, frame_time_ms=8), Sample(instances=1, gpu=25)]
    (gpu,) = capacity(samples, Wish()).estimates
    assert (gpu.base, gpu.per_user, gpu.users) == (5, 20, 4)


def test_an_idle_host_beside_a_full_one_is_no_line() -> None:
    """What a user needs is not known then."""
    samples = [Sample(instances=0, gpu=5), Sample(instances=2, gpu=100)]
    (gpu,) = capacity(samples, Wish()).estimates
    assert gpu.users == 2
    assert gpu.per_user is None


def test_an_idle_host_alone_tells_nothing() -> None:
    """And says so."""
    with pytest.raises(SampleError, match="idle only"):
        capacity([Sample(instances=0, gpu=5)], Wish())
