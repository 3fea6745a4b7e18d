"""What the emulator provider adds to the client."""

from __future__ import annotations

import pytest
from scripted import FakeAzure

from azext_mhsmregion.emulator import errors as home_errors
from azext_mhsmregion.emulator.http.environment import proxy_url
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.emulator import connect, translating
from azext_mhsmregion.provider.interface import Replication
from azext_mhsmregion.provider.transport import Call, RequestsTransport


class FakeHome:
    """A home whose handlers are FakeAzure's."""

    principal_id, subscription_id, tenant_id, edition = "owner", "sub-1", "tenant", "2026-04"

    def __init__(self, **regions):
        self.azure, self.loss, self.port, self.callers = FakeAzure(**regions), 0, None, []
        self.last = self.alone = False

    def handle(self, request, caller):
        self.callers.append(caller)
        answer = self.azure.send(
            Call(request.method, f"https://{request.host}{request.path}", body=request.body)
        )
        return Response(answer.status, tuple(answer.headers.items()), answer.body)

    def server_proxy(self, place, client):
        return self.port and proxy_url(self.port, place, client)

    def owner_token(self, audience):
        return "owner-token"

    def ca_bundle(self):
        return "/ca/bundle.pem"

    def cost(self, name):
        if name and name.lower() == "nopool":
            raise NotFound("The managed HSM 'nopool' was not found.")
        return (("contoso", "eastus2", 10.0, 3.2), ("contoso", "uksouth", 2.5, 3.2))

    def replication(self, name, key):
        return False, 3, 1.5, 2

    def expected_seconds(self, kind):
        return 42.0

    def loss_if_removed(self, pool, region):
        return self.loss

    def is_last_alive(self, pool, region):
        return self.last

    def is_last_serving(self, pool, region):
        return self.alone


@pytest.mark.rule("E3")
def test_a_removal_that_would_lose_writes_is_refused_unless_the_loss_is_accepted():
    home = FakeHome(uksouth="Succeeded")
    home.loss = 2
    provider = connect(home)
    plan = provider.plan_region_remove("contoso", "uksouth")
    with pytest.raises(errors.BadRequestError, match="would lose 2 acknowledged writes") as caught:
        provider.remove_region(plan)
    assert "region wait --replicated" in caught.value.hint and "--yes" in caught.value.hint
    assert home.azure.patches == []
    assert not provider.remove_region(plan, accept_loss=True).done


@pytest.mark.rule("E3")
@pytest.mark.parametrize(("writes", "told"), [(1, "1 acknowledged write,"), (2, "2 acknowledged writes,")])
def test_the_removal_of_the_last_region_alive_says_so_and_what_the_way_out_is(writes, told):
    home = FakeHome(uksouth="Succeeded")
    home.loss, home.last = writes, True
    provider = connect(home)
    plan = provider.plan_region_remove("contoso", "uksouth")
    with pytest.raises(errors.BadRequestError, match=f"would lose {told} all that the pool holds") as caught:
        provider.remove_region(plan)
    assert list(plan.warnings) == [caught.value.message]
    assert "no other region of it is alive" in caught.value.message
    for words in ("security domain", "full backup", "new pool", "--yes"):
        assert words in caught.value.hint
    assert "Wait until the regions agree" not in caught.value.hint
    assert not provider.remove_region(plan, accept_loss=True).done


def test_a_last_region_that_holds_nothing_is_removed_as_any_other():
    home = FakeHome(uksouth="Succeeded")
    home.last = True
    provider = connect(home)
    plan = provider.plan_region_remove("contoso", "uksouth")
    assert not plan.warnings
    assert not provider.remove_region(plan).done


def test_the_removal_of_the_last_region_that_serves_is_told_and_refused_unless_it_is_accepted():
    home = FakeHome(uksouth="Succeeded")
    home.alone = True
    provider = connect(home)
    plan = provider.plan_region_remove("contoso", "uksouth")
    with pytest.raises(errors.BadRequestError, match="would leave nobody to answer") as caught:
        provider.remove_region(plan)
    assert list(plan.warnings) == [caught.value.message]
    assert "--yes" in caught.value.hint and home.azure.patches == []
    assert not provider.remove_region(plan, accept_loss=True).done


def test_it_knows_cost_replication_and_durations():
    provider = connect(FakeHome())
    cost = provider.cost("CONTOSO")
    assert [(line.region, line.hours, line.usd) for line in cost.lines] == [
        ("eastus2", 10.0, 32.0),
        ("uksouth", 2.5, 8.0),
    ]
    found = provider.replication("contoso")
    assert found == Replication(agreed=False, exact=True, pending=3, seconds=1.5, lost=2)
    assert provider.add_region(provider.plan_region_add("contoso", "uksouth")).expected_seconds == 42.0


def test_the_cost_of_an_unknown_pool_is_not_found_and_those_there_are_are_named():
    with pytest.raises(errors.NotFoundError, match="'nopool'") as caught:
        connect(FakeHome()).cost("nopool")
    assert caught.value.hint == "The pools here: contoso."


def test_usd_have_no_noise_of_binary_fractions():
    home = FakeHome(uksouth="Succeeded", japaneast="Succeeded")
    home.edition = "2025-04"
    home.cost = lambda name: (("contoso", "eastus2", 3.0, 3.2),)
    provider = connect(home)
    assert provider.cost().lines[0].usd == 9.6
    plan = provider.plan_region_add("contoso", "swedencentral")
    assert (plan.hourly_usd_before, plan.hourly_usd_after) == (9.6, 12.8)


@pytest.mark.rule("E5")
def test_trying_a_failed_region_again_is_priced_with_the_other_failed_ones_that_come_with_it():
    home = FakeHome(uksouth="Failed", japaneast="Failed")
    home.edition = "2025-04"
    again = connect(home).plan_region_add("contoso", "uksouth")
    another = connect(home).plan_region_add("contoso", "swedencentral")
    assert (again.hourly_usd_before, again.hourly_usd_after) == (3.2, 9.6)
    assert (another.hourly_usd_before, another.hourly_usd_after) == (3.2, 6.4)


@pytest.mark.rule("A8")
def test_documented_rules_bind_in_the_homes_edition():
    provider = connect(FakeHome(uksouth="Succeeded"))
    with pytest.raises(errors.BadRequestError, match="maximum of 1"):
        provider.plan_region_add("contoso", "swedencentral")
    assert "2026-04" in provider.list_locations()[1]


def test_in_process_the_caller_is_the_principal_at_its_place():
    home = FakeHome()
    connect(home, "uksouth", "blue").list_pools()
    caller = home.callers[0]
    assert (caller.principal, caller.place, caller.client, caller.region) == (
        "owner",
        "uksouth",
        "blue",
        None,
    )


def test_a_server_on_the_home_is_used_through_its_proxy(monkeypatch):
    home, sent = FakeHome(), []
    home.port = 4711

    def send(self, call):
        sent.append((self.proxies, self.ca_bundle, self.credential.get_token(call.audience)))
        return home.azure.send(call)

    monkeypatch.setattr(RequestsTransport, "send", send)
    assert [pool.name for pool in connect(home, "uksouth", "blue").list_pools()] == ["contoso"]
    assert sent[0][0]["https"] == "http://uksouth:blue@127.0.0.1:4711"
    assert sent[0][1:] == ("/ca/bundle.pem", "owner-token")
    assert home.callers == []


@pytest.mark.parametrize(
    ("place", "client", "user"),
    [
        ("Region.Japan East", "-", "japaneast:-@"),
        ("japaneast", "c:d", "japaneast:c%3Ad@"),
        ("", "c", "-:c@"),
    ],
)
def test_place_and_client_are_quoted_in_the_proxys_url(monkeypatch, place, client, user):
    home, proxies = FakeHome(), []
    home.port = 4711
    monkeypatch.setattr(
        RequestsTransport, "send", lambda self, call: proxies.append(self.proxies) or home.azure.send(call)
    )
    connect(home, place, client).list_pools()
    assert proxies[0]["https"] == f"http://{user}127.0.0.1:4711"


def test_without_a_place_the_proxy_is_asked_for_the_default_one(monkeypatch):
    home, proxies = FakeHome(), []
    home.port = 4711
    monkeypatch.setattr(
        RequestsTransport, "send", lambda self, call: proxies.append(self.proxies) or home.azure.send(call)
    )
    connect(home).list_pools()
    assert proxies[0]["https"] == "http://127.0.0.1:4711"


def test_a_home_that_cannot_be_used_is_a_home_error_with_its_hint():
    home = FakeHome()

    def held(request, caller):
        raise home_errors.HomeHeld("Process 7 holds it.", "Stop it.", 7)

    home.handle = held
    with pytest.raises(errors.HomeError, match="Process 7 holds it.") as caught:
        connect(home).list_pools()
    assert caught.value.hint == "Stop it."


def test_what_the_model_does_not_find_is_not_found():
    with pytest.raises(errors.NotFoundError, match="Gone."), translating():
        raise NotFound("Gone.")
