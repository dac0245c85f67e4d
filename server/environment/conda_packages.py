"""Packages of conda: their match specifications, and what they are on a package index of Python, if they are on one.

A match specification is ``[channel::]name[version[build]]``. Sources:
https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html#package-match-specifications, and
https://github.com/conda-forge/feedstocks and https://pypi.org for names that differ or mean something else. A name that is in
none of the tables is asked for at the index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

_MATCH = re.compile(r"^(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.\-]+)\s*(?P<rest>.*)$", re.DOTALL)
# Fields in brackets, as in numpy[version='>=1.19,<2', build=py38*].
_BRACKETS = re.compile(r"^(?P<before>[^\[]*)\[(?P<fields>.*)\]\s*$")
_FIELD = re.compile(r"""(?P<key>\w+)\s*=\s*(?P<value>'[^']*'|"[^"]*"|[^,\s]+)""")
# A version with what may follow it: =1.19.2=py38h0 and "1.19.2 py38h0" name a build of just this version.
_BUILT = re.compile(r"^=?\s*(?P<version>[^=<>!~|,\s]+)(?:=|\s+)(?P<build>[^=<>!~|,\s]+)$")
_PART = re.compile(r"^(?P<operator>==|!=|<=|>=|~=|=|<|>|)\s*(?P<version>[^=<>!~\s]+)$")


@dataclass(frozen=True)
class MatchSpec:
    """A package of conda as it is written, ``text``, with its name in lower case and its version, "" for any."""

    text: str
    name: str
    version: str

    @property
    def shown(self) -> str:
        """The version without the build, and without = before a version alone."""
        built = _BUILT.match(self.version)
        return built["version"] if built else self.version.lstrip("= ")

    def specifiers(self) -> tuple[str, ...]:
        """Return the version as pip writes it, as in ``>=1.19,<2``: one for each of the alternatives (1.19|1.20).

        Raises:
            ValueError: it is no version that pip knows.
        """
        return tuple(_specifier(alternative.strip()) for alternative in self.version.split("|"))


def match_spec(text: str) -> MatchSpec:
    """Return the match specification ``text``; a text that is not one, such as the URL of a file, counts as a name."""
    match = _MATCH.match(text.strip())
    if match is None or "://" in text:
        return MatchSpec(text.strip(), text.strip(), "")
    version = match["rest"].strip()
    brackets = _BRACKETS.match(version)
    if brackets:
        fields = {field["key"]: field["value"].strip("'\"") for field in _FIELD.finditer(brackets["fields"])}
        version = brackets["before"].strip() or fields.get("version", "")
    return MatchSpec(text.strip(), match["name"].lower(), version)


def _specifier(version: str) -> str:
    built = _BUILT.match(version)
    if built:
        version = built["version"] if "*" in built["version"] else f"=={built['version']}"
    if version in ("", "*", "=*"):
        return ""
    text = ",".join(_part(part.strip()) for part in version.split(","))
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"{version!r} is no version that pip knows") from error
    return text


def _part(part: str) -> str:
    match = _PART.match(part)
    if match is None:
        raise ValueError(f"{part!r} is no version that pip knows")
    operator, version = match["operator"], match["version"]
    begins = version.removesuffix("*").removesuffix(".")
    if operator in ("", "==") and begins == version:
        return f"=={version}"
    if operator in ("", "=", "=="):
        # One = means any version that begins so, with or without a star.
        return f"=={begins}.*"
    return f"{operator}{version if operator == '!=' else begins}"


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
    *("catboost", "category-encoders", "cloudpickle", "dask", "dill", "fastapi", "fastai", "flask"),
    *("gensim", "h2o", "imbalanced-learn", "ipython", "joblib", "keras", "lightgbm", "lime", "matplotlib"),
    *("mlflow", "mlflow-skinny", "nltk", "numba", "numexpr", "numpy", "onnx", "onnxruntime", "optuna"),
    *("pandas", "patsy", "pillow", "plotly", "pmdarima", "polars", "prophet", "protobuf", "pyarrow"),
    *("pydantic", "pyspark", "pytorch-lightning", "pyyaml", "requests", "scikit-image", "scikit-learn"),
    *("scipy", "seaborn", "sentence-transformers", "setuptools", "shap", "six", "skops", "spacy"),
    *("sqlalchemy", "statsmodels", "tensorflow", "tensorflow-cpu", "threadpoolctl", "tokenizers"),
    *("torchaudio", "torchvision", "tqdm", "transformers", "typing-extensions", "xgboost"),
}
# What conda's Python is made of, and numerical libraries that the wheels of numpy, scipy and others bring with them.
_INCLUDED = {
    *("blas", "bzip2", "ca-certificates", "expat", "icu", "intel-openmp", "ld-impl-linux-64"),
    *("ld-impl-linux-aarch64", "libblas", "libcblas", "libexpat", "libffi", "libgcc", "libgcc-ng"),
    *("libgfortran", "libgfortran-ng", "libgfortran4", "libgfortran5", "liblapack", "liblzma", "libnsl"),
    *("libopenblas", "libsqlite", "libstdcxx", "libstdcxx-ng", "libuuid", "libxcrypt", "libzlib"),
    *("llvm-openmp", "mkl", "mkl-service", "ncurses", "nomkl", "openblas", "openssl", "pip", "python-abi"),
    *("readline", "sqlite", "tk", "tzdata", "wheel", "xz", "zlib", "-libgcc-mutex", "-openmp-mutex"),
}
# No Python packages, some with names that others have taken on the index.
_FOREIGN = {
    *("arrow-cpp", "boost", "boost-cpp", "clang", "cmake", "compilers", "cudatoolkit", "cudnn", "curl"),
    *("cxx-compiler", "eigen", "ffmpeg", "fftw", "fontconfig", "freetype", "gcc", "gdal", "geos"),
    *("gfortran", "git", "glib", "gmp", "graphviz", "gxx", "hdf5", "java-jdk", "jpeg", "julia", "lame"),
    *("llvm", "make", "maven", "nccl", "netcdf-fortran", "ninja-base", "nodejs", "octave", "openjdk"),
    *("openmpi", "pandoc", "perl", "poppler", "postgresql", "proj", "protoc", "pytorch-cuda"),
    *("pytorch-mutex", "qt", "r", "r-base", "rust", "scala", "snappy", "spark", "swig", "tesseract"),
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
