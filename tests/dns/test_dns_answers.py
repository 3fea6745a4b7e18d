"""The DNS responder on bytes: in process, under the manual clock."""

from __future__ import annotations

import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from asking import ARM, CONTROL_ADDRESS, NOBODY, POOL, address, asked, lines, query
from hypothesis import given
from hypothesis import strategies as st
from rules.harness import DAY, EXTENDED, PRIMARY, THIRD

from azext_mhsmregion.emulator import traffic
from azext_mhsmregion.emulator.dns import addresses, answers
from azext_mhsmregion.emulator.wire import Location, NameKind
from azext_mhsmregion.model.regions import catalogue

SOA = "emulator.mhsmregion.internal. hostmaster.emulator.mhsmregion.internal. 1 3600 600 86400"


def region_of(world, place=PRIMARY):
    """The region that a client at ``place`` is told now."""
    return addresses.entrances()[address(asked(world.emulator, POOL, place=place))]


# -- names that exist --------------------------------------------------------------------


def test_the_global_name_is_an_alias_of_the_nearest_regions_name(world):
    for place in (PRIMARY, EXTENDED):
        told = asked(world.emulator, POOL, place=place)
        assert lines(told) == [
            f"{POOL}. 5 IN CNAME {place}.{POOL}.",
            f"{place}.{POOL}. 5 IN A {addresses.of_region(place)}",
        ]
        assert told.flags & dns.flags.AA
        assert told.rcode() == dns.rcode.NOERROR
        assert not told.authority


def test_who_stands_nowhere_stands_in_the_default_place(world):
    assert region_of(world, "") == PRIMARY
    world.configure(place=EXTENDED)
    assert region_of(world, "") == EXTENDED


def test_a_regional_name_has_its_regions_address(world):
    told = asked(world.emulator, f"{EXTENDED}.{POOL}", place=PRIMARY)
    assert lines(told) == [f"{EXTENDED}.{POOL}. 5 IN A {addresses.of_region(EXTENDED)}"]


@pytest.mark.parametrize("host", [ARM, "login.microsoftonline.com", "graph.microsoft.com"])
def test_the_control_planes_names_have_an_address_of_their_own(world, host):
    told = asked(world.emulator, host)
    assert lines(told) == [f"{host}. 5 IN A {CONTROL_ADDRESS}"]
    assert lines(asked(world.emulator, host, "NS")) == [f"{host}. 5 IN NS emulator.mhsmregion.internal."]


def test_the_name_server_has_an_address(world):
    assert address(asked(world.emulator, "emulator.mhsmregion.internal")) == CONTROL_ADDRESS


def test_the_clients_spelling_comes_back(world):
    spelt = "CoNtOsOmHsM.mAnAgEdHsM.aZuRe.NeT."
    told = asked(world.emulator, spelt)
    assert told.question[0].name.to_text() == spelt
    assert told.answer[0].name.to_text() == spelt


# -- kinds of records --------------------------------------------------------------------


def test_there_are_no_ipv6_addresses(world):
    told = asked(world.emulator, POOL, "AAAA", place=PRIMARY)
    assert told.rcode() == dns.rcode.NOERROR
    assert lines(told) == [f"{POOL}. 5 IN CNAME {PRIMARY}.{POOL}."]
    assert told.authority[0].to_text() == f"managedhsm.azure.net. 5 IN SOA {SOA} 5"
    for host in (f"{PRIMARY}.{POOL}", ARM):
        told = asked(world.emulator, host, "AAAA")
        assert (told.rcode(), lines(told), len(told.authority)) == (dns.rcode.NOERROR, [], 1)


def test_the_alias_alone(world):
    for kind in ("CNAME", "ANY"):
        told = asked(world.emulator, POOL, kind, place=PRIMARY)
        assert lines(told) == [f"{POOL}. 5 IN CNAME {PRIMARY}.{POOL}."]
        assert not told.authority


@pytest.mark.parametrize("host", [f"{PRIMARY}.{POOL}", ARM])
def test_any_is_answered_with_one_record(world, host):
    told = asked(world.emulator, host, "ANY")
    assert [record.rdtype for record in told.answer] == [dns.rdatatype.A]
    assert not told.authority


def test_the_zone_of_pools(world):
    zone = "managedhsm.azure.net"
    assert lines(asked(world.emulator, zone, "SOA")) == [f"{zone}. 5 IN SOA {SOA} 5"]
    assert lines(asked(world.emulator, zone, "ANY")) == [f"{zone}. 5 IN SOA {SOA} 5"]
    assert lines(asked(world.emulator, zone, "NS")) == [f"{zone}. 5 IN NS emulator.mhsmregion.internal."]
    bare = asked(world.emulator, zone)
    assert (bare.rcode(), lines(bare), len(bare.authority)) == (dns.rcode.NOERROR, [], 1)


# -- names that do not -------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", [NOBODY, f"{THIRD}.{POOL}", f"a.b.{POOL}", "x.privatelink.managedhsm.azure.net"]
)
@pytest.mark.parametrize("kind", ["A", "AAAA", "ANY", "SOA"])
def test_a_pool_that_does_not_exist(world, host, kind):
    told = asked(world.emulator, host, kind)
    assert told.rcode() == dns.rcode.NXDOMAIN
    assert not told.answer
    assert told.authority[0].to_text() == f"managedhsm.azure.net. 5 IN SOA {SOA} 5"


@pytest.mark.parametrize(
    "host", [".", "com", "example.com", f"x.{ARM}", "xmanagedhsm.azure.net", "azure.net"]
)
def test_every_other_name_is_refused(world, host):
    told = asked(world.emulator, host)
    assert told.rcode() == dns.rcode.REFUSED
    assert not told.answer
    assert not told.authority


@pytest.mark.parametrize(("kind", "what"), [("A", "CH"), ("TXT", "CH"), ("AXFR", "IN"), ("MAILB", "IN")])
def test_other_classes_and_transfers_are_refused(world, kind, what):
    told = asked(world.emulator, POOL, kind, rdclass=what)
    assert told.rcode() == dns.rcode.REFUSED


def test_a_deleted_pools_name_is_gone(world):
    assert region_of(world) == PRIMARY
    world.configure(advance_on_poll=True)
    world.shrink(EXTENDED)
    world.finish(world.delete_pool()).ok()
    assert asked(world.emulator, POOL).rcode() == dns.rcode.NXDOMAIN


# -- time --------------------------------------------------------------------------------


def test_f5_the_ttl_is_the_settings_in_real_time(world):
    def ttl(name=POOL):
        return asked(world.emulator, name).answer[0].ttl

    world.configure(durations={"dns.ttl": 30})
    assert ttl() == ttl(ARM) == 30
    world.emulator.set_clock(lambda clock, real: clock.with_mode(real, "scaled", 10))
    assert ttl() == 3
    world.emulator.set_clock(lambda clock, real: clock.with_mode(real, "scaled", 1e6))
    assert ttl() == 0
    world.emulator.set_clock(lambda clock, real: clock.with_mode(real, "scaled", 1e-6))
    assert ttl() == 7 * DAY


def test_f7_another_region_after_detection_and_not_before(world):
    with world.emulator.parts.reading() as unit:
        probes = traffic.conditions(unit).probes
    assert region_of(world) == PRIMARY
    world.break_("region", PRIMARY)
    took = 0
    while region_of(world) == PRIMARY:
        assert took * 1000 <= probes.slowest_detection
        world.advance(1)
        took += 1
    assert probes.fastest_detection <= took * 1000 <= probes.slowest_detection
    assert region_of(world) == EXTENDED
    assert address(asked(world.emulator, f"{PRIMARY}.{POOL}")) == addresses.of_region(PRIMARY)


def test_f9_back_within_a_probes_interval(world):
    fault = world.break_("region", PRIMARY)
    world.advance(60)
    assert region_of(world) == EXTENDED
    world.clear(fault).ok()
    world.advance(10)
    assert region_of(world) == PRIMARY


# -- the wire ----------------------------------------------------------------------------


def answered(packet, locate=None):
    """The raw answer; only FOREIGN is known unless told."""
    return answers.answer(packet, "", locate or (lambda host, place: Location(NameKind.FOREIGN)))


def test_edns_is_spoken_and_its_options_are_passed_over(world):
    subnet = dns.edns.ECSOption("192.0.2.0", 24)
    cookie = dns.edns.GenericOption(10, b"12345678")
    told = asked(world.emulator, POOL, use_edns=0, payload=4096, options=[subnet, cookie])
    assert (told.edns, told.payload, len(told.options)) == (0, answers.LONGEST_UDP, 0)
    assert address(told) is not None
    assert asked(world.emulator, POOL).edns == -1


def test_a_later_edns_is_told_so(world):
    told = asked(world.emulator, POOL, use_edns=1)
    assert (told.rcode(), told.edns, told.answer) == (dns.rcode.BADVERS, 0, [])


@pytest.mark.parametrize(("payload", "is_cut"), [(None, True), (100, True), (512, True), (1232, False)])
def test_an_answer_that_is_too_long_for_udp_is_cut_and_says_so(payload, is_cut):
    asked_for = ".".join(["l" * 60] * 3) + f".{'m' * 30}.{POOL}"
    found = Location(NameKind.OURS, PRIMARY, ".".join(["n" * 61] * 4), 5)
    edns = {} if payload is None else {"use_edns": 0, "payload": payload}
    packet = query(asked_for, **edns).to_wire()

    over_udp, over_tcp = (
        dns.message.from_wire(answers.answer(packet, "", lambda *_: found, way)) for way in (True, False)
    )

    assert bool(over_udp.flags & dns.flags.TC) is is_cut
    assert (over_udp.answer == []) is is_cut
    assert over_udp.question == over_tcp.question
    assert not over_tcp.flags & dns.flags.TC
    assert len(over_tcp.answer) == 2


def header(flags, questions=1, number=7):
    return struct.pack("!HHHHHH", number, flags, questions, 0, 0, 0)


@pytest.mark.parametrize("packet", [b"", b"\0", b"\0" * 11, header(dns.flags.QR) + b"\0\0\1\0\1"])
def test_what_is_no_query_gets_nothing(packet):
    assert answered(packet) is None


@pytest.mark.parametrize(
    "packet",
    [
        header(dns.flags.RD),
        header(dns.flags.RD) + b"\x3fshort",
        header(dns.flags.RD) + b"\xc0\x0c\0\1\0\1",
        header(dns.flags.RD) + b"\0\0\1\0\1 and more",
        header(dns.flags.RD, 0),
        header(dns.flags.RD, 2) + b"\0\0\1\0\1" * 2,
    ],
)
def test_what_cannot_be_read_is_a_format_error(packet):
    assert answered(packet) == header(dns.flags.QR | dns.flags.RD | dns.flags.RA | dns.rcode.FORMERR, 0)


@pytest.mark.parametrize("operation", [1, 2, 4, 5, 6, 15])
def test_other_operations_are_not_implemented(operation):
    told = answered(header(operation << 11) + b"\0\0\1\0\1")
    assert told == header(dns.flags.QR | dns.flags.RA | operation << 11 | dns.rcode.NOTIMP, 0)


@given(st.binary(max_size=60), st.integers(0, 7), st.integers(0, 3), st.integers(0, 2))
def test_no_packet_is_a_crash(rest, questions, others, extra):
    for packet in (rest, struct.pack("!HHHHHH", 1, 0x100, questions, others, 0, extra) + rest):
        told = answered(packet)
        assert told is None or dns.message.from_wire(told, question_only=True).flags & dns.flags.QR


@given(st.integers(0, 100), st.binary(min_size=1, max_size=4), st.integers(0, 4))
def test_no_damaged_query_is_a_crash(where, damage, cut):
    packet = bytearray(query(POOL, use_edns=0, options=[dns.edns.ECSOption("192.0.2.0", 24)]).to_wire())
    packet[where : where + len(damage)] = damage
    told = answered(bytes(packet[: len(packet) - cut]))
    assert told is None or dns.message.from_wire(told, question_only=True).flags & dns.flags.QR


# -- addresses ---------------------------------------------------------------------------


def test_each_region_has_an_address_of_its_own_in_the_catalogues_order():
    regions = list(catalogue().regions)
    found = addresses.entrances()
    assert found.pop(CONTROL_ADDRESS) == ""
    assert list(found.values()) == regions
    assert [addresses.of_region(region) for region in regions] == list(found)
    assert list(found)[0] == "127.43.1.1"
    assert all(one.startswith("127.43.") for one in found)
