"""``keyvault role assignment``."""

import pytest

from .fake import CRYPTO_USER, DEFINITION, OWNER

GROUP = "keyvault role assignment"
CREATE = f"{GROUP} create --hsm-name ContosoMHSM --assignee {OWNER} --role"
LIST = f"{GROUP} list --hsm-name ContosoMHSM"
NAME = "00000000-0000-0000-0000-000000000004"


@pytest.fixture
def assigned(mhsm):
    mhsm.pool()
    return mhsm(
        f"{CREATE} --scope /keys --name {NAME}".replace("--role", ""), "--role", "Managed HSM Crypto User"
    )


def test_create_prints_azs_shape(assigned):
    assert (assigned.code, assigned.json) == (
        0,
        {
            "id": f"/providers/Microsoft.Authorization/roleAssignments/{NAME}",
            "name": NAME,
            "principalId": OWNER,
            "principalName": "Unknown",
            "principalType": "Unknown",
            "roleDefinitionId": DEFINITION + CRYPTO_USER,
            "roleName": "Managed HSM Crypto User",
            "scope": "/keys",
            "type": "Microsoft.Authorization/roleAssignments",
        },
    )


@pytest.mark.parametrize("role", [CRYPTO_USER, DEFINITION + CRYPTO_USER, "managed hsm crypto user"])
def test_a_role_by_id_or_name(mhsm, role):
    mhsm.pool()
    made = mhsm(CREATE, role).json
    assert (made["roleDefinitionId"], made["scope"]) == (DEFINITION + CRYPTO_USER, "/")
    assert len(made["name"]) == 36


def test_an_unknown_role_says_the_near_miss(mhsm):
    mhsm.pool()
    outcome = mhsm(CREATE, "Managed HSM Crypto Usr")
    assert outcome.code == 3
    assert "Did you mean Managed HSM Crypto User" in outcome.err
    assert "Roles: Managed HSM Administrator," in mhsm(CREATE, "Reader of books").err


def test_an_assignee_is_required(mhsm):
    mhsm.pool()
    assert mhsm(f"{GROUP} create --hsm-name ContosoMHSM --role {CRYPTO_USER}").code == 2
    made = mhsm(f"{GROUP} create --hsm-name ContosoMHSM --role {CRYPTO_USER} --assignee-object-id {OWNER}")
    assert made.json["principalId"] == OWNER


def test_an_assignee_by_name_is_the_directorys_business(mhsm):
    mhsm.pool()
    named = f"{GROUP} create --hsm-name ContosoMHSM --role {CRYPTO_USER} --assignee other"
    assert mhsm(named).code == 3
    mhsm.provider.principals["other"] = NAME
    assert mhsm(named).json["principalId"] == NAME


def test_list_and_its_filters(mhsm, assigned):
    mhsm(CREATE, "Managed HSM Administrator")
    assert len(mhsm(LIST).json) == 2
    assert [a["name"] for a in mhsm(f"{LIST} --role {CRYPTO_USER}").json] == [NAME]
    assert [a["name"] for a in mhsm(f"{LIST} --scope /keys").json] == [NAME]
    assert mhsm(f"{LIST} --assignee {NAME}").json == []
    assert "Managed HSM Crypto User" in mhsm(f"{LIST} -o table").out


def test_delete(mhsm, assigned):
    delete = f"{GROUP} delete --hsm-name ContosoMHSM"
    assert mhsm(f"{delete} --scope /keys --name {OWNER}").code == 3
    assert mhsm(f"{delete} --name {NAME} --scope /keys").code == 0
    assert mhsm(LIST).json == []


def test_delete_by_filter_and_by_id(mhsm, assigned):
    delete = f"{GROUP} delete --hsm-name ContosoMHSM"
    made = mhsm(CREATE, "Managed HSM Administrator").json
    assert mhsm(f"{delete} --role {CRYPTO_USER}").code == 0
    assert [a["id"] for a in mhsm(LIST).json] == [made["id"]]
    assert mhsm(f"{delete} --ids {made['id']}").code == 0
    assert mhsm(LIST).json == []


def test_delete_of_everything_must_be_said(mhsm, assigned):
    assert mhsm(f"{GROUP} delete --hsm-name ContosoMHSM").code == 2
    assert len(mhsm(LIST).json) == 1
