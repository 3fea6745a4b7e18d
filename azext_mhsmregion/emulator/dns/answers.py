"""One DNS packet in, one out; no sockets and no cache. Names are looked up by a function that is
handed in; the wire format is dnspython's (RFC 1035, 2308, 6891, 8482).

A pool's global name is an alias of its region's name, as the traffic manager answers it (A5); that
one has the region's address (A6). Whatever is not the emulator's own name is REFUSED.
"""

from __future__ import annotations

import struct
from typing import Callable, List, Optional

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from azext_mhsmregion.emulator.dns import addresses
from azext_mhsmregion.emulator.hosts import CONTROL_HOST, POOL_SUFFIX
from azext_mhsmregion.emulator.wire import Location, NameKind

Lookup = Callable[[str, str], Location]
"""What a host (lower case, no dot at the end) is to a client at a place ("": the default one)."""

POOLS = POOL_SUFFIX[1:]
"""The zone of all pools."""

LONGEST_UDP = 1232
"""Bytes of an answer over UDP at most, whatever the client could take (DNS flag day 2020)."""
LONGEST_TCP = 65535
_SHORTEST_LIMIT = 512
_HEADER = struct.Struct("!HHHHHH")
_OPCODE = 0x7800
_SERVER = f"{CONTROL_HOST}."
_REFRESH = "3600 600 86400"
_TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR, dns.rdatatype.MAILA, dns.rdatatype.MAILB)

RRset = dns.rrset.RRset


def answer(packet: bytes, place: str, lookup: Lookup, over_udp: bool = True) -> Optional[bytes]:
    """The answer to a client at ``place``; None where a packet deserves none."""
    if len(packet) < _HEADER.size:
        return None
    flags = _HEADER.unpack_from(packet)[1]
    if flags & dns.flags.QR:
        return None
    if flags & _OPCODE:  # all but QUERY
        return _header_only(packet, dns.rcode.NOTIMP)
    try:
        query = dns.message.from_wire(packet)
    except (dns.exception.DNSException, ValueError):
        return _header_only(packet, dns.rcode.FORMERR)
    if len(query.question) != 1:
        return _header_only(packet, dns.rcode.FORMERR)
    response = dns.message.make_response(query, recursion_available=True, our_payload=LONGEST_UDP)
    _fill(response, query, place, lookup)
    return _rendered(response, _limit(query) if over_udp else LONGEST_TCP)


def _fill(response: dns.message.Message, query: dns.message.Message, place: str, lookup: Lookup) -> None:
    question = query.question[0]
    if query.edns > 0:
        response.set_rcode(dns.rcode.BADVERS)
        return
    host = question.name.to_text(omit_final_dot=True).lower()
    found = Location(NameKind.FOREIGN)
    if question.rdclass == dns.rdataclass.IN and question.rdtype not in _TRANSFERS:
        found = lookup(host, place)
    if found.kind is NameKind.FOREIGN:
        response.set_rcode(dns.rcode.REFUSED)
        return
    response.flags |= dns.flags.AA
    response.answer.extend(_records(question, host, found))
    if found.kind is NameKind.NXDOMAIN:
        response.set_rcode(dns.rcode.NXDOMAIN)
    if not _is_answered(question.rdtype, response.answer):
        response.authority.append(_soa(dns.name.from_text(_zone(host)), found.ttl))


def _records(question: RRset, host: str, found: Location) -> List[RRset]:
    """What is said of the name; under the very spelling that the client asked with."""
    name, wanted, made = question.name, question.rdtype, []
    any_will_do = wanted == dns.rdatatype.ANY
    if found.kind is NameKind.NXDOMAIN:
        return []
    if found.alias_of:
        made.append(dns.rrset.from_text(name, found.ttl, "IN", "CNAME", f"{found.alias_of}."))
        if any_will_do:
            return made
        name = dns.name.from_text(found.alias_of)
    if host != POOLS and (wanted == dns.rdatatype.A or any_will_do):
        made.append(dns.rrset.from_text(name, found.ttl, "IN", "A", _address(found)))
    if _zone(host) == host and (wanted == dns.rdatatype.SOA or (any_will_do and not made)):
        made.append(_soa(name, found.ttl))
    if _zone(host) == host and wanted == dns.rdatatype.NS:
        made.append(dns.rrset.from_text(name, found.ttl, "IN", "NS", _SERVER))
    return made


def _is_answered(wanted: int, records: List[RRset]) -> bool:
    return any(wanted in (record.rdtype, dns.rdatatype.ANY) for record in records)


def _address(found: Location) -> str:
    return addresses.CONTROL_PLANE if found.region is None else addresses.of_region(found.region)


def _zone(host: str) -> str:
    """The zone of a name of ours: each name of the control plane is one of its own."""
    return POOLS if host.endswith(f".{POOLS}") else host


def _soa(zone: dns.name.Name, ttl: int) -> RRset:
    """That a name is not there is remembered as long as that it is."""
    text = f"{_SERVER} hostmaster.{_SERVER} 1 {_REFRESH} {ttl}"
    return dns.rrset.from_text(zone, ttl, "IN", "SOA", text)


def _limit(query: dns.message.Message) -> int:
    """Bytes that the client takes over UDP."""
    return min(LONGEST_UDP, max(_SHORTEST_LIMIT, query.payload if query.edns >= 0 else 0))


def _rendered(response: dns.message.Message, limit: int) -> bytes:
    """An answer that is too long for UDP says so, and the client asks again over TCP."""
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.flags |= dns.flags.TC
        response.answer, response.authority = [], []
        return response.to_wire(max_size=limit)


def _header_only(packet: bytes, code: dns.rcode.Rcode) -> bytes:
    """An error whose question cannot be repeated."""
    number, flags = _HEADER.unpack_from(packet)[:2]
    kept = flags & (_OPCODE | dns.flags.RD)
    return _HEADER.pack(number, kept | dns.flags.QR | dns.flags.RA | code, 0, 0, 0, 0)
