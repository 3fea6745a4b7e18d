"""Lists in pages: nothing hidden, nothing twice, whatever comes and goes between two pages."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from azext_mhsmregion.emulator.paging import page
from azext_mhsmregion.model.errors import Invalid

ARM = "management.azure.com"


def walk(control, host, path, query, between=lambda: None):
    """The items of all pages, in order, and how many pages there were."""
    items, pages = [], 0
    while True:
        status, body = control("GET", path, host=host, query=query)
        assert status == 200, body
        items += body["value"]
        pages += 1
        if "nextLink" not in body:
            return items, pages
        link = urlsplit(body["nextLink"])
        assert (link.scheme, link.netloc) == ("https", host)
        path, query = link.path, dict(parse_qsl(link.query))
        between()


@pytest.fixture
def pools(control):
    control.seed(*({"name": f"Pool-{number:03}", "activated": False} for number in range(230)))
    subscription = control.emulator.directory.subscription_id
    return f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/managedHSMs"


@pytest.mark.parametrize(("query", "pages"), [({}, 3), ({"$top": "60"}, 4), ({"$top": "1000"}, 3)])
def test_pools_list_in_pages(control, pools, query, pages):
    items, count = walk(control, ARM, pools, {"api-version": "2023-07-01", **query})
    assert [item["name"] for item in items] == [f"Pool-{number:03}" for number in range(230)]
    assert count == pages


def test_what_comes_between_two_pages_hides_nothing(control, pools):
    new = iter(f"Aaa-{number}" for number in range(9))
    items, _ = walk(
        control, ARM, pools, {"api-version": "2023-07-01"}, lambda: control.seed({"name": next(new)})
    )
    assert [item["name"] for item in items] == [f"Pool-{number:03}" for number in range(230)]


def test_keys_list_25_at_most(control):
    keys = [{"name": f"k{number:02}"} for number in range(60)]
    roles = [{"role": "Managed HSM Crypto User"}]
    control.seed({"name": "ContosoMHSM", "roles": roles, "keys": keys})
    items, count = walk(control, "contosomhsm.managedhsm.azure.net", "/keys", {"api-version": "7.4"})
    assert [item["kid"].rsplit("/", 1)[1] for item in items] == [key["name"] for key in keys]
    assert count == 3


@pytest.mark.parametrize("size", ["0", "-1", "x", ""])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(Invalid, match="from 1 to 25"):
        page([("a", 1)], {"maxresults": size}, "maxresults", 25, "https://x/keys")


def test_the_item_of_the_token_may_be_gone():
    items = [(name, name) for name in "abdef"]
    assert page(items, {"$skiptoken": "c"}, "n", 2, "https://x")["value"] == ["d", "e"]
    assert page(items, {"$skiptoken": "z"}, "n", 2, "https://x") == {"value": []}
