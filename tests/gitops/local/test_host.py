from __future__ import annotations

from gitops.local import host


def test_only_settings_of_package_clients_and_the_locale_pass() -> None:
    passed = {
        "PATH": "/bin",
        "LANG": "C",
        "LC_ALL": "C",
        "UV_CACHE_DIR": "/cache",
        "PIP_INDEX_URL": "https://packages.example",
        "https_proxy": "http://proxy.example",
        "NO_PROXY": "localhost",
        "SSL_CERT_FILE": "/ca.pem",
        "XDG_CACHE_HOME": "/xdg",
    }
    kept_out = {
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "AWS_CA_BUNDLE": "/ca.pem",
        "PYTHONPATH": "/elsewhere",
        "GITHUB_TOKEN": "a secret",
        "UV_PROJECT_ENVIRONMENT": ".venv",
        "SERVICE_TYPE": "MODEL",
    }
    assert host.settings(passed | kept_out) == passed


def test_packages_stay_where_the_user_has_them_whatever_home_a_manifest_sets() -> None:
    assert host.settings({"HOME": "/home/user", "XDG_CONFIG_HOME": "/config"}) == {
        "HOME": "/home/user",
        "XDG_CACHE_HOME": "/home/user/.cache",
        "XDG_CONFIG_HOME": "/config",
        "XDG_DATA_HOME": "/home/user/.local/share",
    }
