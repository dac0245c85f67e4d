"""The pod's annotations, as Kubernetes writes them into a file."""

from __future__ import annotations

import logging

from server.container import read_annotations


def test_annotations(tmp_path):
    file = tmp_path / "annotations"
    file.write_text('seldon.io/grpc-max-message-size="1000"\nnote="a \\"b\\"=c\\nd"\n')
    assert read_annotations(file) == {"seldon.io/grpc-max-message-size": "1000", "note": 'a "b"=c\nd'}


def test_no_file_is_no_annotations(tmp_path):
    assert read_annotations(tmp_path / "annotations") == {}


def test_a_line_that_is_none_is_logged_and_passed_over(tmp_path, caplog):
    file = tmp_path / "annotations"
    file.write_text('a=1\nnothing\nb="2"\n')
    with caplog.at_level(logging.WARNING):
        assert read_annotations(file) == {"b": "2"}
    assert f"""{file}: 'a=1' is passed over: it must be name="value\"""" in caplog.text
    assert "'nothing' is passed over" in caplog.text
