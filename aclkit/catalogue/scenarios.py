"""Codes of tests that fail, of scenario files, and of what the verdicts on tests hide."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _mistake(code: str, title: str, *, why: str, repair: str) -> Entry:
    return Entry(
        code=code,
        severity=Severity.ERROR,
        title=title,
        why=f"{why} An example of a whole scenario is in docs/scenarios.md.",
        example="",
        repair=repair,
    )


def _hidden(code: str, title: str, *, why: str, repair: str) -> Entry:
    return Entry(
        code=code,
        severity=Severity.WARNING,
        title=title,
        why=f"{why} `aclkit test` tells it beside a test. It takes a tailnet, so no example is"
        " of a policy alone.",
        example="",
        repair=repair,
    )


FAILED = (
    Entry(
        code="failed-test",
        severity=Severity.ERROR,
        title="a test of the policy failed",
        why="The rules give other access than an entry of `tests` or `sshTests` asks for, so the"
        " target refuses the policy. Formats for programs know it by this code. `aclkit test`"
        " explains it, with two devices as an example.",
        example="",
        repair="Correct the rules, or the test.",
    ),
)

SCENARIOS = (
    _mistake(
        "scenario-asks-nothing",
        "part of a scenario asks nothing",
        why="A test that expects nothing always passes, and so proves nothing.",
        repair="Write what is expected, or remove the entry.",
    ),
    _mistake(
        "scenario-bad-port",
        "a destination of a scenario has no port, or ports are wrong",
        why="Tests are about one port, as in `web-1:443`, invariants about ports and ranges.",
        repair="Write one port behind the last colon; in `ports` of an invariant, ports and ranges"
        " with commas between them.",
    ),
    _mistake(
        "scenario-bad-protocol",
        "a scenario names no protocol, or one that can't be asked about",
        why="Ports belong to TCP, UDP and SCTP only, and TSMP passes whatever the rules say.",
        repair="Name a protocol as in the policy, and ports only where it has some.",
    ),
    _mistake(
        "scenario-duplicate-key",
        "a scenario gives a key twice",
        why="One of the two would not count.",
        repair="Join the two, or remove one.",
    ),
    _mistake(
        "scenario-file",
        "a file that a scenario names can't be read",
        why="Without its policy and its tailnet a scenario can't be run.",
        repair="Name the file relative to the folder of the scenario.",
    ),
    _mistake(
        "scenario-missing-key",
        "a scenario lacks a key that is needed",
        why="Nothing is guessed: what a test is about must be written.",
        repair="Add the key.",
    ),
    _mistake(
        "scenario-unknown-key",
        "a scenario has a key that means nothing",
        why="A misspelt key would leave out what it was meant to ask.",
        repair="Correct the key, or remove it.",
    ),
    _mistake(
        "scenario-unknown-name",
        "neither the policy nor the tailnet knows a name of a scenario",
        why="Who does not exist reaches nothing, so a misspelt name would make each `deny` and"
        " each `never` hold.",
        repair="Correct the name, or declare it.",
    ),
    _mistake(
        "scenario-wrong-type",
        "a value of a scenario is of another type than its place takes",
        why="It can't be read as what it was meant to be.",
        repair="Write a value of the type that is named.",
    ),
)

TRUTH = (
    _hidden(
        "test-accept-of-all",
        "an `accept` fails, though each device gets through",
        why="A test supposes no posture and asks each address, and Headscale's runner leaves out"
        " some rules. So it can fail where nothing is wrong.",
        repair="Give `srcPostureAttrs`, or test what the rules say of addresses.",
    ),
    _hidden(
        "test-accept-of-none",
        "an `accept` passes, but no device gets through",
        why="A test asks the rules as a whole: a subnet without a router counts as reached, and so"
        " does SSH where port 22 is closed.",
        repair="Do what the reason says, or keep the test for the day when there is a device.",
    ),
    _hidden(
        "test-accept-of-some",
        "an `accept` passes, but only some devices get through",
        why="A test may be content with less than all, as on Headscale, where one address of a"
        " destination is enough.",
        repair="Ask for the devices one by one, in a scenario if the policy has no words for them.",
    ),
    _hidden(
        "test-deny-lets-through",
        "a `deny` passes, though devices get through",
        why="The most dangerous of what verdicts hide: the test looks like a proof. A source of a"
        " test meets no posture, its devices may, and Headscale's runner leaves out rules with"
        " `autogroup:self` and `via`.",
        repair="Give `srcPostureAttrs` for the device that must not get through, or write `never`"
        " in a scenario.",
    ),
    _hidden(
        "test-deny-of-none",
        "a `deny` fails, though no device gets through now",
        why="The rules open it, and only the tailnet of today keeps it shut: a router that is"
        " missing, a device that does not meet a posture.",
        repair="Close it in the rules: the tailnet may change without the policy.",
    ),
    _hidden(
        "test-no-devices",
        "no device is on one of the sides of a test",
        why="The verdict is about addresses alone, and what devices do can't be compared with it.",
        repair="Nothing need be done.",
    ),
    _hidden(
        "test-runner-differs",
        "the target's own runner answers otherwise than Tailscale's",
        why="Headscale leaves out rules with `autogroup:self` and `via`, is content with one"
        " address of a destination, and takes a check for an accept.",
        repair="Rely on what the devices do, which a scenario asks.",
    ),
    _hidden(
        "test-self-only",
        "only `autogroup:self` makes an `accept` pass",
        why="Each user then reaches their own devices only; for a group the test says less than it"
        " seems to.",
        repair="Nothing need be done if that is meant.",
    ),
    _hidden(
        "test-supposed-posture",
        "an `accept` holds for the attributes that it gives, but not for all devices",
        why="The test supposes a device, and some of the source's devices are otherwise.",
        repair="Look at the device that is named: it may be out of date.",
    ),
    _hidden(
        "test-udp-only",
        "an `accept` without a protocol passes by UDP alone",
        why="Without `proto` a test is content with TCP or UDP, while most people mean TCP.",
        repair="Write `proto`.",
    ),
    _hidden(
        "test-via-only",
        "only a rule with `via` makes an `accept` pass",
        why="Access then hangs on the routers with that tag, and other targets have no `via`.",
        repair="Nothing need be done if that is meant.",
    ),
)
