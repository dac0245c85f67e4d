"""What a model counts itself, as the wrapper has it on its port."""

from __future__ import annotations

import pytest

from server.settings import ServeSettings
from server.telemetry.custom_metrics import MOST_BYTES, MOST_SERIES, CustomMetrics
from server.telemetry.shared_cells import SharedTexts
from tests.server.scraping import samples, value

SETTINGS = ServeSettings(
    node="iris",
    image="registry:5000/iris:1.2",
    deployment="flowers",
    predictor="main",
    predictor_labels='{"version": "v7"}',
)
LABELS = {
    "deployment_name": "flowers",
    "model_name": "iris",
    "model_image": "registry:5000/iris",
    "model_version": "1.2",
    "predictor_name": "main",
    "predictor_version": "v7",
    "seldon_deployment_name": "flowers",
    "image_name": "registry:5000/iris",
    "image_version": "1.2",
    "method": "predict",
}


@pytest.fixture
def custom():
    return CustomMetrics(SETTINGS, SharedTexts(2, MOST_BYTES))


def counter(key, count=1, **tags):
    return {"key": key, "type": "COUNTER", "value": count, **({"tags": tags} if tags else {})}


def test_counters_gauges_and_timers_of_all_processes_add_up(custom):
    for process in (0, 1):
        custom.become(process)
        custom.update([counter("flowers", 2), counter("flowers", kind="rose")], "predict")
        custom.update([{"key": "heat", "type": "GAUGE", "value": 20 + process}], "predict")
        custom.update([{"key": "watering", "type": "TIMER", "value": 20.2}], "predict")
    dropped, families = custom.collect()
    found = samples(families)
    assert dropped == 0
    assert value(found, "flowers_total", **LABELS) == 4
    assert value(found, "flowers_total", kind="rose", **LABELS) == 2
    assert value(found, "heat", **LABELS) == 21
    assert value(found, "watering_count", **LABELS) == 2
    assert value(found, "watering_sum", **LABELS) == pytest.approx(0.0404)
    assert value(found, "watering_bucket", le="0.001", **LABELS) == 0
    assert value(found, "watering_bucket", le="30.0", **LABELS) == 2
    assert value(found, "watering_bucket", le="+Inf", **LABELS) == 2


def test_the_roles_are_called_as_the_wrapper_calls_them(custom):
    custom.update([counter("a")], "transform_input")
    custom.update([counter("a")], "transform_output")
    found = samples(custom.collect()[1])
    for method in ("inputtransform", "outputtransform"):
        assert value(found, "a_total", **(LABELS | {"method": method})) == 1


@pytest.mark.parametrize(
    "metric",
    [
        counter("with-dash"),
        counter("1st"),
        counter(""),
        counter("a", -1),
        counter("a", float("nan")),
        counter("a", **{"with-dash": "b"}),
        counter("a", __name="b"),
        counter("a", le="b"),
        counter("a" * 201),
        counter("a", b="c" * 200),
        counter("a", **{f"tag{number}": "b" for number in range(11)}),
        counter("seldon_mlflow_server_ready"),
        counter("model_info"),
        {"key": "taken", "type": "COUNTER", "value": 1},
        {"key": "taken_sum", "type": "GAUGE", "value": 1},
    ],
)
def test_what_prometheus_would_refuse_is_dropped_and_counted(custom, metric):
    custom.update([{"key": "taken", "type": "TIMER", "value": 1}], "predict")
    custom.update([metric], "predict")
    dropped, families = custom.collect()
    assert dropped == 1
    assert [family.name for family in families] == ["taken"]


def test_a_counter_may_have_its_suffix(custom):
    custom.update([counter("a"), counter("a_total")], "predict")
    assert value(samples(custom.collect()[1]), "a_total", **LABELS) == 2


def test_a_model_makes_no_more_series_than_it_may(custom):
    for process in (0, 1):
        custom.become(process)
        for number in range(MOST_SERIES + 50):
            custom.update([counter("a", user=f"{process}-{number}")], "predict")
    dropped, families = custom.collect()
    assert dropped == 100
    assert sum(len(family.samples) for family in families) == MOST_SERIES


def test_without_an_operator_the_labels_say_so():
    custom = CustomMetrics(ServeSettings(predictor_labels="[]"), SharedTexts(1, MOST_BYTES))
    custom.update([counter("a")], "predict")
    ((_, labels),) = samples(custom.collect()[1])
    assert set(dict(labels).values()) == {"NOT_IMPLEMENTED", "predict"}


def test_what_finds_no_room_is_said_once(caplog):
    custom = CustomMetrics(SETTINGS, SharedTexts(1, 200))
    custom.update([counter("first")], "predict")
    for number in range(5):
        custom.update([counter(f"more_{number}", kind="x" * 100)], "predict")
    (said,) = (each.getMessage() for each in caplog.records)
    assert said == (
        "the model's own metrics stay as they are from now on, as this process tells of them: with their names and tags "
        "they take more than 200 bytes; shorten those"
    )
    _, families = custom.collect()
    assert value(samples(families), "first_total", **LABELS) == 1
