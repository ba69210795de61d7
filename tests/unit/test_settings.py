import pytest

from contacts.runtime import settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "contacts-prod")
    monkeypatch.setenv("KEY_PEPPER_SECRET", "secret")
    assert (settings.table_name(), settings.key_pepper_secret()) == ("contacts-prod", "secret")


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(settings.SettingMissing, match=r"^The environment variable TABLE_NAME is missing or empty; "):
        settings.table_name()


def test_an_empty_setting_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_PEPPER_SECRET", "")
    with pytest.raises(
        settings.SettingMissing, match=r"^The environment variable KEY_PEPPER_SECRET is missing or empty; "
    ):
        settings.key_pepper_secret()
