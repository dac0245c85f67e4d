"""Calls of several clients, over REST and gRPC, that the model answers together."""

from __future__ import annotations

import concurrent.futures
import itertools
import subprocess
import sys
from contextlib import contextmanager

import grpc
import httpx
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from tests.polling import wait_for
from tests.server.running_server import serving
from tests.server.scraping import calls_waiting

pytestmark = pytest.mark.xdist_group("batches")

MODEL = """
import os, time
from sklearn.svm import SVC
class Model(SVC):
    def predict(self, X):
        print("batch", *(row[0] for row in X), flush=True)
        if len(X[0]) == 1:
            while X[0][0] and not os.path.exists(f"{os.path.dirname(__file__)}/{X[0][0]}"):
                time.sleep(0.01)
            return X
        return self.decision_function(X)
"""
MAKE = """
import pickle, sys
sys.path.insert(0, sys.argv[1] + "/code")
import waited
from sklearn.datasets import load_iris
pickle.dump(waited.Model().fit(*load_iris(return_X_y=True)), open(sys.argv[1] + "/model.pkl", "wb"))
"""
ROWS, CLASSES = load_iris(return_X_y=True)
SCORES = SVC().fit(ROWS, CLASSES).decision_function
NAN = float("nan")
# A file for each time that a model is kept busy.
NUMBERS = itertools.count(1)
# Of each channel a connection.
OWN = [("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture(scope="module")
def waited_model(tmp_path_factory):
    """An SVC that prints the first value of each row of a batch; a row of one value waits for a file of that name."""
    folder = tmp_path_factory.mktemp("waited")
    (folder / "code").mkdir()
    (folder / "code" / "waited.py").write_text(MODEL)
    subprocess.run([sys.executable, "-c", MAKE, folder], check=True)
    (folder / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n"
    )
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory, waited_model):
    with serving(tmp_path_factory.mktemp("served"), waited_model, batching="on") as running:
        yield running


@pytest.fixture(scope="module")
def few(tmp_path_factory, waited_model):
    """A server whose batches have few rows."""
    environ = {"SERVER_BATCH_ROWS": "16"}
    with serving(tmp_path_factory.mktemp("few"), waited_model, batching="on", environ=environ) as running:
        yield running


def batches(served):
    return [line.split()[1:] for line in served.printed("batch ")]


def row(number):
    """Return a row of numbers that no other has."""
    return [round(number + 5 + number / 1000, 4), 3.0, 1.5, 0.2]


def first(number):
    return str(row(number)[0])


def tensor(values):
    sent = Tensor(shape=[1, len(values)], values=values)
    return SeldonMessage(data=DefaultData(tensor=sent)).SerializeToString()


def scores(body):
    found = SeldonMessage.FromString(body).data
    return np.reshape(found.tensor.values, found.tensor.shape).tolist()


class Clients:
    """Clients of a server by both interfaces, and by gRPC as two, that do not wait for the answers."""

    def __init__(self, served, model, client, pool, channel, another):
        self._served = served
        self._model = model
        self._client = client
        self._pool = pool
        self._method, self._another = (
            each.unary_unary("/seldon.protos.Model/Predict") for each in (channel, another)
        )

    def rest(self, values):
        return self._pool.submit(self._client.post, "/predict", json={"data": {"ndarray": [values]}})

    def grpc(self, values):
        return self._method.future(tensor(values), timeout=60)

    def another(self, values):
        return self._another.future(tensor(values), timeout=60)

    @contextmanager
    def occupied(self):
        """Keep the model busy, so that calls wait, yielding the calls that do it."""
        before = len(batches(self._served))
        number = float(next(NUMBERS))
        running = self.grpc([number])
        wait_for(lambda: len(batches(self._served)) > before)
        # The model's process holds the next one already. A call that nobody keeps is cancelled.
        calls = [running, self.grpc([0.0])]
        try:
            yield calls
        finally:
            (self._model / "code" / str(number)).touch()

    def wait_for_calls(self, count):
        """Return when so many calls have no answer yet."""
        wait_for(lambda: calls_waiting(self._served) == count)


@contextmanager
def asking(served, model):
    with (
        httpx.Client(base_url=served.client.base_url, timeout=60) as client,
        concurrent.futures.ThreadPoolExecutor(40) as pool,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}", OWN) as channel,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}", OWN) as another,
    ):
        yield Clients(served, model, client, pool, channel, another)


@pytest.fixture
def clients(served, waited_model):
    with asking(served, waited_model) as made:
        yield made


GAP = "the model cannot take the request: Input X contains NaN."
BAD = {
    "NaN": ("grpc", [5.0, 3.0, 1.5, NAN], GAP),
    "NaN first": ("grpc", [NAN, 3.0, 1.5, 0.2], GAP),
    "null": ("rest", [5.0, 3.0, None, 0.2], GAP),
    "too wide": (
        "grpc",
        [5.0, 3.0, 1.5, 0.2, 1.0],
        "ValueError: X has 5 features, but Model is expecting 4 features as input.",
    ),
    "too narrow": (
        "rest",
        [5.0, 3.0],
        "ValueError: X has 2 features, but Model is expecting 4 features as input.",
    ),
    "text": ("rest", ["5.0a", 3.0, 1.5, 0.2], "ValueError: could not convert string to float: '5.0a'"),
}


def test_bad_requests_get_their_own_errors_and_all_others_their_own_numbers(served, clients):
    before = len(batches(served))
    good = {}
    bad = {}
    refused = iter(BAD.items())
    with clients.occupied():
        for number in range(30):
            interface = ("rest", "grpc")[number % 2]
            good[number] = (interface, getattr(clients, interface)(row(number)))
            if number % 5 == 2:
                name, (interface, values, _) = next(refused)
                bad[name] = (interface, getattr(clients, interface)(values))
        clients.wait_for_calls(2 + len(good) + len(bad))
    for number, (interface, call) in good.items():
        got = call.result().json()["data"]["ndarray"] if interface == "rest" else scores(call.result())
        assert got == SCORES([row(number)]).tolist(), number
    assert bad.keys() == BAD.keys()
    for name, (interface, call) in bad.items():
        if interface == "rest":
            answer = call.result()
            assert answer.status_code == (400 if BAD[name][2] == GAP else 500)
            said = answer.json()["status"]["info"]
        else:
            refused_code = (
                grpc.StatusCode.INVALID_ARGUMENT if BAD[name][2] == GAP else grpc.StatusCode.INTERNAL
            )
            assert call.code() is refused_code
            said = call.details()
        assert said.partition("\n")[0] == BAD[name][2]
    # What came by REST and what by gRPC has batches of its own, where a row with a gap is one of them.
    by_rest, by_grpc = ({first(number) for number in range(start, 30, 2)} for start in (0, 1))
    together = [{*batch} for batch in batches(served)[before:]]
    assert any(len(batch & by_rest) > 1 for batch in together)
    assert any(len(batch & by_grpc) > 1 and "nan" in batch for batch in together)


def test_one_client_is_answered_with_the_next_batch_of_another_that_has_many(served, clients):
    with clients.occupied() as running:
        many = [clients.grpc(row(number)) for number in range(200)]
        clients.wait_for_calls(202)
        one = clients.another(row(500))
        clients.wait_for_calls(203)
    assert scores(one.result()) == SCORES([row(500)]).tolist()
    assert [call.code() for call in (*running, *many)] == [grpc.StatusCode.OK] * 202
    (batch,) = [each for each in batches(served) if first(500) in each]
    assert len(batch) > 100


@pytest.mark.long
def test_what_comes_later_is_not_answered_before(few, waited_model):
    with asking(few, waited_model) as clients:
        with clients.occupied():
            calls = [clients.grpc(row(number)) for number in range(100)]
            clients.wait_for_calls(102)
            one = clients.another(row(500))
            clients.wait_for_calls(103)
            calls += [clients.grpc(row(number)) for number in range(100, 200)]
            clients.wait_for_calls(203)
        assert one.code() is grpc.StatusCode.OK
        assert [call.code() for call in calls] == [grpc.StatusCode.OK] * 200
    (place,) = [index for index, batch in enumerate(batches(few)) if first(500) in batch]
    earlier = {value for batch in batches(few)[:place] for value in batch}
    later = {value for batch in batches(few)[place + 1 :] for value in batch}
    assert not earlier & {first(number) for number in range(100, 200)}
    assert not later & {first(number) for number in range(100)}
    assert max(map(len, batches(few))) == 16


@pytest.mark.long
def test_a_client_of_rest_does_not_wait_for_all_that_waits_by_grpc(few, waited_model):
    with asking(few, waited_model) as clients:
        before = len(batches(few))
        with clients.occupied():
            calls = [clients.grpc(row(number)) for number in range(200)]
            clients.wait_for_calls(202)
            one = clients.rest(row(500))
            clients.wait_for_calls(203)
        assert one.result().status_code == 200
        assert [call.code() for call in calls] == [grpc.StatusCode.OK] * 200
    found = batches(few)[before:]
    (place,) = [index for index, batch in enumerate(found) if first(500) in batch]
    assert place < 6 < len(found)
