"""What a run must have at hand. CI says so, and then a missing thing fails the run: a suite that
skips itself proves nothing."""

import os

import pytest
from shared_data import az_folder, folder, is_there

RECORDINGS = ("mhsm_region", "hsm_mgmt", "hsm_security_domain", "hsm_key_using_hsm_name", "hsm_role",
              "hsm_setting", "hsm_key_encrypt_AES", "hsm_key_random", "hsm_full_backup_restore")  # fmt: skip
AZ_VERSIONS = ("2.48.1", "2.91.0")


def pytest_configure(config):
    if os.environ.get("MHSMREGION_REQUIRE_RECORDINGS"):
        missing = [name for name in RECORDINGS if not is_there(name)]
        if missing:
            raise pytest.UsageError(f"recordings missing in {folder() / 'golden'}: {', '.join(missing)}")
    if os.environ.get("MHSMREGION_REQUIRE_AZ"):
        missing = [name for name in AZ_VERSIONS if not (az_folder() / name / "bin" / "az").exists()]
        if missing:
            raise pytest.UsageError(f"az missing in {az_folder()}: {', '.join(missing)} (make az-env)")
