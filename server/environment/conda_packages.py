"""Packages of conda, by name: what they are on a package index of Python, or that they are on none.

Sources: https://github.com/conda-forge/feedstocks and https://pypi.org, for names that differ or mean something else.
A name that is in none of the tables is asked for at the index.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from packaging.utils import canonicalize_name


class Kind(Enum):
    """What a package of conda is to pip: one of the index, part of what is there anyway, foreign, or not known."""

    PYTHON = auto()
    INCLUDED = auto()
    FOREIGN = auto()
    UNKNOWN = auto()


# Names that differ. Builds for one kind of hardware are the package itself on the index.
_OTHER_NAME = {
    "blosc-python": "blosc",
    "dask-core": "dask",
    "fastai-core": "fastcore",
    "keras-base": "keras",
    "keras-gpu": "keras",
    "lightgbm-gpu": "lightgbm",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python",
    "opencv-python": "opencv-python",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pytables": "tables",
    "python-annoy": "annoy",
    "python-blosc": "blosc",
    "python-duckdb": "duckdb",
    "python-fasttext": "fasttext",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-snappy": "python-snappy",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ruamel-yaml": "ruamel.yaml",
    "tensorflow-base": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "torchvision-cpu": "torchvision",
}
# Python packages that have the same name on both, as models list them: these need not be asked for.
_SAME_NAME = {
    *(
        "catboost",
        "category-encoders",
        "cloudpickle",
        "dask",
        "dill",
        "fastapi",
        "fastai",
        "flask",
        "gensim",
        "h2o",
    ),
    *(
        "imbalanced-learn",
        "ipython",
        "joblib",
        "keras",
        "lightgbm",
        "lime",
        "matplotlib",
        "mlflow",
        "mlflow-skinny",
    ),
    *(
        "nltk",
        "numba",
        "numexpr",
        "numpy",
        "onnx",
        "onnxruntime",
        "optuna",
        "pandas",
        "patsy",
        "pillow",
        "plotly",
    ),
    *(
        "pmdarima",
        "polars",
        "prophet",
        "protobuf",
        "pyarrow",
        "pydantic",
        "pyspark",
        "pytorch-lightning",
        "pyyaml",
    ),
    *(
        "requests",
        "scikit-image",
        "scikit-learn",
        "scipy",
        "seaborn",
        "sentence-transformers",
        "setuptools",
        "shap",
    ),
    *("six", "skops", "spacy", "sqlalchemy", "statsmodels", "tensorflow", "tensorflow-cpu", "threadpoolctl"),
    *("tokenizers", "torchaudio", "torchvision", "tqdm", "transformers", "typing-extensions", "xgboost"),
}
# What conda's Python is made of, and numerical libraries that the wheels of numpy, scipy and others bring with them.
_INCLUDED = {
    *(
        "blas",
        "bzip2",
        "ca-certificates",
        "expat",
        "icu",
        "intel-openmp",
        "ld-impl-linux-64",
        "ld-impl-linux-aarch64",
    ),
    *(
        "libblas",
        "libcblas",
        "libexpat",
        "libffi",
        "libgcc",
        "libgcc-ng",
        "libgfortran",
        "libgfortran-ng",
        "libgfortran4",
    ),
    *(
        "libgfortran5",
        "liblapack",
        "liblzma",
        "libnsl",
        "libopenblas",
        "libsqlite",
        "libstdcxx",
        "libstdcxx-ng",
    ),
    *(
        "libuuid",
        "libxcrypt",
        "libzlib",
        "llvm-openmp",
        "mkl",
        "mkl-service",
        "ncurses",
        "nomkl",
        "openblas",
        "openssl",
    ),
    *("pip", "python-abi", "readline", "sqlite", "tk", "tzdata", "wheel", "xz", "zlib"),
    *("-libgcc-mutex", "-openmp-mutex"),
}
# No Python packages, some with names that others have taken on the index.
_FOREIGN = {
    *(
        "arrow-cpp",
        "boost",
        "boost-cpp",
        "clang",
        "cmake",
        "compilers",
        "cudatoolkit",
        "cudnn",
        "curl",
        "cxx-compiler",
    ),
    *(
        "eigen",
        "ffmpeg",
        "fftw",
        "fontconfig",
        "freetype",
        "gcc",
        "gdal",
        "geos",
        "gfortran",
        "git",
        "glib",
        "gmp",
    ),
    *(
        "graphviz",
        "gxx",
        "hdf5",
        "java-jdk",
        "jpeg",
        "julia",
        "lame",
        "llvm",
        "make",
        "maven",
        "nccl",
        "netcdf-fortran",
    ),
    *(
        "ninja-base",
        "nodejs",
        "octave",
        "openjdk",
        "openmpi",
        "pandoc",
        "perl",
        "poppler",
        "postgresql",
        "proj",
        "protoc",
    ),
    *(
        "pytorch-cuda",
        "pytorch-mutex",
        "qt",
        "r",
        "r-base",
        "rust",
        "scala",
        "snappy",
        "spark",
        "swig",
        "tesseract",
    ),
    *("unixodbc", "xgboost-gpu-mutex", "zeromq", "zstd"),
}
# Libraries, packages of R and Perl, compilers, CUDA's parts, and what conda itself needs.
_FOREIGN_NAME = re.compile(
    r"^(?:lib(?!(?:clang|cst|rosa|sass)$)|r-|perl-|cuda-|-|(?:gcc|gxx|gfortran|binutils|sysroot|kernel-headers)[-_]).*$"
)


def known(name: str) -> tuple[Kind, str]:
    """Return what conda's package ``name`` is, and its name on the index."""
    # The _ that a name of conda's own begins with becomes a - too.
    plain = canonicalize_name(name)
    if plain in _OTHER_NAME:
        return Kind.PYTHON, _OTHER_NAME[plain]
    if plain in _SAME_NAME:
        return Kind.PYTHON, plain
    if plain in _INCLUDED:
        return Kind.INCLUDED, plain
    if plain in _FOREIGN or "/" in plain or _FOREIGN_NAME.match(plain):
        return Kind.FOREIGN, plain
    return Kind.UNKNOWN, plain
