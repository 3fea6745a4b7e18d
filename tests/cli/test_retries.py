"""What the provider says while it tries again reaches the user."""

from azext_mhsmregion.cli import app
from azext_mhsmregion.provider import selection

from .fake import Clock, FakeProvider


def test_each_retry_is_one_line_on_stderr(monkeypatch, tmp_path, caplog):
    def select(**settings):
        settings["on_retry"]("HTTP 503 from management.azure.com; trying again in 2 s.")
        return FakeProvider(Clock())

    monkeypatch.setenv("MHSMREGION_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(selection, "select", select)
    assert app.main(["keyvault", "list"]) == 0
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["HTTP 503 from management.azure.com; trying again in 2 s."]
