"""Bad input: each answer of the service becomes its typed error, in the service's words."""

from __future__ import annotations

import json

import pytest
from scripted import FakeAzure, Script, answer, deleted_body, pool_body, provider_over, refusal

from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.answers import error_of


@pytest.mark.parametrize(
    ("status", "code", "kind", "exit_code"),
    [
        (400, "BadRequest", errors.BadRequestError, 1),
        (401, "Unauthorized", errors.AuthenticationError, 1),
        (403, "AuthorizationFailed", errors.ForbiddenError, 1),
        (404, "ResourceGroupNotFound", errors.NotFoundError, 3),
        (409, "Conflict", errors.ConflictError, 1),
        (429, "TooManyRequests", errors.ThrottledError, 1),
        (500, "InternalServerError", errors.ServiceError, 1),
        (503, "ServiceUnavailable", errors.ServiceError, 1),
    ],
)
def test_a_refusal_is_a_typed_error_with_the_services_words(status, code, kind, exit_code):
    script = Script(refusal(status, code, "Words of the service."))
    with pytest.raises(kind) as caught:
        provider_over(script).list_pools()
    assert (caught.value.message, caught.value.code) == ("Words of the service.", code)
    assert caught.value.exit_code == exit_code


@pytest.mark.parametrize("status", [401, 403, 412, 429, 503])
def test_what_to_do_about_it_is_said(status):
    with pytest.raises(errors.ProviderError) as caught:
        provider_over(Script(refusal(status, "Code", "Words."))).list_pools()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("code", "of_arm", "words"),
    [
        ("Conflict", True, "operation under way"),
        ("Conflict", False, ""),
        ("RoleAssignmentExists", False, ""),
        ("VaultAlreadyExists", True, ""),
        ("ConflictError", True, "keyvault recover"),
        ("ObjectIsDeletedButRecoverable", False, "keyvault key recover"),
        ("SecurityDomainTaken", False, "once"),
    ],
)
def test_what_to_do_about_a_conflict_depends_on_its_code(code, of_arm, words):
    hint = error_of(refusal(409, code, "Words."), "the thing", of_arm).hint
    assert (words in hint) if words else hint == ""


def test_the_telling_code_may_stand_inside_the_error():
    inner = {"code": "Conflict", "innererror": {"code": "ObjectIsDeletedButRecoverable"}, "message": "Words."}
    error = error_of(answer(409, {"error": inner}), "the thing", of_arm=True)
    assert error.code == "Conflict"
    assert "keyvault key recover" in error.hint


@pytest.mark.parametrize(
    ("asked", "words"),
    [("7", "wait 7 s (Retry-After)"), ("Tue, 24 Nov 2026 10:00:00 GMT", "wait until Tue, 24 Nov 2026")],
)
def test_how_long_to_wait_has_a_unit(asked, words):
    assert words in error_of(refusal(429, "TooManyRequests", "Slow down.", retry_after=asked), "it").hint


@pytest.mark.parametrize("body", [None, b"<html>gateway</html>", b'"OK"', b"[1]", b'{"error": "no"}'])
def test_a_refusal_without_words_says_what_was_refused(body):
    with pytest.raises(errors.ForbiddenError, match="Forbidden: the list of pools"):
        provider_over(Script(answer(403, body))).list_pools()


def test_an_unknown_pool_in_a_group_gets_the_services_words_and_the_near_miss():
    with pytest.raises(errors.NotFoundError) as caught:
        provider_over(FakeAzure()).get_pool("contosso", "group1")
    assert caught.value.message == "The Resource 'contosso' was not found."
    assert caught.value.hint == "Did you mean contoso?"


def test_an_unknown_pool_nothing_like_any_names_those_there_are():
    with pytest.raises(errors.NotFoundError) as caught:
        provider_over(FakeAzure()).get_pool("zzz")
    assert caught.value.hint == "The pools here: contoso."


def test_a_pool_in_another_group_is_said_to_be_there():
    with pytest.raises(errors.NotFoundError) as caught:
        provider_over(FakeAzure()).get_pool("Contoso", "group2")
    assert caught.value.hint == "contoso is in resource group group1."


@pytest.mark.parametrize("ask", ["get_pool", "list_regions", "delete_pool"])
def test_an_unknown_group_is_no_near_miss_of_a_pool(ask):
    azure = FakeAzure()

    def send(call, inner=azure.send):
        if "/nogroup/" in call.url:
            return refusal(404, "ResourceGroupNotFound", "Resource group 'nogroup' could not be found.")
        return inner(call)

    azure.send = send
    with pytest.raises(errors.NotFoundError, match="'nogroup'") as caught:
        getattr(provider_over(azure), ask)("contosso", "nogroup")
    assert "Did you mean" not in caught.value.hint
    assert "--resource-group" in caught.value.hint


@pytest.mark.rule("D4")
@pytest.mark.parametrize("group", [None, "group1"])
@pytest.mark.parametrize("ask", ["get_pool", "list_regions", "delete_pool"])
def test_a_soft_deleted_pool_is_said_to_be_so_with_the_way_out(ask, group):
    azure = FakeAzure()
    azure.deleted = [deleted_body("Contoso2")]
    with pytest.raises(errors.NotFoundError) as caught:
        getattr(provider_over(azure), ask)("contoso2", group)
    assert caught.value.hint == (
        "Contoso2 was soft-deleted in uksouth. `keyvault recover --hsm-name Contoso2` brings it back, "
        "`keyvault purge --hsm-name Contoso2` ends it for good."
    )


def test_who_may_not_list_deleted_pools_gets_the_near_miss():
    azure = FakeAzure()
    azure.deleted = refusal(403, "AuthorizationFailed", "No.")
    with pytest.raises(errors.NotFoundError) as caught:
        provider_over(azure).get_pool("contosso")
    assert caught.value.hint == "Did you mean contoso?"


@pytest.mark.rule("D1")
def test_an_extended_pool_that_is_not_deleted_gets_the_commands_that_make_it_deletable():
    words = "Soft delete of a pool contoso that is extended to regions (uksouth, japaneast) is not allowed."
    with pytest.raises(errors.BadRequestError) as caught:
        provider_over(Script(refusal(400, "400", words))).delete_pool("contoso", "group1")
    assert caught.value.message == words
    assert "`keyvault region remove --hsm-name contoso --region uksouth`" in caught.value.hint
    assert "`keyvault region remove --hsm-name contoso --region japaneast`" in caught.value.hint


def test_an_unknown_pool_keeps_its_error_when_the_list_is_refused():
    script = Script(refusal(404, "ResourceNotFound", "Gone."), refusal(403, "No", "No."))
    with pytest.raises(errors.NotFoundError, match="Gone."):
        provider_over(script).get_pool("contoso", "group1")


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"", {}, "it is empty"),
        (b"<html>proxy</html>", {"content_type": "text/html"}, r"not JSON \(text/html"),
        (b"\xff\xfe\x00", {}, "not JSON"),
        (json.dumps({"value": [pool_body()]}).encode()[:-40], {}, "truncated after"),
        (b'{"value": []', {"content_length": "99"}, "truncated .12 of 99 bytes"),
        (b"[]", {}, "not a JSON object"),
        (b"{}", {}, "lacks the field value"),
        (b'{"value": [1]}', {}, "lacks the field value"),
        (b'{"value": [{}]}', {}, "lacks the field id"),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_bad_answer(body, headers, words):
    with pytest.raises(errors.BadAnswerError, match=words):
        provider_over(Script(answer(200, body, **headers))).list_pools()


@pytest.mark.parametrize("path", ["name", "location", "properties.provisioningState", "properties.hsmUri"])
def test_a_missing_field_is_named(path):
    body = pool_body()
    holder = body
    *parents, last = path.split(".")
    for parent in parents:
        holder = holder[parent]
    del holder[last]
    with pytest.raises(errors.BadAnswerError, match=f"lacks the field {path}"):
        provider_over(Script(answer(200, {"value": [body]}))).list_pools()


def test_a_region_without_is_primary_is_a_bad_answer():
    regions = {"value": [{"name": "eastus2", "provisioningState": "Succeeded"}]}
    script = Script(answer(200, {"value": [pool_body()]}), answer(200, regions))
    with pytest.raises(errors.BadAnswerError, match="isPrimary"):
        provider_over(script).list_regions("contoso")


def test_a_redirect_is_not_followed():
    with pytest.raises(errors.BadAnswerError, match=r"redirected to https://login\.hotel"):
        provider_over(Script(answer(302, location="https://login.hotel"))).list_pools()


def test_pages_are_followed_within_the_services_own_names():
    first = {
        "value": [pool_body()],
        "nextLink": "https://management.azure.com/subscriptions/sub-1/more?$skiptoken=2",
    }
    script = Script(answer(200, first), answer(200, {"value": [pool_body("fabrikam")]}))
    assert [pool.name for pool in provider_over(script).list_pools()] == ["contoso", "fabrikam"]
    assert script.calls[1].url == first["nextLink"]


@pytest.mark.parametrize("link", ["https://evil.example/more", "http://management.azure.com/more"])
def test_no_token_follows_a_link_elsewhere(link):
    script = Script(answer(200, {"value": [], "nextLink": link}))
    with pytest.raises(errors.BadAnswerError, match="not one of its own names"):
        provider_over(script).list_pools()
    assert len(script.calls) == 1


def test_regions_are_listed_primary_first_whatever_the_order():
    listed = provider_over(FakeAzure(uksouth="Succeeded")).list_regions("contoso", "group1")
    assert [(region.name, region.is_primary) for region in listed] == [("eastus2", True), ("uksouth", False)]
