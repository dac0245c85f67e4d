"""Where models come from, and what `fetch` needs for it: the one table of the values that the store's Secret has.

The names are those that the server reads: of S3 in server.settings, of the others in obstore and MLflow's client.
Sources: https://developmentseed.org/obstore/latest/api/store/aws/ (gcs, azure) and
https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ENDPOINT, USE_SSL = "AWS_ENDPOINT_URL", "USE_SSL"
TRACKING_URI = "MLFLOW_TRACKING_URI"
KEY_FILE = "GOOGLE_SERVICE_ACCOUNT_KEY"
ACCOUNT_NAME, ACCESS_KEY = "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"


@dataclass(frozen=True)
class Value:
    """A value to ask for: its name, in the environment too, and what it is.

    A ``hidden`` one is not echoed. An ``optional`` one is taken where it is given, and not asked for. A ``json`` one is a
    document, which is written in one line.
    """

    name: str
    meaning: str
    hidden: bool = False
    default: str = ""
    optional: bool = False
    json: bool = False


@dataclass(frozen=True)
class Store:
    """A kind of store: its name in messages, the schemes of the URIs that lead to it, and the values that it takes."""

    name: str
    schemes: tuple[str, ...]
    values: tuple[Value, ...]

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the values that it cannot do without."""
        return tuple(value.name for value in self.values if not value.optional)

    @property
    def account(self) -> tuple[str, ...]:
        """The names of the values that are secret: who has them has the account."""
        return tuple(value.name for value in self.values if value.hidden)


S3 = Store(
    "S3",
    ("s3",),
    (
        Value("AWS_ACCESS_KEY_ID", "key of the object store", hidden=True),
        Value("AWS_SECRET_ACCESS_KEY", "secret of that key", hidden=True),
        Value(ENDPOINT, "address of the object store, as in https://s3.example.com"),
        Value(USE_SSL, "whether it speaks https, true or false"),
        Value("AWS_REGION", "region of the object store", optional=True),
    ),
)
GOOGLE = Store(
    "Google Cloud Storage",
    ("gs",),
    (Value(KEY_FILE, "key file of a service account, its JSON", hidden=True, json=True),),
)
AZURE = Store(
    "Azure Blob Storage",
    ("az", "abfs", "abfss", "wasb", "wasbs"),
    (
        Value(ACCOUNT_NAME, "name of the storage account"),
        Value(ACCESS_KEY, "key of that account", hidden=True),
    ),
)
# It says where a model's files are, and may hand them out itself.
MLFLOW = Store(
    "MLflow",
    ("models", "runs"),
    (
        Value(TRACKING_URI, "address of MLflow's tracking server"),
        Value("MLFLOW_TRACKING_USERNAME", "user of the tracking server", optional=True),
        Value("MLFLOW_TRACKING_PASSWORD", "password of that user", hidden=True, optional=True),
        Value("MLFLOW_TRACKING_TOKEN", "token of the tracking server", hidden=True, optional=True),
    ),
)
STORES = (S3, GOOGLE, AZURE, MLFLOW)


def store_of(uri: str) -> Store | None:
    """Return the store that a model's URI leads to, None where it needs no account: an archive, a folder."""
    scheme = uri.partition(":")[0]
    return next((store for store in STORES if scheme in store.schemes), None)


def values_for(stores: Iterable[Store]) -> tuple[Value, ...]:
    """Return the values that ``stores`` need, then those that count beside them: MLflow's, and behind MLflow every store's."""
    needed = [store for store in STORES if store in set(stores)]
    beside = [store for store in (STORES if MLFLOW in needed else (MLFLOW,)) if store not in needed]
    return (
        *(value for store in needed for value in store.values),
        *(
            Value(value.name, value.meaning, value.hidden, optional=True, json=value.json)
            for store in beside
            for value in store.values
        ),
    )
