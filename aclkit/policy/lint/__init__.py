"""Lint: what a target takes without a word, and what is a mistake all the same.

Needs nothing but the policy, and of a tailnet only the words that its nodes have. A warning that is
wrong on a sensible policy is worse than none: in doubt a check keeps silent or is off.
"""
