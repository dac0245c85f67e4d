"""The interface is what the command line and the settings say."""

from __future__ import annotations

from server.image_interface import interface


def test_verbs_have_their_arguments_and_options() -> None:
    verbs = interface()["verbs"]
    assert verbs["fetch"] == {"arguments": ["SOURCE", "DEST"], "options": {"--digest": "sha256:…"}}
    assert verbs["serve"] == {"arguments": [], "options": {"--environment": "ENV"}}
    assert verbs["inspect"]["options"] == {"--json": None}


def test_settings_and_parameters_have_their_choices() -> None:
    content = interface()
    assert content["settings"]["SERVICE_TYPE"] == ["MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER"]
    # The second name of a setting is one too.
    assert content["settings"]["AWS_TOKEN"] == []
    assert content["parameters"]["xtype"] == ["auto", "ndarray", "DataFrame"]
    assert "seldon.io/grpc-max-message-size" in content["annotations"]
