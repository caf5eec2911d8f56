from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from aclkit.tailcfg import (
    ALL_PORTS,
    CapGrant,
    FilterRule,
    NetPortRange,
    PortRange,
    SSHAction,
    SSHRule,
    WireError,
)

ANYWHERE = NetPortRange("*", ALL_PORTS)


def written(value: FilterRule | SSHRule) -> str:
    return json.dumps(value.to_dict(), separators=(",", ":"))


def test_a_rule_for_ports_has_no_empty_fields() -> None:
    rule = FilterRule(("100.64.0.1",), (NetPortRange("100.64.0.2", PortRange(22, 22)),))
    assert written(rule) == (
        '{"SrcIPs":["100.64.0.1"],"DstPorts":[{"IP":"100.64.0.2","Ports":{"First":22,"Last":22}}]}'
    )


def test_protocols_stand_after_ports() -> None:
    rule = FilterRule(("*",), (ANYWHERE,), ip_proto=(6, 17))
    assert written(rule) == (
        '{"SrcIPs":["*"],"DstPorts":[{"IP":"*","Ports":{"First":0,"Last":65535}}],"IPProto":[6,17]}'
    )


def test_a_rule_for_capabilities_keeps_its_empty_sources() -> None:
    grant = CapGrant(("100.64.0.1/32",), {"example.com/cap/x": ()})
    rule = FilterRule((), cap_grant=(grant,))
    assert written(rule) == (
        '{"SrcIPs":[],"CapGrant":[{"Dsts":["100.64.0.1/32"],"CapMap":{"example.com/cap/x":[]}}]}'
    )


def test_capability_values_are_verbatim_and_null_stays_null() -> None:
    values = ({"shares": ["*"], "n": 1.0}, True, None, "text")
    grant = CapGrant(("100.64.0.1/32",), {"b.com/x": values, "a.com/x": None})
    assert grant.to_dict()["CapMap"] == {"a.com/x": None, "b.com/x": list(values)}
    assert list(grant.to_dict()["CapMap"]) == ["a.com/x", "b.com/x"]


def test_a_rule_has_either_ports_or_capabilities() -> None:
    grant = CapGrant(("100.64.0.1/32",), {"a.com/x": None})
    with pytest.raises(ValueError, match="either DstPorts or CapGrant"):
        FilterRule(("*",))
    with pytest.raises(ValueError, match="either DstPorts or CapGrant"):
        FilterRule(("*",), (ANYWHERE,), cap_grant=(grant,))


@pytest.mark.parametrize(("first", "last"), [(-1, 5), (2, 1), (0, 65536)])
def test_a_port_range_stays_within_the_ports_and_in_order(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="not a range of ports"):
        PortRange(first, last)


def test_only_zero_to_65535_is_all_ports() -> None:
    assert ALL_PORTS.is_all
    assert not PortRange(1, 65535).is_all
    assert 22 in PortRange(22, 23)
    assert 24 not in PortRange(22, 23)


def test_an_accepted_session_names_what_it_allows() -> None:
    action = SSHAction(
        accept=True,
        allow_agent_forwarding=True,
        allow_local_port_forwarding=True,
        allow_remote_port_forwarding=True,
    )
    rule = SSHRule(("100.64.0.1", "fd7a::1"), {"root": "", "*": "="}, action)
    assert written(rule) == (
        '{"principals":[{"nodeIP":"100.64.0.1"},{"nodeIP":"fd7a::1"}],'
        '"sshUsers":{"*":"=","root":""},'
        '"action":{"accept":true,"allowAgentForwarding":true,'
        '"allowLocalPortForwarding":true,"allowRemotePortForwarding":true}}'
    )


def test_a_held_session_names_the_url_alone() -> None:
    rule = SSHRule((), {"root": "root"}, SSHAction(hold_and_delegate="https://x/y"), ("GIT_*",))
    assert written(rule) == (
        '{"principals":[],"sshUsers":{"root":"root"},'
        '"action":{"holdAndDelegate":"https://x/y"},"acceptEnv":["GIT_*"]}'
    )


def test_a_rule_reads_back_from_its_json() -> None:
    grant = CapGrant(("100.64.0.1/32",), {"a.com/x": ({"v": 1},), "a.com/y": None})
    for rule in (
        FilterRule(("*", "10.0.0.0/8"), (ANYWHERE, ANYWHERE), (6,)),
        FilterRule((), cap_grant=(grant, grant)),
    ):
        assert FilterRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
        assert pickle.loads(pickle.dumps(rule)) == rule


def test_null_is_read_as_an_empty_list() -> None:
    rule = FilterRule.from_dict(
        {"SrcIPs": None, "DstPorts": [ANYWHERE.to_dict()], "IPProto": None, "CapGrant": None}
    )
    assert rule == FilterRule((), (ANYWHERE,))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "rule: expected an object"),
        ({}, "rule: a rule has either DstPorts or CapGrant"),
        ({"SrcBits": [8]}, "rule: unknown field `SrcBits`"),
        ({"srcIPs": ["*"]}, "rule: unknown field `srcIPs`"),
        ({"SrcIPs": "*"}, "rule.SrcIPs: expected an array"),
        ({"SrcIPs": [4]}, "rule.SrcIPs: expected a string"),
        ({"IPProto": [True]}, "rule.IPProto: expected an integer"),
        ({"IPProto": ["6"]}, "rule.IPProto: expected an integer"),
        ({"DstPorts": [{"Bits": 8}]}, "rule.DstPorts[0]: unknown field `Bits`"),
        ({"DstPorts": [{"IP": "*"}]}, "rule.DstPorts[0].Ports: expected an object"),
        (
            {"DstPorts": [{"IP": "*", "Ports": {"First": 1}}]},
            "rule.DstPorts[0].Ports.Last: expected an integer",
        ),
        (
            {"DstPorts": [{"IP": "*", "Ports": {"First": 2, "Last": 1}}]},
            "rule.DstPorts[0].Ports: not a range of ports: 2-1",
        ),
        (
            {"DstPorts": [{"IP": None, "Ports": {"First": 1, "Last": 1}}]},
            "rule.DstPorts[0].IP: expected a string",
        ),
        (
            {"CapGrant": [{"Dsts": [], "CapMap": {"x": 1}}]},
            "rule.CapGrant[0].CapMap['x']: expected an array",
        ),
        ({"CapGrant": [{"Caps": ["x"]}]}, "rule.CapGrant[0]: unknown field `Caps`"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(data: object, message: str) -> None:
    if isinstance(data, dict) and "DstPorts" not in data and "CapGrant" not in data and data:
        data = {**data, "DstPorts": [ANYWHERE.to_dict()]}
    with pytest.raises(WireError) as refused:
        FilterRule.from_dict(data)
    assert str(refused.value) == message


def recorded_rules(recording: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for node in recording["expect"].values() for rule in node["packet_filter_rules"]]


def test_recorded_rules_are_read_and_written_without_change(recordings: Path) -> None:
    count = 0
    for path in sorted(recordings.glob("*/*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        for data in recorded_rules(recording) if recording.get("expect") else ():
            assert json.dumps(FilterRule.from_dict(data).to_dict()) == json.dumps(data)
            count += 1
    assert count > 0
