"""Which words of a policy name a user (docs/reference/headscale.md, Users, groups, hosts, tags)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from aclkit.tailnet.model import User
from aclkit.target import UserWords


def words_of(login: str, provider_id: str | None, words: UserWords) -> tuple[str, ...]:
    """Return the words that name a user, each once; the login's own first."""
    match words:
        case UserWords.LOGIN:
            found = [login]
        case UserWords.NAME:
            found = [normalised(login)]
        case UserWords.PLAIN:
            found = [login.removesuffix("@"), *([provider_id] if provider_id else [])]
        case UserWords.AT_SIGN:
            found = [login]
            if provider_id:
                found.append(provider_id)
                if "@" not in provider_id:
                    found.append(f"{provider_id}@")
            if "@" not in login:
                found.append(f"{login}@")
    return tuple(dict.fromkeys(found))


def word_in_group(member: str, words: UserWords) -> str:
    """Return the form in which a member of a group is compared with the words of users."""
    return normalised(member) if words is UserWords.NAME else member


def normalised(login: str) -> str:
    """Return the name that Headscale 0.23 makes of an email, with `oidc.strip_email_domain` set."""
    return login.lower().replace("'", "").partition("@")[0]


def ambiguous_words(users: Iterable[User], words: UserWords) -> frozenset[str]:
    """Return the words that name two users; none where logins alone count, which are unique.

    A provider's id goes before all other words.
    """
    listed = tuple(users)
    if words in (UserWords.LOGIN, UserWords.NAME):
        return frozenset()
    counts = Counter(
        word for user in listed for word in words_of(user.login, user.provider_id, words)
    )
    ids = {
        word
        for user in listed
        if user.provider_id
        for word in (user.provider_id, f"{user.provider_id}@")
    }
    return frozenset(word for word, count in counts.items() if count > 1 and word not in ids)
