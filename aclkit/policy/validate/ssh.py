"""Checks of `ssh` and of the shape of `sshTests`."""

from __future__ import annotations

from aclkit.policy.durations import (
    HOUR,
    DurationSyntaxError,
    format_duration,
    parse_duration,
    parse_prometheus_duration,
)
from aclkit.policy.model import SshRule, SshTest
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.policy.validate.validation import Validation
from aclkit.policy.walk import localpart_domain
from aclkit.target import (
    Checks,
    Effect,
    Login,
    Periods,
    Position,
    SelectorKind,
    SshLanguage,
    Target,
)

K = SelectorKind
P = Position


def check_ssh(validation: Validation) -> None:
    """Check the SSH rules, in order."""
    for rule in validation.policy.ssh:
        _action(validation, rule)
        _users(validation, rule)
        sound = validation.selectors(rule.src, P.SSH_SRC)
        sound = validation.selectors(rule.dst, P.SSH_DST) and sound
        if sound:
            _pairs(validation, rule)
        _check_from_tags(validation, rule)
        _check_period(validation, rule)
        for name in rule.accept_env:
            if not name.value:
                validation.error(
                    "bad-accept-env",
                    "empty name of an environment variable",
                    name.span,
                    words=validation.target.says("bad-accept-env"),
                    help="write a name; `*` and `?` are wildcards",
                )
        _recorders(validation, rule)
        validation.posture_names(rule.src_posture)


def _recorders(validation: Validation, rule: SshRule) -> None:
    for recorder in rule.recorder:
        if recorder.kind is K.TAG:
            validation.selector(recorder, P.SSH_SRC)
        else:
            validation.error(
                "bad-recorder",
                f"a recorder is named by a tag, not `{recorder.text}`",
                recorder.span,
                help="write the tag of the devices that record, such as `tag:recorder`",
            )


def _action(validation: Validation, rule: SshRule) -> None:
    action = _action_of(validation, rule)
    if action is None and validation.is_incomplete(rule.span):
        return
    help = 'write `"action": "accept"` or `"action": "check"`'
    if action is None and validation.target.ssh.missing_action is Effect.DEAD:
        message = "an SSH rule without `action` lets nobody in"
        validation.warning("dead-rule", message, rule.span, help=help)
    elif action is None or not action.value:
        validation.error(
            "bad-action",
            "this SSH rule has no `action`",
            action.span if action else rule.span,
            words=validation.target.says("bad-action/ssh-missing"),
            help=help,
        )
    elif action.value not in ("accept", "check"):
        validation.error(
            "bad-action",
            f"unknown action `{action.value}`",
            action.span,
            words=validation.target.says("bad-action/ssh", x=action.value),
            help="write `accept` or `check`, in lower case; what no rule accepts is denied",
        )


def _action_of(validation: Validation, rule: SshRule) -> Text | None:
    if rule.action is None or not validation.target.names.trims:
        return rule.action
    return rule.action.stripped()


def _users(validation: Validation, rule: SshRule) -> None:
    target = validation.target
    effect = target.ssh.login(Login.NONE)
    incomplete = validation.is_incomplete(rule.span)
    if not rule.users and not incomplete and effect is not Effect.WORKS:
        help = 'write the logins on the destination, such as `"users": ["autogroup:nonroot"]`'
        if effect is Effect.REFUSED:
            message, words = "this SSH rule names no local `users`", target.says("missing-users")
            validation.error("missing-users", message, rule.span, words=words, help=help)
        else:
            message = "an SSH rule without `users` lets nobody in"
            validation.warning("dead-login", message, rule.span, help=help)
    for user in rule.users:
        word = user.stripped() if target.names.trims else user
        form = _login_form(word.value)
        effect = target.ssh.login(form) if form else Effect.WORKS
        help = "write a login, `root`, or `autogroup:nonroot` for any login but root"
        if form is Login.WILDCARD and target.ssh.login(Login.NONROOT) is Effect.WORKS:
            help = "write `root` and `autogroup:nonroot` for every login"
        if effect is Effect.REFUSED:
            validation.error(
                "bad-ssh-user",
                f"`{word.value}` is not a local user",
                user.span,
                words=target.says(
                    "bad-ssh-user/autogroup" if form is Login.AUTOGROUP else "bad-ssh-user",
                    x=word.value,
                ),
                help=help,
            )
        elif effect is Effect.DEAD:
            message = f"`{word.value}` is a login of just that name to {target.title}"
            validation.warning("dead-login", message, user.span, help=_instead(target, form))


def _instead(target: Target, form: Login | None) -> str:
    """Return what to write in place of a form of login that *target* takes for a name."""
    if target.ssh.login(Login.WILDCARD) is Effect.WORKS:
        return "write `*` for any login, or name the logins"
    if target.ssh.login(Login.NONROOT) is Effect.WORKS and form is not Login.LOCALPART:
        return "write `autogroup:nonroot` for any login but root"
    return "name the logins"


def _login_form(login: str) -> Login | None:
    """Return which special form of login *login* has; None for a plain one."""
    match login:
        case "":
            return Login.BLANK
        case "*":
            return Login.WILDCARD
        case "autogroup:nonroot":
            return Login.NONROOT
    if login.startswith("autogroup:"):
        return Login.AUTOGROUP
    return Login.LOCALPART if localpart_domain(login) is not None else None


def _pairs(validation: Validation, rule: SshRule) -> None:
    """Check which sources may reach which kinds of destination."""
    target = validation.target
    tagged = [s for s in rule.src if s.kind is K.TAG or s.is_autogroup("tagged")]
    for dst in rule.dst:
        if dst.kind is K.USER:
            others = [s for s in rule.src if s != dst]
            if others and target.ssh.same_user_only:
                case = "bad-ssh-destination"
                if any(s in tagged for s in others):
                    case = "bad-ssh-destination/tagged"
                validation.error(
                    "bad-ssh-destination",
                    f"the devices of `{dst.text}` are open to `{dst.text}` only",
                    dst.span,
                    words=target.says(case),
                    help=f"let `{dst.text}` be the only `src`, or write `autogroup:self`",
                )
        elif dst.is_autogroup("self", "member") and tagged and not target.ssh.tagged_to_people:
            validation.error(
                "bad-self-source",
                f"`{tagged[0].text}` can't be a source of `{dst.text}`",
                tagged[0].span,
                words=target.says(f"bad-self-source/{dst.text}", P.SSH_DST),
                help="tagged devices reach tagged devices only",
            )


def _check_from_tags(validation: Validation, rule: SshRule) -> None:
    """Warn of sources that nobody can authenticate (docs/reference/ssh.md, Validation)."""
    if rule.action is None or rule.action.value.strip() != "check":
        return
    if validation.target.meaning.check is not Checks.ASK:
        return
    for selector in rule.src:
        if selector.kind is K.TAG or selector.is_autogroup("tagged"):
            validation.warning(
                "check-from-tag",
                f"`{selector.text}` can't pass a check: a tagged device has no user to ask",
                selector.span,
                help="write a rule of its own with `accept` for tagged sources",
            )


def _check_period(validation: Validation, rule: SshRule) -> None:
    text, target, language = rule.check_period, validation.target, validation.target.ssh
    action = rule.action.value.strip() if rule.action else ""
    if text is None:
        if action == "check" and language.period_required:
            validation.error(
                "bad-check-period",
                f"`check` needs a `checkPeriod` on {target.title}",
                rule.span,
                words=target.says("bad-check-period/missing"),
                help='write a duration, such as `"checkPeriod": "12h"`',
            )
        return
    if action == "accept":
        _period_on_accept(validation, text)
        if language.period_of_checks_only:
            return
    if text.value == "always" and language.always:
        return
    parse = parse_duration if language.periods is Periods.GO else parse_prometheus_duration
    try:
        period = parse(text.value)
    except DurationSyntaxError as problem:
        message = f"`{text.value}` is not a duration"
        words = target.says("bad-check-period/syntax", reason=problem, x=text.value)
    else:
        shown = format_duration(period)
        if period < 0 and not language.negative_periods:
            message = "a check period can't be negative"
            words = target.says("bad-check-period/negative", x=shown)
        elif language.longest_period is not None and period > language.longest_period * HOUR:
            message = "a check period can't be longer than a week"
            words = target.says("bad-check-period/long", x=shown)
        else:
            return
    validation.error(
        "bad-check-period", message, text.span, words=words, help=_period_help(language, text.value)
    )


# Days of a week, the longest period.
_WEEK = frozenset("1234567")


def _period_help(language: SshLanguage, period: str) -> str:
    days = period.removesuffix("d")
    if language.periods is Periods.GO and days != period and days in _WEEK:
        return f"days have no unit: write `{24 * int(days)}h`"
    if language.periods is Periods.PROMETHEUS:
        return "write whole numbers with units from year to millisecond: `12h`, `1d`, `1h30m`"
    help = "write a duration such as `12h` or `1h30m`"
    if language.longest_period is not None:
        help += f", up to `{language.longest_period}h`"
    return f"{help}, or `always`" if language.always else help


def _period_on_accept(validation: Validation, text: Text) -> None:
    message = "`checkPeriod` does nothing beside `accept`"
    help = "write `check` as action, or remove it"
    effect = validation.target.ssh.period_on_accept
    if effect is Effect.REFUSED:
        words = validation.target.says("unused-check-period")
        validation.error("unused-check-period", message, text.span, words=words, help=help)
        return
    if effect is None:
        help += f"; {validation.target.product} is not known to refuse it"
    validation.warning("unused-check-period", message, text.span, help=help)


def check_ssh_tests(validation: Validation) -> None:
    """Check what the control plane refuses in `sshTests` before it runs them."""
    for test in validation.policy.ssh_tests:
        _test_source(validation, test)
        for text in test.dst:
            _test_destination(validation, text)


def _element(validation: Validation, text: Text) -> Selector | None:
    try:
        return parse_selector(text, validation.target.names)
    except SelectorSyntaxError:
        return None


def _test_source(validation: Validation, test: SshTest) -> None:
    if test.src is None or not test.src.value.strip():
        if validation.target.malformed_tests_refuse:
            validation.error(
                "bad-test",
                "this SSH test has no `src`",
                test.src.span if test.src else test.span,
                words=validation.target.says("bad-test/ssh-no-src"),
                help="name one user, group, tag, host or address",
            )
        return
    selector = _element(validation, test.src)
    if selector is not None and (
        selector.kind is K.DOMAIN or validation.target.allows(P.SSH_TEST_SRC, selector.kind)
    ):
        return  # what `user:*@domain` does here is not proven: the test fails when it is run
    text = test.src.value.strip()
    validation.error(
        "bad-test",
        f"`{text}` can't be the source of an SSH test",
        test.src.span,
        words=validation.target.says("bad-test/ssh-src", x=text),
        help="name one user, group, tag, host or address",
    )


def _test_destination(validation: Validation, text: Text) -> None:
    selector = _element(validation, text)
    word = text.value.strip()
    target = validation.target
    if selector is not None and selector.kind is K.DOMAIN:
        return  # not proven: the test fails when it is run
    if selector is None or not target.allows(P.SSH_TEST_DST, selector.kind):
        words = target.says("bad-test/ssh-dst", x=word)
        message = f"`{word}` can't be a destination of an SSH test"
        help = "name a tag, a user, a host or an IPv4 address, without a port"
    elif selector.kind is K.TAG and selector.text not in validation.tags:
        words = target.says("bad-test/ssh-tag", x=word)
        message = f"undefined tag `{word}`"
        help = "declare it in `tagOwners`; an SSH test takes no port"
    else:
        return
    validation.error("bad-test", message, text.span, words=words, help=help)
