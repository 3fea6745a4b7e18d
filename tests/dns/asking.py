"""Asks DNS: packets of dnspython's making, read by dnspython."""

from __future__ import annotations

from typing import Any, List, Optional

import dns.message
import dns.rdatatype

from azext_mhsmregion.emulator.dns import answers

POOL = "contosomhsm.managedhsm.azure.net"
NOBODY = "nobody.managedhsm.azure.net"
ARM = "management.azure.com"
CONTROL_ADDRESS = "127.43.0.1"


def query(name: str, kind: str = "A", **more: Any) -> dns.message.QueryMessage:
    return dns.message.make_query(name, kind, **more)


def asked(emulator: Any, name: str, kind: str = "A", place: str = "", **more: Any) -> dns.message.Message:
    """What the responder answers, in process; the answer fits the query."""
    question = query(name, kind, **more)
    packet = answers.answer(question.to_wire(), place, emulator.locate)
    assert packet is not None
    response = dns.message.from_wire(packet)
    assert question.is_response(response)
    return response


def lines(response: dns.message.Message) -> List[str]:
    """The records of the answer section, one a line."""
    return [line for record in response.answer for line in record.to_text().splitlines()]


def address(response: dns.message.Message) -> Optional[str]:
    """The address at the end of the answer, None where there is none."""
    found = [record for record in response.answer if record.rdtype == dns.rdatatype.A]
    return found[-1][0].address if found else None
