"""Bad input: each answer of the service becomes its typed error, in the service's words."""

from __future__ import annotations

import json

import pytest
from scripted import FakeAzure, Script, answer, pool_body, provider_over, refusal

from azext_mhsmregion.provider import errors


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


@pytest.mark.parametrize("status", [401, 403, 409, 429, 503])
def test_what_to_do_about_it_is_said(status):
    with pytest.raises(errors.ProviderError) as caught:
        provider_over(Script(refusal(status, "Code", "Words."))).list_pools()
    assert caught.value.hint


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
