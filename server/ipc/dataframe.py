"""A table, or one column, of pandas, polars or pyarrow as arrays of its columns' own types.

They are recognised by their methods: the model's environment need have none of these packages.
"""

from __future__ import annotations

from typing import Any, Tuple, Union

import numpy as np

from .columnar_table import Column, ColumnarTable

RAW_KINDS = "biufmM"
# A 2-D array where the columns are alike.
Table = Tuple["list[str]", Union[np.ndarray, ColumnarTable]]


def table(value: Any) -> Table | None:
    """Return the names of a table's columns, and the columns, or None where it is no table."""
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        names = [str(name) for name in value.columns]
        array = np.asarray(value.to_numpy())
        if array.dtype.kind in RAW_KINDS and not (array.dtype.kind == "f" and _hides(value, array)):
            return names, array
        return names, together([_of_pandas(value.iloc[:, index]) for index in range(len(names))], len(value))
    if hasattr(value, "collect") and hasattr(value, "collect_schema"):
        value = value.collect()  # polars.LazyFrame
    if hasattr(value, "get_columns"):
        return list(value.columns), together([_of_arrow(each) for each in value.get_columns()], len(value))
    if hasattr(value, "column_names") and hasattr(value, "columns"):
        return list(value.column_names), together([_of_arrow(each) for each in value.columns], len(value))
    return None


def column(value: Any) -> Column | None:
    """Return a Series, an Index or an array of these packages, or None for another value."""
    if hasattr(value, "isna") and hasattr(value, "astype"):
        return _of_pandas(value)
    if hasattr(value, "null_count") and (hasattr(value, "to_list") or hasattr(value, "to_pylist")):
        return _of_arrow(value)
    return None


def dense(value: Any) -> np.ndarray:
    """Return a sparse matrix, or a tensor of torch wherever it is, as an array."""
    if hasattr(value, "toarray"):
        return np.asarray(value.toarray())
    tensor = value.detach().cpu()
    if getattr(tensor, "is_sparse", False):
        tensor = tensor.to_dense()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:
        return np.asarray(tensor.float().numpy())  # bfloat16, which numpy has not


def together(columns: list[Column], height: int) -> np.ndarray | ColumnarTable:
    """Return columns as one array where that changes no value, else each by itself."""
    if not columns:
        return np.empty((height, 0))
    arrays = [each for each in columns if isinstance(each, np.ndarray)]
    if len(arrays) < len(columns):
        return ColumnarTable(columns)
    kinds = {array.dtype.kind for array in arrays}
    if len(kinds) > 1 and (kinds != {"i", "u"} or np.result_type(*arrays).kind != "i"):
        return ColumnarTable(columns)
    return np.column_stack(arrays)


def rows(columns: np.ndarray | ColumnarTable) -> list[list[Any]]:
    """Return the rows of a table as lists."""
    if isinstance(columns, np.ndarray):
        columns = ColumnarTable([columns[:, index] for index in range(columns.shape[1])])
    return columns.tolist() if columns.columns else []


def _hides(frame: Any, array: np.ndarray) -> bool:
    """Return whether a DataFrame has columns of integers that are doubles in its array.

    Asking for the columns' types takes longer than looking for a fraction in each.
    """
    if bool((array > np.floor(array)).any(axis=0).all()):
        return False
    return any(getattr(dtype, "kind", "") != "f" for dtype in frame.dtypes)


def _of_pandas(series: Any) -> Column:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind in RAW_KINDS and dtype.itemsize <= 8:
            return np.asarray(series)
    elif (
        hasattr(dtype, "subtype")
        and getattr(dtype.subtype, "kind", "") in RAW_KINDS
        and hasattr(dtype, "fill_value")
    ):
        return np.asarray(series, dtype=dtype.subtype)  # Sparse
    missing = np.asarray(series.isna())
    kind = getattr(dtype, "numpy_dtype", None)
    if getattr(kind, "kind", "") in RAW_KINDS and not missing.any():
        return np.asarray(series, dtype=kind)  # Int64 and the like
    cells = np.asarray(series.astype(object), dtype=object)
    return [None if gone else cell for gone, cell in zip(missing.tolist(), cells.tolist())]


def _of_arrow(values: Any) -> Column:
    """Return a column of polars or pyarrow, which tell null from NaN."""
    count = values.null_count
    if not (count() if callable(count) else count):
        array = np.asarray(values)
        if array.ndim == 1 and array.dtype.kind in "biuf":
            return array
    return list(values.to_list() if hasattr(values, "to_list") else values.to_pylist())
