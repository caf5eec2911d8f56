"""Validation: what names mean and where they may stand, for the policy's target.

Needs nothing but the policy; what needs the tailnet is the resolver's.
"""
