"""Checks of `tests`, and of the names in `sshTests`.

To Tailscale a malformed or misspelt test refuses nothing by itself: it fails when it is run. What
is said of names explains why, with the name that was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.policy.model import Policy
from aclkit.policy.ports import (
    PortSyntaxError,
    destination_words,
    parse_destination,
    split_destination,
    unbracketed,
)
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.policy.validate.validation import Validation
from aclkit.source import Span
from aclkit.target import SelectorKind
from aclkit.wording import listed

K = SelectorKind


def check_test_shapes(validation: Validation) -> None:
    """Refuse malformed tests, where the target refuses them instead of letting them fail."""
    if not validation.target.malformed_tests_refuse:
        return
    for test in validation.policy.tests:
        if not test.accept and not test.deny and not validation.is_incomplete(test.span):
            message = "this test says neither what to `accept` nor what to `deny`"
            _refuse(validation, "no-assertion", message, test.span, _ASSERTION_HELP)
        protocols = validation.target.test_protocols
        if test.proto is not None and protocols and test.proto.value.lower() not in protocols:
            message = f"a test can't be of protocol `{test.proto.value}`"
            help = "write " + listed(name for name in sorted(protocols) if name)
            _refuse(validation, "proto", message, test.proto.span, help)
        for text in (*test.accept, *test.deny):
            _test_destination(validation, text)


_ASSERTION_HELP = 'write what must be reachable, such as `"accept": ["tag:db:5432"]`'


def _refuse(validation: Validation, case: str, message: str, span: Span, help: str) -> None:
    words = validation.target.says(f"bad-test/{case}")
    validation.error("bad-test", message, span, words=words, help=help)


def _test_destination(validation: Validation, text: Text) -> None:
    target = validation.target
    try:
        destination = parse_destination(text, target)
    except (PortSyntaxError, SelectorSyntaxError) as problem:
        words = destination_words(text, problem, target)
        validation.error("bad-test", problem.message, problem.span, words=words, help=problem.help)
        return
    selector = destination.selector
    if selector.is_autogroup("internet"):
        message = f"`{selector.text}` can't be a destination of a test"
        _refuse(validation, "internet", message, selector.span, "name an address of the internet")
        return
    ports = destination.ports_span
    if len(destination.ports) != 1 or len(set(destination.ports[0])) != 1:
        message = (
            f"a test takes one port, as a number, not `{validation.policy.source.slice(ports)}`"
        )
        _refuse(validation, "port", message, ports, "write one test for each port")
        return
    prefix = validation.prefix_of(selector)
    if selector.kind is K.CIDR or (prefix is not None and not prefix.is_single):
        message = f"`{selector.text}` is a CIDR; a test takes single addresses only"
        _refuse(validation, "cidr", message, selector.span, "name one address of it")


def check_test_names(validation: Validation) -> None:
    """Warn of groups, tags and hosts that tests name and the policy does not define."""
    refused = {found.primary.span for found in validation.diagnostics if found.is_error}
    defined = {
        K.GROUP: ("group", validation.groups),
        K.TAG: ("tag", validation.tags),
        K.HOST: ("host", validation.hosts),
    }
    for selector in selectors_of_tests(validation.policy):
        if selector.kind not in defined or selector.span in refused:
            continue
        what, known = defined[selector.kind]
        if selector.text in known or validation.is_synced(selector):
            continue
        if validation.first_use(f"{what} in tests", selector.text):
            validation.warning(
                "unknown-in-test",
                f"undefined {what} `{selector.text}` in a test, which therefore fails",
                selector.span,
                help=validation.spelling.hint(selector.text, known)
                or "define it, or remove the test",
            )


def selectors_of_tests(policy: Policy) -> Iterator[Selector]:
    """Yield the sources and destinations of all tests, as far as they can be read."""
    for test in policy.tests:
        yield from _read(policy, test.src)
        for text in (*test.accept, *test.deny):
            parts = split_destination(text)
            if parts and (parts[1].value == "*" or parts[1].value[:1].isdecimal()):
                yield from _read(policy, unbracketed(parts[0]))
    for ssh_test in policy.ssh_tests:
        yield from _read(policy, ssh_test.src)
        for text in ssh_test.dst:
            yield from _read(policy, text)


def _read(policy: Policy, text: Text | None) -> Iterator[Selector]:
    if text is None:
        return
    try:
        yield parse_selector(text, policy.target.names)
    except SelectorSyntaxError:
        return  # the test fails and says so when it is run
